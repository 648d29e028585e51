//! How long-running work says where it is, how it is asked to stop, and how it tells that it failed.
//!
//! Work reports through [`Progress`] and looks at [`Cancel`] at its safe points. What fails is a
//! [`Fault`]. Texts of others pass [`printable`] before they are shown, and [`redacted`] before they are kept, so that
//! no [`Secret`] is repeated. Knows no terminal and no work: whoever starts it decides what becomes of the reports.
//!
//! ```
//! use lam_signal::{Cancel, NoProgress, Progress};
//!
//! fn work(progress: &dyn Progress, cancel: &Cancel) -> u64 {
//!     progress.begin("counting", Some(3));
//!     let done = (1..=3).take_while(|_| !cancel.is_cancelled()).inspect(|&n| progress.advance(n, "")).count();
//!     progress.end();
//!     done as u64
//! }
//!
//! let cancel = Cancel::default();
//! assert_eq!(work(&NoProgress, &cancel), 3);
//! cancel.cancel();
//! assert_eq!(work(&NoProgress, &cancel), 0);
//! ```

mod fault;
mod needle;
mod printable;
mod secret;
mod steering;
mod words;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub use fault::{Details, Failure, Fault, FaultKind, hint_of_io};
pub use printable::{excerpt, printable};
pub use secret::{REDACTED, Secret, redacted};
pub use words::UnknownWord;

/// How often whoever waits looks whether to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Receives the reports of one piece of work at a time.
pub trait Progress: Send + Sync {
    /// Work called `what` begins; `total` is its number of units, if known.
    fn begin(&self, what: &str, total: Option<u64>);
    /// `done` units are complete in all (not since the last call); `message` is the latest figure, such as the loss.
    fn advance(&self, done: u64, message: &str);
    /// A line worth keeping, such as an evaluation's result.
    fn note(&self, line: &str);
    /// The work of the last `begin` is over.
    fn end(&self);
    /// A training loop that keeps its files in `directory` goes on behind `step`: what it told of later steps is void.
    fn resumed(&self, _directory: &Path, _step: u64) {}
    /// Figures of that loop once `step` is done, by name, such as its loss.
    fn figures(&self, _directory: &Path, _step: u64, _values: &BTreeMap<String, f32>) {}
}

/// Hears nothing: for tests and for work that nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _what: &str, _total: Option<u64>) {}
    fn advance(&self, _done: u64, _message: &str) {}
    fn note(&self, _line: &str) {}
    fn end(&self) {}
}

/// A request to stop at the next safe point; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Ask the work to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether the work was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Waits so long, unless the work is asked to stop meanwhile; whether it was.
    pub fn wait(&self, time: Duration) -> bool {
        let begun = Instant::now();
        while !self.is_cancelled() {
            let left = time.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(left.min(LOOK));
        }
        true
    }
}

/// Both directions for one piece of work: where it reports, and where it is asked to stop.
#[derive(Clone, Copy)]
pub struct Monitor<'a> {
    /// Receives its reports.
    pub progress: &'a dyn Progress,
    /// Stops it at its next safe point.
    pub cancel: &'a Cancel,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_request() {
        let cancel = Cancel::default();
        let seen_by_the_work = cancel.clone();
        assert!(!seen_by_the_work.is_cancelled());
        cancel.cancel();
        assert!(seen_by_the_work.is_cancelled());
    }

    #[test]
    fn a_wait_ends_when_the_work_is_asked_to_stop() {
        let cancel = Cancel::default();
        assert!(!cancel.wait(Duration::from_millis(1)));
        let asked = cancel.clone();
        let begun = Instant::now();
        std::thread::spawn(move || asked.cancel());
        assert!(cancel.wait(Duration::from_hours(24)));
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}
