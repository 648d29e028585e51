//! The loop's door: what a run is given, what comes of it, and the loop itself. Knows no phase.

use std::path::{Path, PathBuf};

use lam_signal::{Cancel, Progress};

use crate::trainer_loop::TrainerLoop;
use crate::{DataLoader, Identity, LogRecord, TrainModule, TrainerError, TrainingArguments};

/// What a run is given besides its module and data.
#[derive(Clone, Copy)]
pub struct TrainRun<'a> {
    /// The arguments.
    pub arguments: &'a TrainingArguments,
    /// Directory of checkpoints and metrics. What a stopped run left there is gone on from.
    pub output: &'a Path,
    /// Hashes of what the run is made from: model, tokenizer, data.
    pub identity: &'a Identity,
    /// Hears of every step.
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
    /// The last checkpoint.
    pub checkpoint: PathBuf,
    /// Every record.
    pub log_history: Vec<LogRecord>,
}

impl TrainOutcome {
    /// The last recorded value of a figure, such as `loss` or `eval_loss`.
    pub fn last(&self, name: &str) -> Option<f32> {
        self.log_history.iter().rev().find_map(|record| record.values.get(name).copied())
    }
}

/// Trains `module` on the batches of `loader` until the arguments' end, and evaluates it on `evaluation`.
///
/// A run that was stopped, or killed at any instant, goes on from its last complete checkpoint and ends with the
/// same bytes as one that never stopped (with the same number of threads).
///
/// # Errors
/// On bad arguments or samples, on a checkpoint of another run, on a loss that is no number, on a plan that does not
/// fit into memory, and when asked to stop (after writing a checkpoint).
pub fn train<M: TrainModule>(
    module: &mut M,
    loader: &mut dyn DataLoader<M::Sample>,
    evaluation: &[M::Sample],
    run: &TrainRun<'_>,
) -> Result<TrainOutcome, TrainerError> {
    run.arguments.check()?;
    let mut trainer = TrainerLoop::begin(module, loader, evaluation, run)?;
    trainer.check_memory()?;
    let trained = train_to_the_end(&mut trainer, run.cancel);
    run.progress.end();
    trained?;
    trainer.finish()
}

fn train_to_the_end<M: TrainModule>(trainer: &mut TrainerLoop<'_, M>, cancel: &Cancel) -> Result<(), TrainerError> {
    while !trainer.is_finished() {
        if cancel.is_cancelled() {
            trainer.save()?;
            return Err(TrainerError::Cancelled { step: trainer.step() });
        }
        trainer.train_step()?;
    }
    Ok(())
}
