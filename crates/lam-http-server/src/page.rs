//! Answers of pages: what a page may load, and that nobody keeps it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use lam_signal::redacted;

/// Everything stands in the page, or comes from its own server.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: 'self'; \
                      connect-src 'self'";

/// A page that may ask its server for more, without the secrets that this process knows.
pub fn html(text: &str) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, redacted(text).into_owned()).into_response()
}

/// JSON as text, without the secrets that this process knows.
pub fn json(text: &str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], redacted(text).into_owned()).into_response()
}

/// A short refusal for people.
pub(crate) fn refusal(status: StatusCode, reason: &'static str) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], reason).into_response()
}

/// What holds for every answer: nobody keeps it unless it says so, frames it, or guesses what it is.
pub(crate) fn harden(response: &mut Response) {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in headers {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
}
