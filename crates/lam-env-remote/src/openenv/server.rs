//! The server: starts, and stops with its last instance. `routes` says what each path answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lam_env::Application;
use lam_http_server::{Door, HttpServer, ServerThreads};
use tokio::time::{Instant, sleep};

use super::routes::router;
use super::shared::{ServerSettings, Shared};
use crate::RemoteError;

/// Connections beside the sessions: for requests, and for clients that are told that no session is free.
const BESIDE: usize = 128;
/// Threads that carry what is said: two, so that one that is held up stops no clock.
const SERVING: usize = 2;
/// Threads beside the sessions' that draw tasks, ask the expert and show first screens, at most.
const BLOCKING: usize = 32;
/// How long instances may take to go away once the server stops, and how often it is looked whether they have.
const FAREWELL: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(5);
const HINT: &str = "give one by --token-env NAME or in LAM_SERVE_TOKEN, or serve on 127.0.0.1";

/// A running server; it stops when it is dropped.
pub struct OpenEnvServer {
    server: HttpServer,
    shared: Arc<Shared>,
}

impl OpenEnvServer {
    /// Serves an application until it is dropped.
    ///
    /// # Errors
    /// A port that is taken, or a host that others can reach without a token.
    pub fn start(app: Arc<dyn Application>, settings: ServerSettings) -> Result<Self, RemoteError> {
        let shared = Arc::new(Shared::new(app, settings));
        let ServerSettings { port, max_sessions, .. } = shared.settings;
        let door = Door::new(router(&shared), max_sessions + BESIDE, shared.settings.limits().write_timeout);
        let threads = ServerThreads { name: "serve-env", serving: SERVING, blocking: max_sessions + BLOCKING };
        let server = HttpServer::start((&shared.access, port), door, threads, drain(Arc::clone(&shared)));
        Ok(Self { server: server.map_err(|error| RemoteError::of_server(error, HINT))?, shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Whether it serves, and has not ended by itself.
    pub fn is_running(&self) -> bool {
        self.server.is_running()
    }

    /// Sessions that are taken now.
    pub fn sessions(&self) -> usize {
        self.shared.sessions()
    }
}

/// Every instance is closed before the server is gone: what it started must not outlive it.
async fn drain(shared: Arc<Shared>) {
    shared.sockets.end().await;
    let until = Instant::now() + FAREWELL;
    while shared.sessions() > 0 && Instant::now() < until {
        sleep(LOOK).await;
    }
}
