//! Evaluation during training: the mean loss and metrics over held-out samples, and what an evaluator of the caller's
//! measures beside them. Keeps only sums.

use lam_signal::Failure;

use crate::limits::Limits;
use crate::{Metrics, Pass, Sample, TrainModule, TrainerError, TrainingArguments};

/// Measures a module in training by other means than its loss: whoever trains brings it. Its figures are recorded with those
/// of the evaluation, under `eval_` and their names, and any of them can be `metric_for_best_model`.
pub trait Evaluator<M: TrainModule> {
    /// What the module is worth after `step` optimizer steps; 0 before the first. The same step of the same run must give
    /// the same figures: a run that was killed during an evaluation, or resumes from a checkpoint before it, asks again.
    ///
    /// # Errors
    /// When nothing can be measured. Where somebody asked to stop, the fault says so by its kind: the loop then writes a
    /// checkpoint in which this evaluation is still due.
    fn evaluate(&mut self, module: &M, step: u64) -> Result<Metrics, Failure>;
}

/// What a module is evaluated by while it trains.
pub struct Evaluation<'a, M: TrainModule> {
    /// Held-out samples, whose mean loss is measured; may be empty.
    pub samples: &'a [M::Sample],
    /// Who measures it by other means, if anybody does.
    pub evaluator: Option<&'a mut dyn Evaluator<M>>,
}

impl<'a, M: TrainModule> Evaluation<'a, M> {
    /// By the loss over held-out samples alone.
    pub fn of_samples(samples: &'a [M::Sample]) -> Self {
        Self { samples, evaluator: None }
    }

    /// Whether there is nothing to evaluate by.
    pub(crate) fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.evaluator.is_none()
    }
}

/// Means over all of `samples`, `loss` among them, in batches under the arguments' limits.
///
/// # Errors
/// When the model fails, or a batch's loss is not a number: its samples are named.
pub fn evaluate<M: TrainModule>(
    module: &M,
    samples: &[M::Sample],
    arguments: &TrainingArguments,
) -> Result<Metrics, TrainerError> {
    let mut metrics = Metrics::default();
    let limits = Limits::evaluation(arguments);
    let mut rest = samples;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(limits.fill(rest.iter()));
        let loss = module.loss(batch, Pass::Evaluate)?;
        let (loss_sum, others) = loss.wait()?;
        if !loss_sum.is_finite() {
            let sample_ids = batch.iter().map(|sample| sample.id().to_owned()).collect();
            return Err(TrainerError::NotFinite { step: 0, what: "eval_loss", value: loss_sum, sample_ids });
        }
        metrics.add("loss", loss_sum, loss.weight);
        metrics.merge(&others);
        rest = after;
    }
    Ok(metrics)
}
