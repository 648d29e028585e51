//! The reward model (paper §4.4): a decoder with a scalar head, trained by squared error on what came of the steps.

use candle_core::Var;
use lam_model::{Answer, Decoder, ScalarHead};

use super::{BatchLoss, TrainModule};
use crate::{Backbone, Metrics, Pass, Sample, TrainerError};

/// A sequence whose last token is scored.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredExample {
    /// Its name.
    pub sample_id: String,
    /// State and action; the hidden state of the last token is read.
    pub input_ids: Vec<u32>,
    /// +1 for a step of a success, −1 for one of a failure, between them what its call was worth.
    pub reward: f32,
}

impl Sample for ScoredExample {
    fn id(&self) -> &str {
        &self.sample_id
    }

    fn tokens(&self) -> usize {
        self.input_ids.len()
    }

    fn trained_tokens(&self) -> usize {
        usize::from(!self.input_ids.is_empty())
    }

    fn answers(&self) -> Vec<Answer<'_>> {
        vec![Answer::score(&self.input_ids)]
    }
}

/// A decoder and its head.
pub struct RewardModule {
    backbone: Backbone,
    head: ScalarHead,
}

impl RewardModule {
    /// A module that trains the head, and of the decoder what it declares trainable.
    pub fn new(decoder: Decoder, head: ScalarHead) -> Self {
        Self { backbone: Backbone::new(decoder), head }
    }

    /// The trained decoder and head.
    pub fn into_parts(self) -> (Decoder, ScalarHead) {
        (self.backbone.into_decoder(), self.head)
    }
}

impl TrainModule for RewardModule {
    type Sample = ScoredExample;

    fn loss(&self, batch: &[ScoredExample], pass: Pass) -> Result<BatchLoss, TrainerError> {
        let packed = self.backbone.pack(batch);
        let hidden = self.backbone.forward(&packed.batch, pass)?;
        let scores_b = self.head.scores(&hidden, &packed.rows)?;
        let rewards: Vec<f32> = batch.iter().map(|example| example.reward).collect();
        let loss = lam_learn::reward_loss(&scores_b, &rewards)?;
        let weight = batch.len() as f64;
        let loss_sum = (loss * weight)?.into();
        let predicted = lam_learn::predicted_rewards(&scores_b.detach())?.to_vec1::<f32>()?;
        Ok(BatchLoss { loss_sum, weight, metrics: reward_metrics(&predicted, &rewards) })
    }

    fn variables(&self) -> Vec<(String, Var)> {
        [self.backbone.decoder().variables(), self.head.variables()].concat()
    }

    fn backbone(&self) -> Option<&Backbone> {
        Some(&self.backbone)
    }

    fn backbone_mut(&mut self) -> Option<&mut Backbone> {
        Some(&mut self.backbone)
    }
}

/// TRL's reward metrics; `margin` comes from the means of both kinds. A step that is worth neither, as one whose tries
/// succeed as often as they fail, has no sign to be right about.
fn reward_metrics(predicted: &[f32], rewards: &[f32]) -> Metrics {
    let mut metrics = Metrics::default();
    for (&predicted, &reward) in predicted.iter().zip(rewards) {
        metrics.add("mean_reward", f64::from(predicted), 1.0);
        if reward == 0.0 {
            continue;
        }
        let right = predicted.signum() == reward.signum();
        metrics.add("accuracy", f64::from(u8::from(right)), 1.0);
        let kind = if reward > 0.0 { "mean_reward_success" } else { "mean_reward_failure" };
        metrics.add(kind, f64::from(predicted), 1.0);
    }
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worth_neither_counts_for_neither() {
        let of = |predicted: &[f32], rewards: &[f32]| reward_metrics(predicted, rewards);
        let found = of(&[0.5, -0.25, 0.75, 0.5], &[0.5, 0.0, -1.0, 0.0]);
        let mean = |name: &str| found.mean(name);
        assert_eq!((mean("accuracy"), mean("mean_reward")), (Some(0.5), Some(0.375)));
        assert_eq!((mean("mean_reward_success"), mean("mean_reward_failure")), (Some(0.5), Some(0.75)));
        let neither = of(&[0.5], &[0.0]);
        assert_eq!((neither.mean("accuracy"), neither.mean("mean_reward_failure")), (None, None));
    }
}
