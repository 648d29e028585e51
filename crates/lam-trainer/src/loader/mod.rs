//! Where batches come from: a finite set, epoch by epoch; an endless generator; a mixture of both.

mod mixture;
mod shuffled;

pub use mixture::MixtureLoader;
pub use shuffled::ShuffledLoader;

use serde_json::Value;

use crate::{ForeignState, Metrics, TrainerError};

/// Gives the micro-batches, in an order that its state and nothing else decides.
pub trait DataLoader<S> {
    /// The next micro-batch; `step` is the optimizer step that it is for, from 0. `None` when there is no more at all.
    ///
    /// # Errors
    /// When a sample cannot be made.
    fn next_batch(&mut self, step: u64) -> Result<Option<Vec<S>>, TrainerError>;

    /// What the model made of the last batch: for a curriculum. May not be told where [`DataLoader::wants_feedback`] is not
    /// said.
    fn feedback(&mut self, _metrics: &Metrics) {}

    /// Whether the next batch depends on the feedback: then a device is waited for after every batch.
    fn wants_feedback(&self) -> bool {
        false
    }

    /// Micro-batches in so many epochs; `None` for a loader without end.
    fn batches_in(&self, epochs: f64) -> Option<u64>;

    /// Epochs given out so far; 0 for a loader without end.
    fn epoch(&self) -> f64;

    /// The micro-batch that needs the most memory, if it can be told.
    fn longest_batch(&self) -> Option<Vec<S>>;

    /// All that the following batches depend on.
    fn state(&self) -> Value;

    /// Resumes from [`DataLoader::state`].
    ///
    /// # Errors
    /// When the state is not one of this loader.
    fn restore(&mut self, state: &Value) -> Result<(), ForeignState>;

    /// A hash of the data, compared on resume.
    fn fingerprint(&self) -> String;
}
