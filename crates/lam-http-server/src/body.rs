//! The body of a request as it arrives: no larger and no slower than it may be. Knows no form.

use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt;
use lam_signal::{Details, Fault, FaultKind};
use tokio::time::{Instant, timeout_at};

/// Bytes of a body that is too large that are still listened to, as a factor of the limit: a client that is cut off while it
/// writes does not read the refusal.
const PATIENCE: usize = 16;

/// Why there is no body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It takes longer than this.
    Late(Duration),
    /// It is larger than it may be.
    TooLarge {
        /// Bytes that have arrived.
        length: usize,
        /// Bytes that are allowed.
        most: usize,
    },
    /// It ended before its end.
    Broken(String),
}

impl Fault for BodyError {
    fn kind(&self) -> FaultKind {
        FaultKind::Runtime
    }

    fn details(&self) -> Details {
        Details::new(match self {
            Self::Late(limit) => format!("the request did not arrive within {} s", limit.as_secs()),
            Self::TooLarge { length, most } => {
                format!("the body has {length} bytes or more, {most} are allowed")
            }
            Self::Broken(reason) => format!("the body: {reason}"),
        })
    }
}

lam_signal::display_details!(BodyError);

/// The body, once it is there.
///
/// # Errors
/// One that is larger than `most` bytes, is not whole `within` this time, or breaks off.
pub async fn read_body(body: Body, most: usize, within: Duration) -> Result<Vec<u8>, BodyError> {
    let until = Instant::now() + within;
    let mut stream = body.into_data_stream();
    let (mut bytes, mut length) = (Vec::new(), 0);
    loop {
        let next = timeout_at(until, stream.next()).await.map_err(|_| BodyError::Late(within))?;
        let Some(piece) = next else { break };
        let piece = piece.map_err(|error| BodyError::Broken(error.to_string()))?;
        length += piece.len();
        if length <= most {
            bytes.extend_from_slice(&piece);
        } else if length > most.saturating_mul(PATIENCE) {
            break;
        }
    }
    if length > most { Err(BodyError::TooLarge { length, most }) } else { Ok(bytes) }
}
