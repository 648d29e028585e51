//! The server's life: it listens, serves connections, and ends in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};

use super::connection::Patient;
use super::{App, ServerSettings, router, seconds_since_1970};
use crate::answering::Phase;
use crate::error::ServeError;
use crate::model::Models;

/// Threads that serve connections, and that make prompts.
const SERVING: usize = 2;
const PREPARING: usize = 4;
/// Largest head of a request, in bytes.
const HEAD_BYTES: usize = 64 << 10;
/// Connections beside those whose answers are made or wait.
const RESERVE: usize = 64;
/// How often it is looked whether answers are still in the making.
const LOOK: Duration = Duration::from_millis(10);
/// How long the last bytes may take on their way, and threads to end.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long is waited when the system gives no connections.
const PAUSE: Duration = Duration::from_millis(50);

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
    /// As [`ServerSettings::check`], and an address that cannot be listened on.
    pub fn start(models: Models, settings: ServerSettings) -> Result<Self, ServeError> {
        let addresses = settings.addresses()?;
        let failed = |source| settings.cannot_listen(source);
        let listener = std::net::TcpListener::bind(addresses.as_slice()).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(SERVING)
            .max_blocking_threads(PREPARING)
            .thread_name("serve")
            .enable_all()
            .build()
            .map_err(ServeError::Threads)?;
        let (phase, watched) = watch::channel(Phase::Open);
        let (started, logged) = (seconds_since_1970(), std::sync::Mutex::default());
        let app = Arc::new(App { models, settings, phase: watched, started, logged });
        let (own, work) = (phase.clone(), Work { app, phase: phase.clone() });
        let run = move || {
            run(&runtime, listener, work);
            // Dropped, it would wait for every prompt that is still made, however long that takes.
            runtime.shutdown_timeout(FAREWELL);
        };
        let thread = std::thread::Builder::new().name("server".into()).spawn(run).map_err(ServeError::Threads)?;
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
        let door = Door {
            router: router(Arc::clone(&app)),
            seats: Arc::new(Semaphore::new(seats(&app))),
            patience: app.settings.client_timeout,
        };
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
    app.settings.max_connections.max(places).min(Semaphore::MAX_PERMITS)
}

/// Who lets connections in.
struct Door {
    router: Router,
    seats: Arc<Semaphore>,
    patience: Duration,
}

impl Door {
    /// Serves the next connection, once there is a seat.
    async fn next(&self, listener: &TcpListener, watcher: Watcher) {
        let Ok(seat) = Arc::clone(&self.seats).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => self.serve(stream, seat, watcher),
            // Too many open files, say: they become fewer.
            Err(_) => sleep(PAUSE).await,
        }
    }

    fn serve(&self, stream: TcpStream, seat: OwnedSemaphorePermit, watcher: Watcher) {
        // A small delay where the system refuses.
        let _ = stream.set_nodelay(true);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.patience)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(
                TokioIo::new(Patient::new(stream, self.patience)),
                TowerToHyperService::new(self.router.clone()),
            );
        let connection = watcher.watch(connection);
        tokio::spawn(async move {
            // How it ended is the client's business.
            let _ = connection.await;
            drop(seat);
        });
    }
}
