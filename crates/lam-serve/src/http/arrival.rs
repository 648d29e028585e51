//! The body of a request as JSON.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use lam_http_server::{BodyError, read_body};
use serde_json::Value;

use crate::refusal::Refusal;

/// The body as JSON.
///
/// # Errors
/// One that is too large, does not arrive in time, or is not JSON.
pub async fn read_json(body: Body, max_bytes: usize, within: Duration) -> Result<Value, Refusal> {
    let bytes = read_body(body, max_bytes, within).await.map_err(refused)?;
    let refused = |reason: String| Refusal::new(StatusCode::BAD_REQUEST, reason).code("invalid_json");
    serde_json::from_slice(&bytes).map_err(|error| refused(format!("the body is not JSON: {error}")))
}

fn refused(error: BodyError) -> Refusal {
    let message = error.to_string();
    match error {
        BodyError::Late(_) => Refusal::new(StatusCode::REQUEST_TIMEOUT, message).code("timeout"),
        BodyError::TooLarge { .. } => Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message).code("request_too_large"),
        BodyError::Broken(_) => Refusal::new(StatusCode::BAD_REQUEST, message),
    }
}
