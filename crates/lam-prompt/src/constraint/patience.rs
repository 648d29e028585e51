//! Work that nobody can stop, and that is waited for no longer than a while. Knows not what is done.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long work is waited for: a hundred times what a large schema takes, so that a busy machine refuses none.
const PATIENCE: Duration = Duration::from_secs(3);
/// Works at once, those that nobody waits for any more among them.
const WORKS: usize = 4;

/// Room for work that calls itself thousands of times; what is not used of it takes no memory.
const STACK: usize = 256 << 20;

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfinished {
    /// It takes longer, or others that do leave it no place.
    Late(Duration),
    /// It panicked, or the system has no thread for it.
    Failed,
}

/// Work in threads of its own, a few at once.
#[derive(Clone)]
pub(super) struct Patience {
    longest: Duration,
    free: Arc<Places>,
}

struct Places {
    count: Mutex<usize>,
    is_freed: Condvar,
}

impl Default for Patience {
    fn default() -> Self {
        Self::of(PATIENCE, WORKS)
    }
}

impl Patience {
    fn of(longest: Duration, works: usize) -> Self {
        Self { longest, free: Arc::new(Places { count: Mutex::new(works), is_freed: Condvar::new() }) }
    }

    /// What comes of the work, if it comes in time. Work that does not goes on to its end, and keeps its place until then.
    ///
    /// # Errors
    /// Why nothing came.
    pub(super) fn wait_for<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        let (until, late) = (Instant::now() + self.longest, Unfinished::Late(self.longest));
        let place = Place::take(&self.free, until).ok_or(late)?;
        let (done, is_done) = mpsc::channel();
        let work = move || {
            let _place = place;
            // Nobody may be there to hear it.
            let _ = done.send(work());
        };
        thread::Builder::new().name("compile".into()).stack_size(STACK).spawn(work).map_err(|_| Unfinished::Failed)?;
        is_done.recv_timeout(until.saturating_duration_since(Instant::now())).map_err(|error| match error {
            RecvTimeoutError::Timeout => late,
            RecvTimeoutError::Disconnected => Unfinished::Failed,
        })
    }
}

/// A place for one work.
struct Place(Arc<Places>);

impl Place {
    /// The next place that is free until then.
    fn take(places: &Arc<Places>, until: Instant) -> Option<Self> {
        let left = until.saturating_duration_since(Instant::now());
        let waiting = places.is_freed.wait_timeout_while(places.count(), left, |count| *count == 0);
        let (mut count, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        *count = count.checked_sub(1)?;
        Some(Self(Arc::clone(places)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.count() += 1;
        self.0.is_freed.notify_one();
    }
}

impl Places {
    fn count(&self) -> MutexGuard<'_, usize> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_takes_too_long_keeps_its_place_and_no_others() {
        let patience = Patience::of(Duration::from_millis(50), 2);
        let (release, held) = mpsc::channel::<()>();
        let late = Unfinished::Late(Duration::from_millis(50));
        assert_eq!(patience.wait_for(move || held.recv().is_ok()), Err(late));
        let quick = Patience { longest: Duration::from_secs(60), ..patience.clone() };
        assert_eq!((quick.wait_for(|| 7), quick.wait_for(|| 8)), (Ok(7), Ok(8)), "there is another place");
        assert_eq!(quick.wait_for(|| -> u8 { panic!("as a test") }), Err(Unfinished::Failed));
        assert_eq!(quick.wait_for(|| 9), Ok(9), "a panic gives its place back");
        let (second, also_held) = mpsc::channel::<()>();
        assert_eq!(patience.wait_for(move || also_held.recv().is_ok()), Err(late));
        assert_eq!(patience.wait_for(|| 10), Err(late), "all places are taken");
        drop((release, second));
        assert_eq!(quick.wait_for(|| 11), Ok(11));
    }
}
