//! Answers to HTTP requests: JSON, and refusals in OpenEnv's form. Knows no path.

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use lam_http_server::{Access, Denied};
use serde_json::json;

/// An answer that is JSON already.
pub fn json(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// Why there is no other answer.
pub fn refusal(status: StatusCode, reason: &str) -> Response {
    json(status, json!({"detail": reason}).to_string())
}

/// The answer to a request that is not looked at, if it is not.
pub fn unwelcome(access: &Access, request: &Request) -> Option<Response> {
    let (status, reason) = match access.admit(request).err()? {
        Denied::Token => {
            (StatusCode::UNAUTHORIZED, "no or another token; hint: Authorization: Bearer TOKEN, or ?token=TOKEN")
        }
        Denied::Host => (StatusCode::FORBIDDEN, "another host's name needs a token"),
        // A page in somebody's browser could reach a server on loopback; it says where it comes from.
        Denied::Origin => (StatusCode::FORBIDDEN, "pages of other servers need a token"),
    };
    Some(refusal(status, reason))
}
