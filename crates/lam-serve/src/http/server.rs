//! The server's life: it listens, serves connections, and ends in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use lam_http_server::{Door, ServerError, listen};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::{App, ServerSettings, router, seconds_since_1970};
use crate::answering::Phase;
use crate::error::ServeError;
use crate::model::Models;

/// Threads that serve connections, and that make prompts.
const SERVING: usize = 2;
const PREPARING: usize = 4;
/// Connections beside those whose answers are made or wait.
const RESERVE: usize = 64;
/// How often it is looked whether answers are still in the making.
const LOOK: Duration = Duration::from_millis(10);
/// How long the last bytes may take on their way, and threads to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// A server that runs in threads of its own until it is stopped or dropped.
pub struct Server {
    address: SocketAddr,
    phase: watch::Sender<Phase>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens, and serves the models from now on.
    ///
    /// # Errors
    /// An address that cannot be listened on, or that others can reach without a token.
    pub fn start(models: Models, settings: ServerSettings) -> Result<Self, ServeError> {
        let access = settings.access();
        let (listener, address) = listen(&access, settings.port)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(SERVING)
            .max_blocking_threads(PREPARING)
            .thread_name("serve")
            .enable_all()
            .build()
            .map_err(ServerError::Threads)?;
        let (phase, watched) = watch::channel(Phase::Open);
        let (started, logged) = (seconds_since_1970(), std::sync::Mutex::default());
        let app = Arc::new(App { models, settings, access, phase: watched, started, logged });
        let (own, work) = (phase.clone(), Work { app, phase: phase.clone() });
        let run = move || {
            run(&runtime, listener, work);
            // Dropped, it would wait for every prompt that is still made, however long that takes.
            runtime.shutdown_timeout(FAREWELL);
        };
        let thread = std::thread::Builder::new().name("server".into()).spawn(run).map_err(ServerError::Threads)?;
        Ok(Self { address, phase: own, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it serves, and has not ended by itself.
    pub fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Answers nothing new, lets what is in the making be finished within the grace, and ends a few seconds after it at
    /// the latest: work that nobody can cut off is left to its thread.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.phase.send_replace(Phase::Draining);
        if let Some(thread) = self.thread.take() {
            // It panicked, which was told where it happened.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

struct Work {
    app: Arc<App>,
    phase: watch::Sender<Phase>,
}

fn run(runtime: &Runtime, listener: std::net::TcpListener, work: Work) {
    let Work { app, phase } = work;
    runtime.block_on(async move {
        let Ok(listener) = TcpListener::from_std(listener) else { return };
        let graceful = GracefulShutdown::new();
        let door = Door::new(router(Arc::clone(&app)), seats(&app), app.settings.client_timeout);
        let mut watched = app.phase.clone();
        let accepting = async {
            loop {
                door.next(&listener, graceful.watcher()).await;
            }
        };
        let ending = async {
            // The sender lives as long as this thread.
            let _ = watched.wait_for(|phase| *phase != Phase::Open).await;
            let until = Instant::now() + app.settings.grace;
            while app.is_answering() && Instant::now() < until {
                sleep(LOOK).await;
            }
            phase.send_replace(Phase::Cut);
            while app.is_answering() && Instant::now() < until + FAREWELL {
                sleep(LOOK).await;
            }
        };
        // New connections are accepted, and refused with a reason, until the last answer is given.
        futures_util::future::select(std::pin::pin!(accepting), std::pin::pin!(ending)).await;
        drop(listener);
        // Whoever keeps an idle connection open is not waited for.
        let _ = timeout(FAREWELL, graceful.shutdown()).await;
    });
}

/// Connections at once: one for each answer that is made or waits, and some for those who are told that there is no
/// place, or how the server is.
fn seats(app: &App) -> usize {
    let places = app.models.places().saturating_add(RESERVE);
    app.settings.max_connections.max(places)
}
