//! What trackers are told of a training loop beside its figures.

use toml::Table;

/// A training loop: what trackers call a run.
#[derive(Clone, Debug)]
pub(crate) struct LoopInfo {
    /// The pipeline: MLflow's experiment, the project of Weights & Biases.
    pub pipeline: String,
    /// The loop, such as `lam2` or `seed-1/lam2`: the run.
    pub name: String,
    /// The kind of its stage.
    pub kind: String,
    /// The seed of its stage.
    pub seed: u64,
    /// The settings of its stage.
    pub settings: Table,
}

/// What has become of a loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunState {
    Finished,
    Failed,
    Killed,
}
