//! One session with a server: a message out, its answer in, within a time. Knows messages and no episode.

use std::time::{Duration, Instant};

use lam_signal::{Details, Fault, FaultKind};
use serde_json::{Value, json};

use super::payload::taken;
use super::settings::ClientSettings;
use crate::idle::KeptLink;
use crate::link::{ClientLink, LinkError, LinkLimits};

/// How long a server may take to close a session that we leave.
const FAREWELL: Duration = Duration::from_millis(500);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The server refuses, with OpenEnv's code for it.
    Refused {
        /// Such as `CAPACITY_REACHED`.
        code: String,
        /// In words.
        message: String,
    },
    /// Nobody is connected, or not any more.
    Lost(#[from] LinkError),
    /// The server takes too long.
    Late(String, Duration),
    /// The answer cannot be read.
    Unreadable(String),
}

impl AskError {
    /// Whether another try may go better: the server is starting, full, or has ended an idle session.
    pub fn may_pass(&self) -> bool {
        match self {
            AskError::Lost(_) => true,
            AskError::Refused { code, .. } => matches!(code.as_str(), "CAPACITY_REACHED" | "SESSION_ERROR"),
            AskError::Late(..) | AskError::Unreadable(_) => false,
        }
    }
}

impl Fault for AskError {
    fn kind(&self) -> FaultKind {
        FaultKind::Runtime
    }

    fn details(&self) -> Details {
        match self {
            Self::Refused { code, message } => Details::new(format!("{message} ({code})")),
            Self::Lost(error) => error.details(),
            Self::Late(call, limit) => Details::new(format!("no answer to `{call}` within {} s", limit.as_secs_f32())),
            Self::Unreadable(reason) => Details::new("the answer is not understood").because(reason),
        }
    }
}

lam_signal::display_details!(AskError);

/// One session.
pub struct Exchange {
    link: KeptLink,
    call_timeout: Duration,
}

impl Exchange {
    /// Connects.
    ///
    /// # Errors
    /// When no server takes the connection in time.
    pub fn open(url: &str, settings: &ClientSettings) -> Result<Self, AskError> {
        let limits = LinkLimits { max_message_bytes: settings.max_message_bytes, ..LinkLimits::default() };
        let link = ClientLink::connect(url, settings.token.as_ref(), limits, settings.connect_timeout)?;
        // Between two calls a server says only that it is about to end the session, which the closing says too.
        Ok(Self { link: KeptLink::new(link), call_timeout: settings.call_timeout })
    }

    /// Sends a message and takes the data of its answer.
    ///
    /// # Errors
    /// A refusal, a lost connection, no answer in time. After the last two the session can no longer be used.
    pub fn ask(&self, kind: &str, data: &Value) -> Result<Value, AskError> {
        let mut link = self.link.lock();
        link.send(json!({"type": kind, "data": data}).to_string())?;
        match link.poll(self.call_timeout)? {
            Some(text) => answer(&text),
            None => Err(AskError::Late(kind.to_owned(), self.call_timeout)),
        }
    }
}

/// Ends the session in OpenEnv's words, and lets the server close the connection.
impl Drop for Exchange {
    fn drop(&mut self) {
        let mut link = self.link.lock();
        link.tell(json!({"type": "close"}).to_string());
        let until = Instant::now() + FAREWELL;
        while link.poll(until.saturating_duration_since(Instant::now())).is_ok() && Instant::now() < until {}
    }
}

fn answer(text: &str) -> Result<Value, AskError> {
    let unreadable = |error: &dyn std::fmt::Display| AskError::Unreadable(error.to_string());
    let mut message: Value = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    let data = taken(&mut message, "data");
    match message["type"].as_str() {
        Some("error") => {
            let word = |key: &str| data[key].as_str().unwrap_or_default().to_owned();
            Err(AskError::Refused { code: word("code"), message: word("message") })
        }
        Some(_) => Ok(data),
        None => Err(unreadable(&"it has no `type`")),
    }
}
