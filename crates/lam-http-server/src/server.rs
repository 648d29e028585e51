//! A server's life: it listens and serves connections in threads of its own, and ends in order. Knows no route.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::access::Access;
use crate::door::{Door, listen};
use crate::error::ServerError;

/// How long the last bytes may take on their way, and threads to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// The threads of a server.
#[derive(Clone, Copy, Debug)]
pub struct ServerThreads {
    /// What they are called.
    pub name: &'static str,
    /// Those that serve connections.
    pub serving: usize,
    /// Those that do slow work beside them, at most.
    pub blocking: usize,
}

/// A server in threads of its own, until it is stopped or dropped.
pub struct HttpServer {
    address: SocketAddr,
    is_over: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Listens on a port of the host, 0 for any that is free, and lets connections in by the door. Once the server is to
    /// stop, `drain` is waited for, and new connections are accepted until it is done.
    ///
    /// # Errors
    /// An address that cannot be listened on, or that others can reach without a token; a system without threads.
    pub fn start(
        (access, port): (&Access, u16),
        door: Door,
        threads: ServerThreads,
        drain: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Self, ServerError> {
        let (listener, address) = listen(access, port)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(threads.serving)
            .max_blocking_threads(threads.blocking)
            .thread_name(threads.name)
            .enable_all()
            .build()
            .map_err(ServerError::Threads)?;
        let (is_over, mut watched) = watch::channel(false);
        let run = move || {
            let ending = async move {
                // The sender lives as long as this thread.
                let _ = watched.wait_for(|is_over| *is_over).await;
                drain.await;
            };
            serve(&runtime, listener, door, ending);
            // Dropped, it would wait for all work that is still done, however long that takes.
            runtime.shutdown_timeout(FAREWELL);
        };
        let thread = std::thread::Builder::new().name(threads.name.into()).spawn(run).map_err(ServerError::Threads)?;
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

    /// Ends a few seconds after `drain` is done, at the latest: work that nobody can cut off is left to its thread.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.is_over.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // It panicked, which was told where it happened.
            let _ = thread.join();
        }
    }
}

/// Accepts connections until `ending` is done, and lets those that there are end.
fn serve(runtime: &Runtime, listener: std::net::TcpListener, door: Door, ending: impl Future<Output = ()>) {
    runtime.block_on(async move {
        let Ok(listener) = TcpListener::from_std(listener) else { return };
        let (over, is_over) = oneshot::channel();
        // On the threads that serve: the one that hears of a connection accepts it and goes on with it, without waking
        // this one.
        let mut accepting = tokio::spawn(accept(listener, door, is_over));
        // It ends before that by a panic alone, which was told where it happened: then nobody is served any more.
        if matches!(select(pin!(ending), &mut accepting).await, Either::Right(_)) {
            return;
        }
        drop(over);
        // A thread that is held up for ever may have the task. Whoever keeps an idle connection open is not waited for.
        if let Ok(Ok(connections)) = timeout(FAREWELL, accepting).await {
            connections.send_replace(true);
            let _ = timeout(FAREWELL, connections.closed()).await;
        }
    });
}

/// Accepts connections until it is over. Those that there are hold receivers of what it gives, and end once that is true.
async fn accept(listener: TcpListener, door: Door, is_over: oneshot::Receiver<()>) -> watch::Sender<bool> {
    let connections = watch::Sender::new(false);
    let accepting = async {
        loop {
            door.next(&listener, connections.subscribe()).await;
        }
    };
    select(pin!(accepting), is_over).await;
    connections
}
