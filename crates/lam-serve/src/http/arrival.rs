//! The body of a request as it arrives: no larger and no slower than it may be.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use futures_util::StreamExt;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::refusal::Refusal;

/// Bytes of a body that is too large that are still listened to, as a factor of the limit: a client that is cut off while it
/// writes does not read the refusal.
const PATIENCE: usize = 16;

/// The body as JSON.
///
/// # Errors
/// One that is too large, does not arrive in time, or is not JSON.
pub async fn read_json(body: Body, max_bytes: usize, within: Duration) -> Result<Value, Refusal> {
    let until = Instant::now() + within;
    let mut stream = body.into_data_stream();
    let (mut bytes, mut length) = (Vec::new(), 0);
    loop {
        let next = timeout_at(until, stream.next()).await.map_err(|_| {
            let message = format!("the request did not arrive within {} s", within.as_secs());
            Refusal::new(StatusCode::REQUEST_TIMEOUT, message).code("timeout")
        })?;
        let Some(piece) = next else { break };
        let piece = piece.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, format!("the body: {error}")))?;
        length += piece.len();
        if length <= max_bytes {
            bytes.extend_from_slice(&piece);
        } else if length > PATIENCE * max_bytes {
            break;
        }
    }
    if length > max_bytes {
        let message = format!("the body has {length} bytes or more, {max_bytes} are allowed");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message).code("request_too_large"));
    }
    let refused = |reason: String| Refusal::new(StatusCode::BAD_REQUEST, reason).code("invalid_json");
    serde_json::from_slice(&bytes).map_err(|error| refused(format!("the body is not JSON: {error}")))
}
