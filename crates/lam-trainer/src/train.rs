//! The loop's door. Knows no phase.

use lam_signal::{Cancel, FaultKind};

use crate::trainer_loop::TrainerLoop;
use crate::{DataLoader, Evaluation, TrainModule, TrainOutcome, TrainRun, TrainerError};

/// Trains `module` on the batches of `loader` until the arguments' end, and evaluates it on `evaluation`.
///
/// A run that was stopped, or killed at any instant, resumes from its last complete checkpoint and ends with the
/// same bytes as one that never stopped (with the same number of threads).
///
/// # Errors
/// On bad arguments or samples, on a checkpoint of another run, on a loss that is not a number, on a plan that does not
/// fit into memory, and when asked to stop (after writing a checkpoint).
pub fn train<M: TrainModule>(
    module: &mut M,
    loader: &mut dyn DataLoader<M::Sample>,
    evaluation: &[M::Sample],
    run: &TrainRun<'_>,
) -> Result<TrainOutcome, TrainerError> {
    train_evaluated(module, loader, Evaluation::of_samples(evaluation), run)
}

/// As [`train`], evaluated by more than held-out samples.
///
/// # Errors
/// As [`train`], and what the evaluator fails with.
pub fn train_evaluated<'a, M: TrainModule>(
    module: &'a mut M,
    loader: &'a mut dyn DataLoader<M::Sample>,
    evaluation: Evaluation<'a, M>,
    run: &'a TrainRun<'a>,
) -> Result<TrainOutcome, TrainerError> {
    run.arguments.check()?;
    let mut trainer = TrainerLoop::begin(module, loader, evaluation, run)?;
    trainer.check_memory()?;
    let trained = train_to_the_end(&mut trainer, run.cancel);
    run.progress.end();
    // The activations of a step are of no use to who comes next, such as the one who lays the model out to generate.
    lam_model::give_back_freed();
    trained?;
    trainer.finish()
}

fn train_to_the_end<M: TrainModule>(trainer: &mut TrainerLoop<'_, M>, cancel: &Cancel) -> Result<(), TrainerError> {
    while !trainer.is_finished() {
        if cancel.is_cancelled() {
            return Err(stopped(trainer));
        }
        let gone_on = if trainer.owes_evaluation() { trainer.conclude_step() } else { trainer.train_step() };
        match gone_on {
            // An evaluator may hear of it first, in the middle of its work.
            Err(TrainerError::Evaluation(failure)) if failure.kind() == FaultKind::Cancelled => {
                return Err(stopped(trainer));
            }
            gone_on => gone_on?,
        }
    }
    Ok(())
}

/// Leaves a checkpoint for the next run.
fn stopped<M: TrainModule>(trainer: &mut TrainerLoop<'_, M>) -> TrainerError {
    let saved = trainer.save_to_stop();
    saved.map_or_else(|error| error, |()| TrainerError::Cancelled { step: trainer.step() })
}
