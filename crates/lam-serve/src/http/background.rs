//! Slow work beside the threads that serve connections. Knows no model.

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::refusal::Refusal;

/// Does the work on another thread. Where nobody waits for it any more, work that has not begun is left out; but its
/// places are taken until a thread has come to it, so that no more work than there are places is ever queued.
///
/// # Errors
/// Work that panics.
pub async fn in_background<T: Send + 'static>(
    places: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<(T, OwnedSemaphorePermit), Refusal> {
    let mut task = Awaited(spawn_blocking(move || (work(), places)));
    (&mut task.0).await.map_err(|_| Refusal::failed("the prompt could not be made"))
}

/// A task that is not begun once nobody waits for it.
struct Awaited<T>(JoinHandle<T>);

impl<T> Drop for Awaited<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::channel;
    use std::time::{Duration, Instant};

    use futures_util::FutureExt;
    use tokio::runtime::Builder;
    use tokio::sync::Semaphore;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn places_are_taken_until_the_work_is_over_though_nobody_waits_for_it() {
        let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        let places = Arc::new(Semaphore::new(3));
        let take = |count| Arc::clone(&places).try_acquire_many_owned(count).unwrap();
        let _inside = runtime.enter();
        let ((begun, has_begun), (release, released), (done, was_done)) = (channel(), channel::<()>(), channel());
        let first = move || {
            begun.send(()).unwrap();
            let _ = released.recv_timeout(LONG);
        };
        let mut first = Box::pin(in_background(take(1), first));
        let mut second = Box::pin(in_background(take(2), move || done.send(()).unwrap()));
        assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
        has_begun.recv_timeout(LONG).unwrap();
        drop((first, second));
        assert_eq!(places.available_permits(), 0, "one is at work, and one waits for its thread");
        drop(release);
        let until = Instant::now() + LONG;
        while places.available_permits() < 3 {
            assert!(Instant::now() < until, "{} of 3 places", places.available_permits());
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(was_done.recv().is_err(), "what nobody waits for is not begun");
    }

    #[test]
    fn work_that_panics_is_a_refusal_and_gives_its_places_back() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let places = Arc::new(Semaphore::new(1));
        let taken = Arc::clone(&places).try_acquire_owned().unwrap();
        let refusal = runtime.block_on(in_background(taken, || panic!("as a test"))).map(|((), _)| ()).unwrap_err();
        assert_eq!((refusal.status.as_u16(), places.available_permits()), (500, 1));
    }
}
