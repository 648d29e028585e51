//! Who explores, what they read, and where it is written. Knows no way.

use std::path::{Path, PathBuf};

use lam_agent::{Planner, Policy};
use lam_signal::{Cancel, Progress};

use crate::Procedures;

/// Successes that enlarge LAM3's training set: those of every round of exploration up to this one.
pub const SUCCESSES_FILE: &str = "success.parquet";

/// What the exploration reads and writes, and who watches it.
#[derive(Clone, Copy)]
pub struct ExploreIo<'a> {
    /// The expert's failed trajectories.
    pub failures: &'a [PathBuf],
    /// What the round before this one left: the directory of its stage, or files of trajectories; none for the first.
    pub explored: &'a [PathBuf],
    /// Directory of the results.
    pub output: &'a Path,
    /// Progress sink.
    pub progress: &'a dyn Progress,
    /// Stops it between two steps.
    pub cancel: &'a Cancel,
}

/// Who explores: those that the configured ways need.
#[derive(Default)]
pub struct Explorers<'a> {
    /// The model, for its own tries.
    pub policy: Option<&'a mut dyn Policy>,
    /// LAM1, whose plans are followed.
    pub planner: Option<&'a mut dyn Planner>,
    /// The documentation, whose procedures are followed.
    pub documentation: Option<Procedures>,
}
