//! Work of two phases that all threads share: nobody starts with the second before the first is done.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

/// How often a thread looks whether the others are done before it lets them have the processor.
const LOOKS: usize = 2000;

/// Tasks, and who does one.
pub(super) type Phase<'a> = (usize, &'a (dyn Fn(usize) + Sync));

/// Does the tasks of the first phase and then those of the second, on up to `threads` threads. Whoever comes late, or
/// never, only leaves more to the others: a task that was taken is being done, so it is waited for no longer than that.
pub(super) fn in_two_phases(threads: usize, first: Phase<'_>, second: Phase<'_>) {
    let (taken, done, others) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    (0..threads).into_par_iter().with_max_len(1).for_each(|_| {
        all(&taken, first.0, |task| {
            let _done = Done(&done);
            first.1(task);
        });
        let mut looks = 0;
        while done.load(Ordering::Acquire) < first.0 {
            looks += 1;
            if looks < LOOKS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
        all(&others, second.0, second.1);
    });
}

/// Takes tasks as long as there are any.
fn all(taken: &AtomicUsize, tasks: usize, work: impl Fn(usize)) {
    loop {
        let task = taken.fetch_add(1, Ordering::Relaxed);
        if task >= tasks {
            return;
        }
        work(task);
    }
}

/// Counts a task as done, even where it panics: nobody may wait for it for ever.
struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_phase_sees_all_of_the_first() {
        for (first, second) in [(0, 5), (1, 0), (7, 3), (100, 100)] {
            let (sum, seen) = (AtomicUsize::new(0), AtomicUsize::new(0));
            let add = |_: usize| {
                sum.fetch_add(1, Ordering::Relaxed);
            };
            let look = |_: usize| {
                assert_eq!(sum.load(Ordering::Relaxed), first);
                seen.fetch_add(1, Ordering::Relaxed);
            };
            in_two_phases(4, (first, &add), (second, &look));
            assert_eq!(seen.into_inner(), second);
        }
    }

    #[test]
    fn a_panic_in_the_first_phase_reaches_the_caller() {
        let outcome = std::panic::catch_unwind(|| in_two_phases(4, (9, &|task| assert_ne!(task, 5)), (3, &|_| {})));
        assert!(outcome.is_err());
    }
}
