//! The WebSocket connections of one server: requests that become one, and their common end. Knows nothing that is spoken
//! over them.

use std::future::Future;
use std::time::Duration;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::http::StatusCode;
use axum::response::Response;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::link::{LinkLimits, ServerLink};
use crate::reply::refusal;

/// How long connections may take to end once the server stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// What a connection's task is told: that it shall end.
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Waits until it shall end.
    pub async fn is_told(&mut self) {
        // Without a sender the server is gone, which says the same.
        let _ = self.0.wait_for(|is_told| *is_told).await;
    }
}

/// The connections of a server.
pub struct Sockets {
    limits: LinkLimits,
    /// Each connection holds a receiver as long as it lives.
    stop: watch::Sender<bool>,
}

impl Sockets {
    /// No connection yet; each may take this much.
    pub fn new(limits: LinkLimits) -> Self {
        Self { limits, stop: watch::Sender::new(false) }
    }

    /// Goes over to WebSocket and has the connection served; a request that asks for something else is refused.
    pub fn open<F: Future<Output = ()> + Send + 'static>(
        &self,
        upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
        serve: impl FnOnce(ServerLink, Stop) -> F + Send + 'static,
    ) -> Response {
        let upgrade = match upgrade {
            Ok(upgrade) => upgrade,
            Err(rejection) => {
                let reason = format!("this path speaks WebSocket: {}", rejection.body_text());
                return refusal(StatusCode::UPGRADE_REQUIRED, &reason);
            }
        };
        let (limits, stop) = (self.limits, Stop(self.stop.subscribe()));
        let upgrade = upgrade.max_message_size(limits.max_message_bytes).max_frame_size(limits.max_message_bytes);
        upgrade.on_upgrade(move |socket| serve(ServerLink::new(socket, limits), stop))
    }

    /// Whether the connections were told to end.
    pub fn are_ending(&self) -> bool {
        *self.stop.borrow()
    }

    /// Tells the connections to end, and waits a while for them.
    pub async fn end(&self) {
        self.stop.send_replace(true);
        let _ = timeout(FAREWELL, self.stop.closed()).await;
    }
}
