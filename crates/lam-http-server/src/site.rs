//! A server of pages in threads of its own, until it is stopped or dropped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use crate::access::{Access, Denied};
use crate::door::Door;
use crate::error::ServerError;
use crate::page::{harden, refusal};
use crate::server::{HttpServer, ServerThreads};

/// One thread serves connections; two make pages: those that read a run's files among them.
const THREADS: ServerThreads = ServerThreads { name: "site", serving: 1, blocking: 2 };

/// How pages are served.
#[derive(Clone, Debug)]
pub struct SiteSettings {
    /// Who may ask.
    pub access: Access,
    /// Port to listen on; 0 for any that is free.
    pub port: u16,
    /// Connections at once.
    pub max_connections: usize,
    /// How long a request may take to arrive, and how long a client may take no data.
    pub client_timeout: Duration,
}

impl Default for SiteSettings {
    fn default() -> Self {
        Self { access: Access::default(), port: 8000, max_connections: 64, client_timeout: Duration::from_secs(30) }
    }
}

/// A running server of pages.
pub struct Site(HttpServer);

impl Site {
    /// Listens, and serves what the router knows to whoever may ask.
    ///
    /// # Errors
    /// An address that cannot be listened on, or that others can reach without a token.
    pub fn start(settings: SiteSettings, router: Router) -> Result<Self, ServerError> {
        let access = Arc::new(settings.access);
        let router = router.fallback(nothing).layer(from_fn_with_state(Arc::clone(&access), guard));
        let door = Door::new(router, settings.max_connections, settings.client_timeout);
        // A page is made at once: nothing is waited for.
        HttpServer::start((&access, settings.port), door, THREADS, async {}).map(Self)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Whether it serves, and has not ended by itself.
    pub fn is_running(&self) -> bool {
        self.0.is_running()
    }

    /// Ends within a few seconds.
    pub fn stop(self) {
        self.0.stop();
    }
}

/// Lets in who may ask.
async fn guard(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let mut response = match access.admit(&request) {
        Ok(()) => next.run(request).await,
        Err(Denied::Host) => {
            refusal(StatusCode::FORBIDDEN, "the request was sent to another host; set a token to serve under a name\n")
        }
        Err(Denied::Origin) => refusal(
            StatusCode::FORBIDDEN,
            "the request comes from another page; with a token, the server of that page can pass it on\n",
        ),
        Err(Denied::Token) => {
            let mut refused = refusal(StatusCode::UNAUTHORIZED, "no token or another one; it is the password\n");
            let asked = HeaderValue::from_static("Basic realm=\"lam-train\", charset=\"UTF-8\"");
            refused.headers_mut().insert(header::WWW_AUTHENTICATE, asked);
            refused
        }
    };
    harden(&mut response);
    response
}

/// A path that is none.
async fn nothing() -> Response {
    refusal(StatusCode::NOT_FOUND, "there is nothing here\n")
}
