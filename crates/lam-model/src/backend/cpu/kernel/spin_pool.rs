//! Threads that run one short piece of work after the other together. Between two pieces they spin instead of
//! sleeping, because a token's pieces are too short to be woken for. Knows no model.
//!
//! The caller always works too, and a piece ends when all its tasks are done: a helper that comes late, or never, only
//! leaves more to the others. So any number of callers can ask for the pool; it helps one at a time.

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError};
use std::thread::Thread;

/// How often a helper looks for work before it lets others have the processor, some 50 microseconds.
const LOOKS: usize = 2000;

type Work = dyn Fn(usize) + Sync;

/// What caller and helpers share. `state` is the number of tasks (upper half) and of those already taken.
struct Shared {
    state: Line<AtomicU64>,
    done: Line<AtomicUsize>,
    active: Line<AtomicBool>,
    panicked: AtomicBool,
    work: UnsafeCell<Option<*const Work>>,
}

/// Keeps what threads write apart from what others read.
#[repr(align(128))]
struct Line<T>(T);

// SAFETY: `work` is written only between two pieces, and read only by who has taken a task of the current piece.
unsafe impl Sync for Shared {}
// SAFETY: as above; the pointer is followed only while its piece runs.
unsafe impl Send for Shared {}

struct Crew {
    gate: Mutex<()>,
    shared: Arc<Shared>,
    helpers: Vec<Thread>,
}

/// The caller's hold on the helpers, for a call that has many pieces of work.
pub(crate) struct SpinPool {
    hold: Option<Hold>,
}

struct Hold {
    crew: &'static Crew,
    _guard: MutexGuard<'static, ()>,
}

impl Shared {
    /// Takes a task of the current piece. Whoever has one keeps the piece from ending.
    fn take(&self) -> Option<usize> {
        let mut state = self.state.0.load(Ordering::Relaxed);
        loop {
            let (tasks, taken) = (state >> 32, state & u64::from(u32::MAX));
            if taken >= tasks {
                return None;
            }
            match self.state.0.compare_exchange_weak(state, state + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(taken as usize),
                Err(now) => state = now,
            }
        }
    }

    fn perform(&self, task: usize) {
        // SAFETY: the piece of a taken task cannot end, so its work is still there.
        let work = unsafe { (*self.work.get()).map(|work| &*work) };
        let outcome = catch_unwind(AssertUnwindSafe(|| work.expect("a piece has work")(task)));
        if outcome.is_err() {
            self.panicked.store(true, Ordering::Relaxed);
        }
        self.done.0.fetch_add(1, Ordering::Release);
    }

    fn help(&self) {
        loop {
            let mut looks = 0;
            while looks < LOOKS || self.active.0.load(Ordering::Relaxed) {
                if let Some(task) = self.take() {
                    self.perform(task);
                    looks = 0;
                } else if looks < LOOKS {
                    looks += 1;
                    std::hint::spin_loop();
                } else {
                    std::thread::yield_now();
                }
            }
            std::thread::park();
        }
    }
}

/// The helpers of this process: one fewer than rayon's threads.
fn crew() -> &'static Crew {
    static CREW: OnceLock<Crew> = OnceLock::new();
    CREW.get_or_init(|| {
        let shared = Arc::new(Shared {
            state: Line(AtomicU64::new(0)),
            done: Line(AtomicUsize::new(0)),
            active: Line(AtomicBool::new(false)),
            panicked: AtomicBool::new(false),
            work: UnsafeCell::new(None),
        });
        let helper = |_| {
            let shared = shared.clone();
            let name = std::thread::Builder::new().name("generation".into());
            name.spawn(move || shared.help()).ok().map(|handle| handle.thread().clone())
        };
        // A helper that the system refuses is only one fewer.
        let helpers = (1..rayon::current_num_threads()).filter_map(helper).collect();
        Crew { gate: Mutex::new(()), shared, helpers }
    })
}

impl SpinPool {
    /// The helpers, if nobody else has them and rayon is not told to use one thread.
    pub(crate) fn enter() -> Self {
        if rayon::current_num_threads() == 1 {
            return Self { hold: None };
        }
        let crew = crew();
        let guard = match crew.gate.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Self { hold: None },
        };
        crew.shared.active.0.store(true, Ordering::Relaxed);
        crew.helpers.iter().for_each(Thread::unpark);
        Self { hold: Some(Hold { crew, _guard: guard }) }
    }

    /// Threads that work, the caller among them.
    pub(crate) fn threads(&self) -> usize {
        self.hold.as_ref().map_or(1, |hold| hold.crew.helpers.len() + 1)
    }

    /// Runs `work` for 0..`tasks`, in any order and on any thread; returns when all are done.
    pub(crate) fn run(&self, tasks: usize, work: &(dyn Fn(usize) + Sync)) {
        let Some(hold) = self.hold.as_ref().filter(|hold| tasks > 1 && !hold.crew.helpers.is_empty()) else {
            return (0..tasks).for_each(work);
        };
        let shared = &hold.crew.shared;
        // SAFETY: no piece runs, so nobody reads `work`; the pointer outlives this piece, which ends below.
        unsafe {
            *shared.work.get() = Some(std::mem::transmute::<*const (dyn Fn(usize) + Sync + '_), *const Work>(work))
        };
        shared.done.0.store(0, Ordering::Relaxed);
        shared.state.0.store((tasks as u64) << 32, Ordering::Release);
        while let Some(task) = shared.take() {
            shared.perform(task);
        }
        let mut looks = 0;
        while shared.done.0.load(Ordering::Acquire) < tasks {
            looks += 1;
            if looks < LOOKS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        assert!(!shared.panicked.swap(false, Ordering::Relaxed), "a task of generation panicked");
    }

    /// As [`SpinPool::run`] over ranges of 0..`items`: a few ranges a thread, of at least `least` items.
    pub(crate) fn split(&self, items: usize, least: usize, work: &(dyn Fn(std::ops::Range<usize>) + Sync)) {
        let tasks = items.div_ceil(least.max(1)).min(self.threads() * 4).max(1);
        if self.threads() == 1 || tasks == 1 {
            return work(0..items);
        }
        self.run(tasks, &|task| work(task * items / tasks..(task + 1) * items / tasks));
    }
}

impl Drop for SpinPool {
    fn drop(&mut self) {
        if let Some(hold) = &self.hold {
            hold.crew.shared.active.0.store(false, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(pool: &SpinPool, tasks: usize) {
        let counts: Vec<AtomicUsize> = (0..tasks).map(|_| AtomicUsize::new(0)).collect();
        pool.run(tasks, &|task| {
            counts[task].fetch_add(1, Ordering::Relaxed);
        });
        assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
    }

    #[test]
    fn every_task_runs_once_whoever_else_asks() {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..500 {
                        let pool = SpinPool::enter();
                        (0..4).for_each(|piece| count(&pool, (round * 7 + piece) % 40));
                    }
                });
            }
        });
    }

    #[test]
    fn ranges_cover_everything_once() {
        let pool = SpinPool::enter();
        for items in [0, 1, 7, 100] {
            let sum = AtomicUsize::new(0);
            pool.split(items, 3, &|range| {
                sum.fetch_add(range.sum(), Ordering::Relaxed);
            });
            assert_eq!(sum.into_inner(), (0..items).sum::<usize>());
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_works_on() {
        let pool = SpinPool::enter();
        let outcome = catch_unwind(AssertUnwindSafe(|| pool.run(8, &|task| assert_ne!(task, 5))));
        assert!(outcome.is_err());
        count(&pool, 20);
    }
}
