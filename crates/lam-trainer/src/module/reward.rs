//! The reward model (paper §4.4): a decoder with a scalar head, trained by squared error on what came of the steps.

use std::path::Path;

use candle_core::Var;
use lam_model::{Decoder, Precision, Prefix, ScalarHead};

use super::decoder::{check_shareable, hidden, pack, save_description, weights_file};
use super::plan::{BatchSize, decoder_plan};
use super::{BatchLoss, Pass, TrainModule};
use crate::{MemoryPlan, Metrics, Sample, TrainerError};

/// A sequence whose last token is scored.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoredExample {
    /// Its name.
    pub sample_id: String,
    /// State and action; the hidden state of the last token is read.
    pub input_ids: Vec<u32>,
    /// +1 for a step of a success, −1 for one of a failure.
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

    /// All before the last token, whose row is scored.
    fn beginning(&self) -> Option<Prefix<'_>> {
        let shareable = self.input_ids.len().saturating_sub(1);
        Some(Prefix { text: &self.input_ids, shareable })
    }
}

/// A decoder and its head.
pub struct RewardModule {
    decoder: Decoder,
    head: ScalarHead,
    checkpointing: bool,
    share_prefixes: bool,
}

impl RewardModule {
    /// A module that trains the head, and of the decoder what it declares trainable.
    pub fn new(decoder: Decoder, head: ScalarHead) -> Self {
        Self { decoder, head, checkpointing: false, share_prefixes: false }
    }

    /// The decoder and head as they are now.
    pub fn parts(&self) -> (&Decoder, &ScalarHead) {
        (&self.decoder, &self.head)
    }

    /// The trained decoder and head.
    pub fn into_parts(self) -> (Decoder, ScalarHead) {
        (self.decoder, self.head)
    }
}

impl TrainModule for RewardModule {
    type Sample = ScoredExample;

    fn loss(&mut self, batch: &[ScoredExample], pass: Pass) -> Result<BatchLoss, TrainerError> {
        let (packed, rows) = pack(batch, self.share_prefixes);
        let last: Vec<usize> = batch
            .iter()
            .zip(&rows)
            .map(|(example, rows)| rows.row(example.input_ids.len().saturating_sub(1)))
            .collect();
        let hidden = hidden(&self.decoder, &packed, pass)?;
        let scores_b = self.head.scores(&hidden, &last)?;
        let rewards: Vec<f32> = batch.iter().map(|example| example.reward).collect();
        let loss = lam_learn::reward_loss(&scores_b, &rewards)?;
        let weight = batch.len() as f64;
        let loss_sum = (loss * weight)?;
        let predicted = lam_learn::predicted_rewards(&scores_b.detach())?.to_vec1::<f32>()?;
        Ok(BatchLoss { loss_sum, weight, metrics: reward_metrics(&predicted, &rewards) })
    }

    fn variables(&self) -> Vec<(String, Var)> {
        let mut variables = self.decoder.variables();
        variables.extend(self.head.variables());
        variables
    }

    fn set_gradient_checkpointing(&mut self, on: bool) {
        self.checkpointing = on;
        self.decoder.set_gradient_checkpointing(on);
    }

    fn set_bf16(&mut self) -> Result<(), TrainerError> {
        Ok(self.decoder.set_precision(Precision::Bf16)?)
    }

    fn share_prefixes(&mut self, max_length: usize) -> Result<(), TrainerError> {
        check_shareable(&self.decoder, max_length)?;
        self.share_prefixes = true;
        Ok(())
    }

    fn weights_file(&self) -> &'static str {
        weights_file(&self.decoder)
    }

    fn save_description(&self, directory: &Path) -> Result<(), TrainerError> {
        save_description(&self.decoder, directory)
    }

    fn memory_plan(&self, longest_batch: &[ScoredExample]) -> MemoryPlan {
        decoder_plan(
            &self.decoder,
            BatchSize { scored: 0, ..BatchSize::of(longest_batch, self.share_prefixes) },
            self.checkpointing,
        )
    }
}

/// TRL's reward metrics; `margin` comes from the means of both kinds.
fn reward_metrics(predicted: &[f32], rewards: &[f32]) -> Metrics {
    let mut metrics = Metrics::default();
    for (&predicted, &reward) in predicted.iter().zip(rewards) {
        let right = predicted.signum() == reward.signum();
        metrics.add("accuracy", f64::from(u8::from(right)), 1.0);
        metrics.add("mean_reward", f64::from(predicted), 1.0);
        let kind = if reward > 0.0 { "mean_reward_success" } else { "mean_reward_failure" };
        metrics.add(kind, f64::from(predicted), 1.0);
    }
    metrics
}
