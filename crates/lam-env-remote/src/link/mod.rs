//! WebSocket connections, ours and those of who dials in: text messages of bounded size, pings while nothing is said, a
//! deadline for silence. Know WebSocket and nothing that is spoken over it.
//!
//! [`ClientLink`] is dialled, over a blocking socket; [`ServerLink`] is accepted, over axum's.

mod client;
mod server;

use std::time::Duration;

use lam_signal::{Details, Fault, FaultKind};
use tungstenite::Error;
use tungstenite::error::CapacityError;

pub use client::ClientLink;
pub use server::ServerLink;

/// What a connection may take.
#[derive(Clone, Copy, Debug)]
pub struct LinkLimits {
    /// Largest message, in bytes.
    pub max_message_bytes: usize,
    /// Longest wait until the other side takes a message.
    pub write_timeout: Duration,
    /// Silence after which the other side is pinged.
    pub ping_after: Duration,
    /// How long it may take to answer that.
    pub pong_within: Duration,
}

impl Default for LinkLimits {
    fn default() -> Self {
        Self {
            max_message_bytes: 16 << 20,
            write_timeout: Duration::from_secs(30),
            ping_after: Duration::from_secs(20),
            pong_within: Duration::from_secs(60),
        }
    }
}

/// Why nothing more comes over a connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Closed in order, with the reason given.
    Closed(String),
    /// No answer to a ping.
    Silent(Duration),
    /// Larger than the limit, in bytes.
    TooLarge(usize),
    /// Not what a text protocol sends.
    Binary,
    /// The other side takes no more data.
    Stalled(Duration),
    /// The connection broke, or was never one.
    Broken(String),
}

impl Fault for LinkError {
    fn kind(&self) -> FaultKind {
        FaultKind::Runtime
    }

    fn details(&self) -> Details {
        match self {
            Self::Closed(reason) => Details::new("the other side closed the connection").because(reason),
            Self::Silent(time) => Details::new(format!("nothing was heard for {} s", time.as_secs_f32().ceil())),
            Self::TooLarge(limit) => Details::new(format!("a message is larger than {limit} bytes")),
            Self::Binary => Details::new("a binary message came where only text is spoken"),
            Self::Stalled(time) => Details::new(format!("the other side takes no data for {} s", time.as_secs())),
            Self::Broken(reason) => Details::new(reason),
        }
    }
}

lam_signal::display_details!(LinkError);

impl LinkError {
    /// What an error of a read or a write means for the connection.
    fn of(error: Error, limits: LinkLimits) -> Self {
        match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => Self::TooLarge(limits.max_message_bytes),
            Error::ConnectionClosed | Error::AlreadyClosed => Self::Closed(String::new()),
            Error::Io(error) if is_timeout(&error) => Self::Stalled(limits.write_timeout),
            error => Self::broken(error),
        }
    }

    fn broken(error: impl std::fmt::Display) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Whether a read or a write only took too long.
fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}
