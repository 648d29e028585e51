//! Evaluation during training: the mean loss and metrics over held-out samples. Keeps only sums.

use crate::{Metrics, Pass, Sample, TrainModule, TrainerError, TrainingArguments};

/// Means over all of `samples`, `loss` among them, in batches under the arguments' limits.
///
/// # Errors
/// When the model fails, or a batch's loss is no number: its samples are named.
pub fn evaluate<M: TrainModule>(
    module: &mut M,
    samples: &[M::Sample],
    arguments: &TrainingArguments,
) -> Result<Metrics, TrainerError> {
    let mut metrics = Metrics::default();
    let mut rest = samples;
    while !rest.is_empty() {
        let (batch, after) = rest.split_at(batch_end(rest, arguments));
        let loss = module.loss(batch, Pass::Evaluate)?;
        let loss_sum = f64::from(loss.loss_sum.to_scalar::<f32>()?);
        if !loss_sum.is_finite() {
            let sample_ids = batch.iter().map(|sample| sample.id().to_owned()).collect();
            return Err(TrainerError::NotFinite { step: 0, what: "eval_loss", value: loss_sum, sample_ids });
        }
        metrics.add("loss", loss_sum, loss.weight);
        metrics.merge(&loss.metrics);
        rest = after;
    }
    Ok(metrics)
}

fn batch_end<S: Sample>(samples: &[S], arguments: &TrainingArguments) -> usize {
    let limit = if arguments.max_tokens_per_batch == 0 { usize::MAX } else { arguments.max_tokens_per_batch };
    let mut tokens = 0;
    let fits = |sample: &&S| {
        tokens += sample.tokens();
        tokens <= limit
    };
    samples.iter().take(arguments.per_device_eval_batch_size).take_while(fits).count().max(1)
}
