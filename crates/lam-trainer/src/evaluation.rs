//! Evaluation during training: the mean loss and metrics over held-out samples. Keeps only sums.

use crate::limits::Limits;
use crate::{Metrics, Pass, Sample, TrainModule, TrainerError, TrainingArguments};

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
