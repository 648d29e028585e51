//! The server: starts, and stops with its last instance. `routes` says what each path answers.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lam_env::Application;

use super::routes::take;
use super::shared::{ServerSettings, Shared};
use crate::RemoteError;
use crate::listener::{Listener, Stop};

/// Connections beside the sessions: for requests, and for clients that are told that no session is free.
const BESIDE: usize = 32;
/// How long instances may take to go away once the server stops.
const FAREWELL: Duration = Duration::from_secs(20);
const HINT: &str = "give one by --token-env NAME or in LAM_SERVE_TOKEN, or serve on 127.0.0.1";

/// A running server; it stops when it is dropped.
pub struct OpenEnvServer {
    /// There until it stops.
    listener: Option<Listener>,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl OpenEnvServer {
    /// Serves an application until it is dropped.
    ///
    /// # Errors
    /// A port that is taken, or a host that others can reach without a token.
    pub fn start(app: Arc<dyn Application>, settings: ServerSettings) -> Result<Self, RemoteError> {
        let place = (settings.host.clone(), settings.port, settings.token.clone());
        let most = settings.max_sessions + BESIDE;
        let shared = Arc::new(Shared::new(app, settings));
        let connected = Arc::clone(&shared);
        let serve = move |stream: TcpStream, stop: &Stop| take(&connected, stream, stop);
        let listener = Listener::start((&place.0, place.1), (place.2.as_ref(), HINT), most, serve)?;
        Ok(Self { address: listener.address(), listener: Some(listener), shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sessions that are taken now.
    pub fn sessions(&self) -> usize {
        self.shared.sessions()
    }
}

/// Every instance is closed before the server is gone: what it started must not outlive it.
impl Drop for OpenEnvServer {
    fn drop(&mut self) {
        drop(self.listener.take());
        let until = Instant::now() + FAREWELL;
        while self.sessions() > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
