//! Connections taken one after another and handed to a thread each, until it is stopped. Knows no protocol.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lam_signal::Secret;

use crate::RemoteError;

/// How long connections may take to end once the listener is stopped.
const FAREWELL: Duration = Duration::from_secs(5);
/// Wait after a connection could not be taken, as when file descriptors have run out.
const PAUSE: Duration = Duration::from_millis(50);

/// What a connection's thread is told: whether it shall end.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whether it shall end.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A bound port and the thread that takes its connections. Stops when it is dropped.
pub struct Listener {
    address: SocketAddr,
    stop: Stop,
    alive: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Listens on a host and port (0 for any) and gives each connection a thread; what exceeds `most` is let go.
    ///
    /// # Errors
    /// A host without an address, one that others can reach although no token is set, a port that is taken.
    pub fn start(
        (host, port): (&str, u16),
        (token, hint): (Option<&Secret>, &'static str),
        most: usize,
        serve: impl Fn(TcpStream, &Stop) + Send + Sync + 'static,
    ) -> Result<Self, RemoteError> {
        let failed = |source| RemoteError::Bind { address: format!("{host}:{port}"), source };
        let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs().map_err(failed)?.collect();
        if token.is_none() && addresses.iter().any(|address| !address.ip().is_loopback()) {
            return Err(RemoteError::Unprotected { host: host.to_owned(), hint });
        }
        let listener = TcpListener::bind(addresses.as_slice()).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, alive) = (Stop::default(), Arc::new(AtomicUsize::new(0)));
        let (stopped, counted) = (stop.clone(), Arc::clone(&alive));
        let thread = std::thread::spawn(move || accept(&listener, &stopped, &counted, most, &Arc::new(serve)));
        Ok(Self { address, stop, alive, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Ends the connections, and waits a while for them.
impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.0.store(true, Ordering::Release);
        // The thread waits for a connection; this one wakes it.
        let woken = TcpStream::connect_timeout(&reachable(self.address), FAREWELL);
        if let Some(thread) = self.thread.take().filter(|_| woken.is_ok()) {
            let _ = thread.join();
        }
        let until = Instant::now() + FAREWELL;
        while self.alive.load(Ordering::Acquire) > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The address under which this machine reaches itself.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// One connection more, as long as it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(alive: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let counted = Self(Arc::clone(alive));
        (alive.fetch_add(1, Ordering::AcqRel) < most).then_some(counted)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn accept(
    listener: &TcpListener,
    stop: &Stop,
    alive: &Arc<AtomicUsize>,
    most: usize,
    serve: &Arc<impl Fn(TcpStream, &Stop) + Send + Sync + 'static>,
) {
    for stream in listener.incoming() {
        if stop.is_set() {
            return;
        }
        let Ok(stream) = stream else {
            std::thread::sleep(PAUSE);
            continue;
        };
        let Some(counted) = Counted::new(alive, most) else { continue };
        let (stop, serve) = (stop.clone(), Arc::clone(serve));
        let started = std::thread::Builder::new().spawn(move || {
            let _counted = counted;
            serve(stream, &stop);
        });
        // Without a thread the connection is let go, as one beyond the most is.
        drop(started);
    }
}
