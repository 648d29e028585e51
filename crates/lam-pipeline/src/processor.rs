//! Processor time that this process and its ended children have used.

use std::mem::MaybeUninit;

/// User and system time of all threads of this process, and of the children that it has waited for, in seconds.
/// Children that still run count when they end, so an environment's processes may be told with a later stage.
pub(crate) fn processor_seconds() -> f64 {
    [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN].into_iter().map(used).sum()
}

/// What `getrusage(2)` says of `whom`; nothing where it says nothing.
fn used(whom: libc::c_int) -> f64 {
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: the call writes the whole structure where it returns 0, and it is read only then.
    let usage = unsafe {
        if libc::getrusage(whom, usage.as_mut_ptr()) != 0 {
            return 0.0;
        }
        usage.assume_init()
    };
    [usage.ru_utime, usage.ru_stime].iter().map(|time| time.tv_sec as f64 + time.tv_usec as f64 * 1e-6).sum()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// Sleeping costs nothing; two threads that work count both.
    #[test]
    fn work_is_counted_and_waiting_is_not() {
        let before = processor_seconds();
        std::thread::sleep(Duration::from_millis(50));
        let began = Instant::now();
        let work = || {
            let mut sum = 0_u64;
            for value in 0..40_000_000_u64 {
                sum = std::hint::black_box(sum ^ value);
            }
            sum
        };
        std::thread::scope(|scope| {
            scope.spawn(work);
            scope.spawn(work);
        });
        let (wall, used) = (began.elapsed().as_secs_f64(), processor_seconds() - before);
        assert!(used > 0.005, "{used}");
        // Other tests of this process work meanwhile, on as many processors as there are.
        let processors = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        assert!(used < (wall + 0.1) * processors + 0.1, "{used} s in {wall} s");
    }
}
