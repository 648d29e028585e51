//! Settings of the threads that a training process computes with.

use crate::allocator::share_arena;

/// Lets the calling thread compute among rayon's, and candle's own operations stay on the thread that asks for them.
/// Call it once, first thing in `main`, after `RAYON_NUM_THREADS` is set if it is to be.
///
/// A thread that is none of rayon's hands every operation to one that is, and sleeps meanwhile: a small model's step has
/// some hundred operations of some ten microseconds, so that it would sleep and be woken most of the time. And candle's
/// additions of large tensors wait for helpers in a loop that never gives up the processor: beside another program, for
/// as long as the helpers have none.
///
/// With one thread rayon keeps its own: it must serve other threads while this one waits for them. The two then share
/// their memory, as one of them waits at any time.
///
/// # Safety
/// No other thread may run yet: the environment is written.
pub unsafe fn tune_threads() {
    const CANDLE: &str = "CANDLE_NUM_THREADS";
    if std::env::var_os(CANDLE).is_none() {
        // SAFETY: nobody reads the environment meanwhile, as the caller says.
        unsafe { std::env::set_var(CANDLE, "1") };
    }
    if threads() > 1 {
        // An error says that the pool is there already: then it stays as it is, which is slower and no less right.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads()).use_current_thread().build_global();
    } else {
        share_arena();
    }
}

/// Does some work on one of rayon's threads, this one if it is one: the pieces that the work hands out are then begun where
/// it is. From any other thread, each of its operations would be sent over and slept for alone.
pub(crate) fn on_pool<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    rayon::scope(|_| work())
}

/// As many threads as rayon takes by itself: `RAYON_NUM_THREADS` where that is a number above 0, else one a processor.
fn threads() -> usize {
    let asked = std::env::var("RAYON_NUM_THREADS").ok().and_then(|text| text.parse().ok()).filter(|count| *count > 0);
    asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}
