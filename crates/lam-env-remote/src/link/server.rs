//! A connection that somebody dialled, over axum's WebSocket: a task carries its texts, and nothing that blocks may run
//! there. What it sends is taken in time, or the server's connection fails.

use std::time::Duration;

use axum::extract::ws::{CloseCode, CloseFrame, Message, WebSocket};
use lam_signal::redacted;
use tokio::time::{Instant, timeout, timeout_at};

use super::{LinkError, LinkLimits};

/// How long the other side may take to hear our last words and our goodbye.
const FAREWELL: Duration = Duration::from_secs(2);
/// Longest reason that a goodbye has a place for, in bytes.
const LONGEST_REASON: usize = 120;

/// One connection.
pub struct ServerLink {
    socket: WebSocket,
    limits: LinkLimits,
    heard: Instant,
    pinged: Option<Instant>,
}

impl ServerLink {
    /// A connection whose handshake was answered, and whose messages are no larger than the limits say.
    pub fn new(socket: WebSocket, limits: LinkLimits) -> Self {
        Self { socket, limits, heard: Instant::now(), pinged: None }
    }

    /// Sends a text message. What is given up half sent goes out before the next one.
    ///
    /// # Errors
    /// When the connection has ended, or the other side takes no data.
    pub async fn send(&mut self, text: String) -> Result<(), LinkError> {
        self.write(Message::Text(text.into())).await
    }

    /// The next text message; answers pings and sends its own meanwhile. Nothing is lost if it is given up.
    ///
    /// # Errors
    /// When the connection has ended, or nothing is heard of the other side.
    pub async fn receive(&mut self) -> Result<String, LinkError> {
        loop {
            let next = match self.pinged {
                Some(at) => at + self.limits.pong_within,
                None => self.heard + self.limits.ping_after,
            };
            // What has come is read before silence is judged: nobody may have listened for a while.
            match timeout_at(next, self.socket.recv()).await {
                Ok(message) => {
                    (self.heard, self.pinged) = (Instant::now(), None);
                    if let Some(Ok(Message::Ping(data))) = &message {
                        // In place of the answer that waits for the next write. Nothing more is read before it is taken:
                        // for who sends pings and reads nothing, answers would pile up.
                        self.write(Message::Pong(data.clone())).await?;
                    }
                    if let Some(text) = self.text(message)? {
                        return Ok(text);
                    }
                }
                Err(_) if self.pinged.is_some() => return Err(LinkError::Silent(self.heard.elapsed())),
                Err(_) => {
                    self.write(Message::Ping(Vec::new().into())).await?;
                    self.pinged = Some(Instant::now());
                }
            }
        }
    }

    /// Sends a last text, if there is one, says goodbye, and waits for the other side to have heard it: all that within a
    /// moment, also where the other side takes nothing.
    pub async fn close(mut self, last: Option<String>, code: CloseCode, reason: &str) {
        let mut ends = (0..=reason.len().min(LONGEST_REASON)).rev();
        let end = ends.find(|end| reason.is_char_boundary(*end)).unwrap_or(0);
        let goodbye = Message::Close(Some(CloseFrame { code, reason: reason[..end].into() }));
        let parting = async {
            // Errors would not help: the other side no longer listens. Where it said goodbye first, the answer is on its
            // way already and goes out with the next look.
            for message in last.map(|text| Message::Text(text.into())).into_iter().chain([goodbye]) {
                let _ = self.write(message).await;
            }
            while let Some(Ok(_)) = self.socket.recv().await {}
        };
        let _ = timeout(FAREWELL, parting).await;
    }

    /// The text of a message, if it is one.
    fn text(&self, message: Option<Result<Message, axum::Error>>) -> Result<Option<String>, LinkError> {
        match message {
            // Whoever was told a token may repeat it.
            Some(Ok(Message::Text(text))) => Ok(Some(redacted(text.as_str()).into_owned())),
            Some(Ok(Message::Binary(_))) => Err(LinkError::Binary),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
            Some(Ok(Message::Close(frame))) => {
                Err(LinkError::Closed(frame.map(|frame| frame.reason.as_str().to_owned()).unwrap_or_default()))
            }
            Some(Err(error)) => Err(self.failed(error)),
            None => Err(LinkError::Closed(String::new())),
        }
    }

    async fn write(&mut self, message: Message) -> Result<(), LinkError> {
        self.socket.send(message).await.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: axum::Error) -> LinkError {
        match error.into_inner().downcast::<tungstenite::Error>() {
            Ok(error) => LinkError::of(*error, self.limits),
            Err(other) => LinkError::broken(other),
        }
    }
}
