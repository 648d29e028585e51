//! Work that nobody can stop, and that is waited for no longer than a while. Knows not what is done.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Processor time of work that is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many times as long it may take where others have the processor.
const SLOWDOWN: u32 = 20;
/// How often it is looked how much of its time work has had.
const LOOK: Duration = Duration::from_millis(50);
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

    /// What comes of the work, if it comes before the work has had too much processor time. Work that does not goes on to
    /// its end, and keeps its place until then.
    ///
    /// # Errors
    /// Why nothing came.
    pub(super) fn wait_for<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        let (began, late) = (Instant::now(), Unfinished::Late(self.longest));
        let place = Place::take(&self.free, began + self.longest * SLOWDOWN).ok_or(late)?;
        let (done, is_done) = mpsc::channel();
        let thread = Arc::new(OnceLock::new());
        let own = Arc::clone(&thread);
        let work = move || {
            let _place = place;
            own.get_or_init(own_thread);
            // Nobody may be there to hear it.
            let _ = done.send(work());
        };
        thread::Builder::new().name("compile".into()).stack_size(STACK).spawn(work).map_err(|_| Unfinished::Failed)?;
        self.wait(&is_done, &thread)
    }

    fn wait<T>(&self, is_done: &Receiver<T>, thread: &OnceLock<Option<PathBuf>>) -> Result<T, Unfinished> {
        let began = Instant::now();
        loop {
            match is_done.recv_timeout(LOOK.min(self.longest)) {
                Ok(done) => return Ok(done),
                Err(RecvTimeoutError::Disconnected) => return Err(Unfinished::Failed),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let elapsed = began.elapsed();
            // Where the system does not say, all of the time is its own.
            let had = thread.get().and_then(|thread| processor_time(thread.as_deref()?)).unwrap_or(elapsed);
            if had >= self.longest || elapsed >= self.longest * SLOWDOWN {
                return Err(Unfinished::Late(self.longest));
            }
        }
    }
}

/// Where Linux tells of the thread that asks.
fn own_thread() -> Option<PathBuf> {
    Some(Path::new("/proc").join(fs::read_link("/proc/thread-self").ok()?).join("schedstat"))
}

/// The processor time that a thread has had.
fn processor_time(thread: &Path) -> Option<Duration> {
    let told = fs::read_to_string(thread).ok()?;
    told.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
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
        let patience = Patience::of(Duration::from_millis(10), 2);
        let (release, held) = mpsc::channel::<()>();
        let late = Unfinished::Late(Duration::from_millis(10));
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

    #[test]
    fn work_is_as_long_as_the_processor_is_at_it() {
        let patience = Patience::of(Duration::from_millis(100), 1);
        let is_told = own_thread().is_some_and(|thread| processor_time(&thread).is_some());
        let slept = patience.wait_for(|| thread::sleep(Duration::from_millis(300)));
        assert_eq!(slept.is_ok(), is_told);
        let (stop, is_stopped) = mpsc::channel::<()>();
        let busy = move || while is_stopped.try_recv() == Err(mpsc::TryRecvError::Empty) {};
        assert_eq!(patience.wait_for(busy), Err(Unfinished::Late(Duration::from_millis(100))));
        drop(stop);
    }
}
