//! A server of pages in threads of its own, until it is stopped or dropped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::access::{Access, Denied};
use crate::door::{Door, listen};
use crate::error::ServerError;
use crate::page::{harden, refusal};

/// Threads that make pages: those that read a run's files among them.
const MAKING: usize = 2;
/// How long the last bytes may take on their way, and threads to end.
const FAREWELL: Duration = Duration::from_secs(2);

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
pub struct Site {
    address: SocketAddr,
    is_over: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Site {
    /// Listens, and serves what the router knows to whoever may ask.
    ///
    /// # Errors
    /// An address that cannot be listened on, or that others can reach without a token.
    pub fn start(settings: SiteSettings, router: Router) -> Result<Self, ServerError> {
        let (listener, address) = listen(&settings.access, settings.port)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(MAKING)
            .thread_name("site")
            .enable_all()
            .build()
            .map_err(ServerError::Threads)?;
        let (is_over, watched) = watch::channel(false);
        let access = Arc::new(settings.access);
        let router = router.fallback(nothing).layer(from_fn_with_state(access, guard));
        let door = Door::new(router, settings.max_connections, settings.client_timeout);
        let run = move || {
            serve(&runtime, listener, &door, watched);
            runtime.shutdown_timeout(FAREWELL);
        };
        let thread = std::thread::Builder::new().name("site".into()).spawn(run).map_err(ServerError::Threads)?;
        Ok(Self { address, is_over, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it serves, and has not ended by itself.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Ends within a few seconds.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.is_over.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // It panicked, which was told where it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.end();
    }
}

fn serve(runtime: &Runtime, listener: std::net::TcpListener, door: &Door, mut is_over: watch::Receiver<bool>) {
    runtime.block_on(async move {
        let Ok(listener) = TcpListener::from_std(listener) else { return };
        let graceful = GracefulShutdown::new();
        let accepting = async {
            loop {
                door.next(&listener, graceful.watcher()).await;
            }
        };
        // The sender lives as long as this thread.
        let ending = async { drop(is_over.wait_for(|is_over| *is_over).await) };
        futures_util::future::select(std::pin::pin!(accepting), std::pin::pin!(ending)).await;
        drop(listener);
        // Whoever keeps an idle connection open is not waited for.
        let _ = timeout(FAREWELL, graceful.shutdown()).await;
    });
}

/// Lets in who may ask.
async fn guard(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let mut response = match access.admit(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(Denied::Host) => {
            refusal(StatusCode::FORBIDDEN, "the request was sent to another host; set a token to serve under a name\n")
        }
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
