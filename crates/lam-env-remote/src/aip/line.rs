//! A device's connection as blocking code sees it, and the task that carries its texts to and fro. Knows no message: what
//! is answered at once is a rule that it is given.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::ws::close_code;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::link::{LinkError, ServerLink};
use crate::sockets::Stop;

/// Texts that are kept for somebody to take them; what comes beyond is lost, since nobody waits for it.
const MOST_WAITING: usize = 16;

/// The answer to a text that needs one at once, whether or not somebody waits; other texts are for whoever waits.
pub type AtOnce = fn(&str) -> Option<String>;

/// A connection for blocking code. It is closed once this is dropped.
pub struct Line {
    outgoing: UnboundedSender<String>,
    incoming: Receiver<String>,
    end: Arc<OnceLock<LinkError>>,
}

/// Its other end, for the task that carries.
pub struct Carrier {
    outgoing: UnboundedReceiver<String>,
    incoming: SyncSender<String>,
    end: Arc<OnceLock<LinkError>>,
}

/// A line and its carrier.
pub fn line() -> (Line, Carrier) {
    let (sent, outgoing) = unbounded_channel();
    let (incoming, received) = sync_channel(MOST_WAITING);
    let end = Arc::new(OnceLock::new());
    let carrier = Carrier { outgoing, incoming, end: Arc::clone(&end) };
    (Line { outgoing: sent, incoming: received, end }, carrier)
}

impl Line {
    /// Sends a text.
    ///
    /// # Errors
    /// When the connection has ended. One that ends on the way is told by the next wait.
    pub fn send(&self, text: String) -> Result<(), LinkError> {
        self.outgoing.send(text).map_err(|_| self.ended())
    }

    /// The next text, waited for at most so long.
    ///
    /// # Errors
    /// When the connection has ended.
    pub fn receive(&self, wait: Duration) -> Result<Option<String>, LinkError> {
        match self.incoming.recv_timeout(wait) {
            Ok(text) => Ok(Some(text)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended()),
        }
    }

    /// Lets go of what has come while nobody waited.
    pub fn forget(&self) {
        while self.incoming.try_recv().is_ok() {}
    }

    /// Whether the other side is still there, as far as is known.
    pub fn is_open(&self) -> bool {
        !self.outgoing.is_closed()
    }

    fn ended(&self) -> LinkError {
        self.end.get().cloned().unwrap_or(LinkError::Closed(String::new()))
    }
}

impl Carrier {
    /// Carries texts until the line is dropped, the connection ends, or the server stops.
    pub async fn carry(mut self, mut link: ServerLink, mut stop: Stop, at_once: AtOnce) {
        let code = match self.run(&mut link, &mut stop, at_once).await {
            Ok(code) => code,
            Err(error) => {
                let code = if matches!(error, LinkError::TooLarge(_)) { close_code::SIZE } else { close_code::NORMAL };
                // Told before the channels close: whoever waits reads it then.
                let _ = self.end.set(error);
                code
            }
        };
        drop(self);
        link.close(None, code, "").await;
    }

    async fn run(&mut self, link: &mut ServerLink, stop: &mut Stop, at_once: AtOnce) -> Result<u16, LinkError> {
        loop {
            tokio::select! {
                biased;
                () = stop.is_told() => return Ok(close_code::AWAY),
                text = self.outgoing.recv() => match text {
                    Some(text) => link.send(text).await?,
                    None => return Ok(close_code::NORMAL),
                },
                text = link.receive() => {
                    let text = text?;
                    match at_once(&text) {
                        Some(answer) => link.send(answer).await?,
                        None => drop(self.incoming.try_send(text)),
                    }
                }
            }
        }
    }
}
