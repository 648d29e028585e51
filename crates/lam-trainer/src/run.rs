//! What a run is given, and what comes of it. Knows no phase.

use std::path::{Path, PathBuf};

use lam_signal::{Cancel, Progress};

use crate::{Identity, LogRecord, TrainingArguments};

/// What a run is given besides its module and data.
#[derive(Clone, Copy)]
pub struct TrainRun<'a> {
    /// The arguments.
    pub arguments: &'a TrainingArguments,
    /// Directory of checkpoints and metrics. A run that was stopped resumes from what it left there.
    pub output: &'a Path,
    /// Hashes of what the run is made from: model, tokenizer, data.
    pub identity: &'a Identity,
    /// Progress sink.
    pub progress: &'a dyn Progress,
    /// Asks for a stop.
    pub cancel: &'a Cancel,
}

/// Why training ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All steps, epochs or tokens are done.
    Completed,
    /// The evaluation metric did not get better for too long.
    StoppedEarly,
}

/// What came of a run. The module holds the final weights.
#[derive(Clone, Debug)]
pub struct TrainOutcome {
    /// Why it ended.
    pub ending: Ending,
    /// Optimizer steps done.
    pub global_step: u64,
    /// Input tokens read.
    pub num_tokens: u64,
    /// Best value of the metric that decides, where there was an evaluation.
    pub best_metric: Option<f32>,
    /// The step that it was measured at, where the best model was kept: the module holds the weights of that step.
    pub best_global_step: Option<u64>,
    /// The last checkpoint.
    pub checkpoint: PathBuf,
    /// Every record.
    pub log_history: Vec<LogRecord>,
}

impl TrainOutcome {
    /// A figure at every step at which it was recorded, in their order.
    pub fn series(&self, name: &str) -> Vec<(u64, f32)> {
        let found = |record: &LogRecord| Some((record.global_step, *record.values.get(name)?));
        self.log_history.iter().filter_map(found).collect()
    }

    /// The last recorded value of a figure, such as `loss` or `eval_loss`.
    pub fn last(&self, name: &str) -> Option<f32> {
        self.log_history.iter().rev().find_map(|record| record.values.get(name).copied())
    }
}
