//! Who watches an evaluation, and how it is asked to stop.

use lam_signal::{Cancel, Progress};

use crate::EvalError;

/// Questions asked of a planner or policy at once; also how far apart the points are at which it can be stopped.
pub(crate) const BATCH: usize = 64;

/// Progress and cancellation of one evaluation.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Hears how far it is.
    pub progress: &'a dyn Progress,
    /// Stops it between two batches.
    pub cancel: &'a Cancel,
}

impl Watch<'_> {
    /// Gives way to whoever asked to stop.
    pub(crate) fn check(&self) -> Result<(), EvalError> {
        if self.cancel.is_cancelled() { Err(EvalError::Cancelled) } else { Ok(()) }
    }
}
