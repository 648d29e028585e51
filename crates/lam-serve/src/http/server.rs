//! The server's life: it listens, serves connections, and ends in order.

use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use lam_http_server::{Door, HttpServer, ServerThreads};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::{App, ServerSettings, router, seconds_since_1970};
use crate::answering::Phase;
use crate::error::ServeError;
use crate::model::Models;

/// Threads that serve connections: two, so that one that is held up stops no clock.
const SERVING: usize = 2;
/// Threads that make prompts, at least and at most.
const PREPARING: (usize, usize) = (2, 4);
/// Connections beside those whose answers are made or wait.
const RESERVE: usize = 64;
/// How often it is looked whether answers are still in the making.
const LOOK: Duration = Duration::from_millis(10);
/// How long answers that are cut off may take to say so.
const FAREWELL: Duration = Duration::from_secs(2);

/// A server that runs in threads of its own until it is stopped or dropped.
pub struct Server(HttpServer);

impl Server {
    /// Listens, and serves the models from now on.
    ///
    /// # Errors
    /// An address that cannot be listened on, or that others can reach without a token.
    pub fn start(models: Models, settings: ServerSettings) -> Result<Self, ServeError> {
        let (access, port) = (settings.access(), settings.port);
        let (phase, watched) = watch::channel(Phase::Open);
        let (started, logged) = (seconds_since_1970(), std::sync::Mutex::default());
        let app = Arc::new(App { models, settings, access: access.clone(), phase: watched, started, logged });
        let door = Door::new(router(Arc::clone(&app)), seats(&app), app.settings.client_timeout);
        Ok(Self(HttpServer::start((&access, port), door, threads(), drain(app, phase))?))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Whether it serves, and has not ended by itself.
    pub fn is_running(&self) -> bool {
        self.0.is_running()
    }

    /// Answers nothing new, lets what is in the making be finished within the grace, and ends a few seconds after it at
    /// the latest: work that nobody can cut off is left to its thread.
    pub fn stop(self) {
        self.0.stop();
    }
}

/// No more threads make prompts than there are cores: they would only take turns, and the models' threads with them.
fn threads() -> ServerThreads {
    let cores = available_parallelism().map_or(PREPARING.0, NonZero::get);
    ServerThreads { name: "serve", serving: SERVING, blocking: cores.clamp(PREPARING.0, PREPARING.1) }
}

/// The server's end. New connections are refused with a reason until the last answer is given.
async fn drain(app: Arc<App>, phase: watch::Sender<Phase>) {
    phase.send_replace(Phase::Draining);
    let until = Instant::now() + app.settings.grace;
    while app.is_answering() && Instant::now() < until {
        sleep(LOOK).await;
    }
    phase.send_replace(Phase::Cut);
    while app.is_answering() && Instant::now() < until + FAREWELL {
        sleep(LOOK).await;
    }
}

/// Connections at once: one for each answer that is made or waits, and some for those who are told that there is no
/// place, or how the server is.
fn seats(app: &App) -> usize {
    let places = app.models.places().saturating_add(RESERVE);
    app.settings.max_connections.max(places)
}
