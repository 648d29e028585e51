//! How connections come in: one at a time, each with a seat, ended when the other side sends or takes nothing. A request
//! may turn its connection into a WebSocket, which keeps the seat and the limit on what is not taken.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures_util::future::{Either, select};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::sleep;

use crate::access::Access;
use crate::connection::Patient;
use crate::error::ServerError;

/// Largest head of a request, in bytes.
const HEAD_BYTES: usize = 64 << 10;
/// How long is waited when the system gives no connections.
const PAUSE: Duration = Duration::from_millis(50);

/// Listens on a port of the host, 0 for any that is free, and says where; a runtime takes the listener over.
///
/// # Errors
/// What [`Access::addresses`] refuses, and an address that cannot be listened on.
pub(crate) fn listen(access: &Access, port: u16) -> Result<(std::net::TcpListener, SocketAddr), ServerError> {
    let addresses = access.addresses(port)?;
    let bind = |source| ServerError::Bind { address: format!("{}:{port}", access.host), source };
    let listener = std::net::TcpListener::bind(addresses.as_slice()).map_err(bind)?;
    listener.set_nonblocking(true).map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    Ok((listener, address))
}

impl Access {
    /// Refuses what no server starts with, and a port that somebody else has at this moment: for whoever does long work
    /// before it serves.
    ///
    /// # Errors
    /// As a server's start.
    pub fn check(&self, port: u16) -> Result<(), ServerError> {
        listen(self, port).map(drop)
    }
}

/// Who lets connections in.
pub struct Door {
    router: Router,
    seats: Arc<Semaphore>,
    patience: Duration,
}

impl Door {
    /// A door with so many seats behind it. Each request must arrive, and what is sent must be taken, within `patience`.
    pub fn new(router: Router, seats: usize, patience: Duration) -> Self {
        Self { router, seats: Arc::new(Semaphore::new(seats.min(Semaphore::MAX_PERMITS))), patience }
    }

    /// Serves the next connection, once there is a seat, until its other side has gone; once `ending` says so, until its
    /// request is answered.
    pub(crate) async fn next(&self, listener: &TcpListener, ending: watch::Receiver<bool>) {
        let Ok(seat) = Arc::clone(&self.seats).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => self.serve(stream, seat, ending),
            // Too many open files, say: they become fewer.
            Err(_) => sleep(PAUSE).await,
        }
    }

    fn serve(&self, stream: TcpStream, seat: OwnedSemaphorePermit, mut ending: watch::Receiver<bool>) {
        // A small delay where the system refuses.
        let _ = stream.set_nodelay(true);
        let io = Patient::new(stream, self.patience, seat);
        let other_side = io.other_side();
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.patience)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(io), TowerToHyperService::new(self.router.clone()))
            .with_upgrades();
        let served = async move {
            let mut connection = pin!(connection);
            let is_ending = pin!(ending.wait_for(|is_ending| *is_ending));
            let is_under_way = matches!(select(connection.as_mut(), is_ending).await, Either::Right(_));
            if is_under_way {
                connection.as_mut().graceful_shutdown();
                // How it ended is the client's business.
                let _ = connection.await;
            }
        };
        tokio::spawn(async move {
            let _ = select(pin!(served), pin!(other_side.gone())).await;
        });
    }
}
