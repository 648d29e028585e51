//! A connection whose other side must take data in time, and must be there: who reads nothing, or has gone, holds no
//! answer for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep, timeout};

/// How long the other side is listened to once we are done.
const LINGER: Duration = Duration::from_secs(2);
/// Silence after which it is not any more.
const SILENCE: Duration = Duration::from_millis(500);
/// How often it is looked whether the other side is still there.
const LOOK: Duration = Duration::from_millis(500);

/// A connection for those who speak over it and those who look at it.
#[derive(Clone)]
struct Shared(Arc<Mutex<TcpStream>>);

impl Shared {
    fn with<T>(&self, work: impl FnOnce(Pin<&mut TcpStream>) -> T) -> T {
        work(Pin::new(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// The other side of a connection.
pub struct OtherSide(Shared);

impl OtherSide {
    /// Waits until it has closed its half and nobody has learned that by reading: hyper reads nothing more while bytes
    /// behind the request that it answers wait.
    pub async fn gone(self) {
        let mut looks = 0;
        // Whoever reads has learned it between two looks.
        while looks < 2 {
            sleep(LOOK).await;
            looks = if self.has_closed() { looks + 1 } else { 0 };
        }
    }

    fn has_closed(&self) -> bool {
        let ready = self.0.with(|stream| stream.ready(Interest::READABLE).now_or_never());
        matches!(ready, Some(Ok(ready)) if ready.is_read_closed())
    }
}

/// A connection with a longest wait for each write, and a seat as long as it lives, whatever is spoken over it.
pub struct Patient {
    /// There until it is dropped.
    connection: Option<(Shared, OwnedSemaphorePermit)>,
    longest: Duration,
    /// Runs while the other side takes nothing.
    wait: Pin<Box<Sleep>>,
    waits: bool,
}

impl Patient {
    /// The connection, on which a write may wait this long.
    pub fn new(stream: TcpStream, longest: Duration, seat: OwnedSemaphorePermit) -> Self {
        let connection = Some((Shared(Arc::new(Mutex::new(stream))), seat));
        Self { connection, longest, wait: Box::pin(sleep(longest)), waits: false }
    }

    /// Its other side.
    pub fn other_side(&self) -> OtherSide {
        OtherSide(self.shared().clone())
    }

    fn shared(&self) -> &Shared {
        &self.connection.as_ref().expect("it is there until the drop").0
    }

    fn stream(&mut self) -> Pin<&mut Shared> {
        Pin::new(&mut self.connection.as_mut().expect("it is there until the drop").0)
    }

    /// What came of a write: too long a wait is an error.
    fn watched<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.waits = false;
            return written;
        }
        if !std::mem::replace(&mut self.waits, true) {
            self.wait.as_mut().reset(Instant::now() + self.longest);
        }
        ready!(self.wait.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        // Without a runtime the server is over.
        if let (Some((stream, seat)), Ok(runtime)) = (self.connection.take(), Handle::try_current()) {
            runtime.spawn(linger(stream, seat));
        }
    }
}

/// Ends our half and reads the other's for a moment: a socket closed over unread bytes resets away what was sent, such as
/// why a message was refused.
async fn linger(mut stream: Shared, _seat: OwnedSemaphorePermit) {
    let mut rest = vec![0; 1 << 14];
    let listening = async {
        // It may be gone already.
        let _ = stream.shutdown().await;
        while let Ok(Ok(1..)) = timeout(SILENCE, stream.read(&mut rest)).await {}
    };
    let _ = timeout(LINGER, listening).await;
}

impl AsyncRead for Shared {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_read(context, buffer))
    }
}

impl AsyncWrite for Shared {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.with(|stream| stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(context))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream().poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write(context, bytes);
        self.watched(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write_vectored(context, slices);
        self.watched(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.shared().is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.stream().poll_flush(context);
        self.watched(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = self.stream().poll_shutdown(context);
        self.watched(shut, context)
    }
}
