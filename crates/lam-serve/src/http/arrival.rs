//! The body of a request as JSON.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use lam_http_server::{BodyError, read_body};
use serde_json::Value;

use crate::refusal::Refusal;

/// What some write before a text in UTF-8, editors under Windows among them.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The body as JSON.
///
/// # Errors
/// One that is compressed, is too large, does not arrive in time, or is not JSON.
pub async fn read_json(request: Request, max_bytes: usize, within: Duration) -> Result<Value, Refusal> {
    check_plain(request.headers())?;
    let bytes = read_body(request.into_body(), max_bytes, within).await.map_err(refused)?;
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
    let refused = |reason: String| Refusal::new(StatusCode::BAD_REQUEST, reason).code("invalid_json");
    serde_json::from_slice(text).map_err(|error| refused(format!("the body is not JSON: {error}")))
}

/// Refuses what is compressed: nobody would know how large it becomes.
fn check_plain(headers: &HeaderMap) -> Result<(), Refusal> {
    let packed =
        headers.get_all(header::CONTENT_ENCODING).iter().find(|how| !how.as_bytes().eq_ignore_ascii_case(b"identity"));
    packed.map_or(Ok(()), |how| {
        let how = String::from_utf8_lossy(how.as_bytes());
        let message = format!("the body is encoded as `{how}`; send it as it is, without `Content-Encoding`");
        Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, message).code("unsupported_encoding"))
    })
}

fn refused(error: BodyError) -> Refusal {
    let message = error.to_string();
    match error {
        BodyError::Late(_) => Refusal::new(StatusCode::REQUEST_TIMEOUT, message).code("timeout"),
        BodyError::TooLarge { .. } => Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message).code("request_too_large"),
        BodyError::Broken(_) => Refusal::new(StatusCode::BAD_REQUEST, message),
    }
}
