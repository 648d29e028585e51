//! Offline PPO as a train module (paper §4.4.2): the clipped ratio on LAM3's own answers, advantages over a value head
//! or over the state's other answers, a KL penalty against LAM3 whose weight adapts.
//!
//! One optimizer step trains one mini-batch; `num_ppo_epochs` passes over a batch of rollouts come before the next
//! batch. When a batch begins, log-probabilities, values, KL penalties and advantages are fixed with the weights of
//! that moment.

use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Tensor, Var};
use lam_learn::{AdaptiveKl, Gae, PpoClip, generalized_advantages, policy_loss, value_loss, whiten};
use lam_model::{Decoder, Mode, PackedBatch, Prefix, ScalarHead};
use lam_trainer::{BatchLoss, BatchSize, MemoryPlan, Metrics, Pass, Sample, TrainModule, TrainerError, decoder_plan};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rollout::Rollout;
use crate::{Baseline, OldPolicy, PpoConfig, RolloutBuffer};

/// A rollout in its place: which batch it is trained in.
#[derive(Clone, Debug)]
pub struct PpoSample {
    /// The rollout.
    pub rollout: Arc<Rollout>,
    /// Number of its batch, over all passes.
    pub batch: u64,
    /// Its index in the batch.
    pub index: usize,
}

impl Sample for PpoSample {
    fn id(&self) -> &str {
        &self.rollout.id
    }

    fn tokens(&self) -> usize {
        self.rollout.prompt_ids.len() + self.rollout.response_ids.len()
    }

    fn trained_tokens(&self) -> usize {
        self.rollout.response_ids.len()
    }
}

/// What is fixed of a rollout when its batch begins, per answer token. Floats as bits: a resumed run has exactly these.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Fixed {
    advantages: Vec<u32>,
    returns: Vec<u32>,
    values: Vec<u32>,
    logprobs: Vec<u32>,
}

/// All that the following losses depend on besides the weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct PpoState {
    batch: Option<u64>,
    fixed: Vec<Fixed>,
    kl: AdaptiveKl,
}

/// The policy under training, its value head, and what is fixed for the present batch.
pub struct PpoModule<'a> {
    decoder: Decoder,
    value_head: ScalarHead,
    config: &'a PpoConfig,
    buffer: &'a RolloutBuffer,
    state: PpoState,
    batch_metrics: Metrics,
    checkpointing: bool,
}

impl<'a> PpoModule<'a> {
    /// A module that starts from LAM3 with a fresh adapter and a fresh value head.
    pub fn new(decoder: Decoder, value_head: ScalarHead, config: &'a PpoConfig, buffer: &'a RolloutBuffer) -> Self {
        let kl = AdaptiveKl::new(config.init_kl_coef, config.target_kl, config.kl_horizon);
        let state = PpoState { batch: None, fixed: Vec::new(), kl };
        Self { decoder, value_head, config, buffer, state, batch_metrics: Metrics::default(), checkpointing: false }
    }

    /// The trained policy.
    pub fn into_decoder(self) -> Decoder {
        self.decoder
    }

    /// Values, KL penalties and advantages of a batch under the present weights.
    fn begin_batch(&mut self, batch: u64) -> Result<(), TrainerError> {
        let rollouts = self.buffer.batch(batch);
        let Measured { logprobs, values } = self.measure(&rollouts)?;
        let mut metrics = Metrics::default();
        let mut advantages = Vec::new();
        let mut returns = Vec::new();
        let mut answer_kl = 0.0;
        for ((rollout, logprobs), values) in rollouts.iter().zip(&logprobs).zip(&values) {
            let kl: Vec<f32> =
                logprobs.iter().zip(rollout.reference_logprobs()).map(|(now, then)| now - then).collect();
            let mut rewards: Vec<f32> = kl.iter().map(|kl| -(self.state.kl.coefficient() as f32) * kl).collect();
            *rewards.last_mut().expect("an answer has a token") += self.reward(rollout);
            let (advantage, goal) = self.advantages(&rewards, values);
            // The answers are LAM3's, so the divergence that they measure is KL(LAM3 || policy): (ρ − 1) − log ρ.
            let divergence: f64 = kl.iter().map(|&log| f64::from(log).exp_m1() - f64::from(log)).sum();
            answer_kl += divergence;
            metrics.add("objective/kl", divergence, 1.0);
            metrics.add("objective/scores", f64::from(rollout.reward()), 1.0);
            metrics.add("objective/entropy", -f64::from(logprobs.iter().sum::<f32>()) / logprobs.len() as f64, 1.0);
            metrics.add("objective/rlhf_reward", f64::from(rewards.iter().sum::<f32>()), 1.0);
            advantages.push(advantage);
            returns.push(goal);
        }
        if self.config.whiten_advantages {
            advantages = whiten(&advantages);
        }
        metrics.add("objective/kl_coef", self.state.kl.coefficient(), 1.0);
        self.state.kl.update(answer_kl / rollouts.len() as f64, rollouts.len());
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
        let fixed = advantages.iter().zip(&returns).zip(&values).zip(&logprobs);
        self.state.fixed = fixed
            .map(|(((advantages, returns), values), logprobs)| Fixed {
                advantages: bits(advantages),
                returns: bits(returns),
                values: bits(values),
                logprobs: bits(logprobs),
            })
            .collect();
        self.state.batch = Some(batch);
        self.batch_metrics = metrics;
        Ok(())
    }

    /// Whether values are estimated at all.
    fn has_value_head(&self) -> bool {
        self.config.baseline == Baseline::Value
    }

    /// What an answer earns at its end.
    fn reward(&self, rollout: &Rollout) -> f32 {
        match self.config.baseline {
            Baseline::Value => rollout.reward(),
            Baseline::State => rollout.advantage_of_call(),
        }
    }

    /// Advantages and returns of an answer's tokens. Where the state's other answers are the baseline, every token's
    /// advantage is all that is still to be earned, and nothing is estimated.
    fn advantages(&self, rewards: &[f32], values: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let gamma = self.config.gamma;
        match self.config.baseline {
            Baseline::Value => generalized_advantages(rewards, values, Gae { gamma, lambda: self.config.lam }),
            Baseline::State => generalized_advantages(rewards, &vec![0.0; values.len()], Gae { gamma, lambda: 1.0 }),
        }
    }

    /// log p and value of each answer token, per rollout, without a gradient.
    fn measure(&self, rollouts: &[Arc<Rollout>]) -> Result<Measured, TrainerError> {
        let packed = pack(&self.decoder, rollouts.iter().map(Arc::as_ref));
        let hidden = self.decoder.forward(&packed.batch, Mode::Evaluate)?;
        let logprobs: Vec<f32> = self.decoder.token_logprobs(&hidden, &packed.positions, &packed.tokens)?.to_vec1()?;
        let values: Vec<f32> = self.value_head.scores(&hidden, &packed.positions)?.to_vec1()?;
        let answers = |values: &[f32]| split(values, &packed.answer_lengths);
        Ok(Measured { logprobs: answers(&logprobs), values: answers(&values) })
    }

    /// The fixed values of a mini-batch, one after the other.
    fn gather(&self, batch: &[PpoSample], what: impl Fn(&Fixed) -> &[u32]) -> Result<Tensor, TrainerError> {
        let bits = batch.iter().flat_map(|sample| what(&self.state.fixed[sample.index]).iter());
        let values: Vec<f32> = bits.map(|&bits| f32::from_bits(bits)).collect();
        Ok(Tensor::from_vec(values, self.tokens(batch), &Device::Cpu)?)
    }

    /// log p of each answer token of a mini-batch under the policy that the ratio is taken against.
    fn old_logprobs(&self, batch: &[PpoSample]) -> Result<Tensor, TrainerError> {
        if self.config.old_policy == OldPolicy::Batch {
            return self.gather(batch, |fixed| &fixed.logprobs);
        }
        let old: Vec<f32> = batch.iter().flat_map(|sample| sample.rollout.reference_logprobs()).collect();
        Ok(Tensor::from_vec(old, self.tokens(batch), &Device::Cpu)?)
    }

    fn tokens(&self, batch: &[PpoSample]) -> usize {
        batch.iter().map(Sample::trained_tokens).sum()
    }
}

impl TrainModule for PpoModule<'_> {
    type Sample = PpoSample;

    fn loss(&mut self, batch: &[PpoSample], _pass: Pass) -> Result<BatchLoss, TrainerError> {
        let number = batch[0].batch;
        if self.state.batch != Some(number) {
            self.begin_batch(number)?;
        }
        let packed = pack(&self.decoder, batch.iter().map(|sample| sample.rollout.as_ref()));
        let old = self.old_logprobs(batch)?;
        let (advantages, returns, old_values) = (
            self.gather(batch, |fixed| &fixed.advantages)?,
            self.gather(batch, |fixed| &fixed.returns)?,
            self.gather(batch, |fixed| &fixed.values)?,
        );
        let hidden = self.decoder.forward(&packed.batch, Mode::Train { dropout_seed: None })?;
        let logprobs = self.decoder.token_logprobs(&hidden, &packed.positions, &packed.tokens)?;
        let clip = PpoClip { ratio: self.config.cliprange, value: self.config.cliprange_value };
        let policy = policy_loss(&logprobs, &old, &advantages, clip)?;
        let weight = packed.tokens.len() as f64;
        let mut metrics = std::mem::take(&mut self.batch_metrics);
        metrics.add("loss/policy_avg", f64::from(policy.loss.to_scalar::<f32>()?) * weight, weight);
        metrics.add("policy/clipfrac_avg", policy.clip_fraction * weight, weight);
        metrics.add("policy/approxkl_avg", policy.approximate_kl * weight, weight);
        metrics.add("val/ratio", policy.ratio_mean * weight, weight);
        metrics.add("val/ratio_var", policy.ratio_variance * weight, weight);
        let mut loss = policy.loss;
        if self.has_value_head() {
            let values = self.value_head.scores(&hidden, &packed.positions)?;
            let value = value_loss(&values, &old_values, &returns, clip)?;
            metrics.add("loss/value_avg", f64::from(value.loss.to_scalar::<f32>()?) * weight, weight);
            loss = (loss + (value.loss * self.config.vf_coef)?)?;
        }
        let loss_sum = (loss * weight)?;
        Ok(BatchLoss { loss_sum, weight, metrics })
    }

    fn variables(&self) -> Vec<(String, Var)> {
        let mut variables = self.decoder.variables();
        if !self.has_value_head() {
            return variables;
        }
        variables.extend(self.value_head.variables().into_iter().map(|(name, var)| (format!("value.{name}"), var)));
        variables
    }

    fn weights_file(&self) -> &'static str {
        "adapter_model.safetensors"
    }

    fn save_description(&self, directory: &Path) -> Result<(), TrainerError> {
        Ok(self.decoder.save_description(directory)?)
    }

    fn state(&self) -> Value {
        serde_json::to_value(&self.state).expect("plain data serialises")
    }

    fn restore(&mut self, state: &Value) -> Result<(), TrainerError> {
        self.state = serde_json::from_value(state.clone()).map_err(|error| TrainerError::Checkpoint {
            path: "trainer_state.json".into(),
            reason: format!("no state of PPO: {error}"),
        })?;
        Ok(())
    }

    fn set_gradient_checkpointing(&mut self, on: bool) {
        self.decoder.set_gradient_checkpointing(on);
        self.checkpointing = on;
    }

    fn memory_plan(&self, longest_batch: &[PpoSample]) -> MemoryPlan {
        let tokens = pack(&self.decoder, longest_batch.iter().map(|sample| sample.rollout.as_ref())).batch.tokens();
        decoder_plan(&self.decoder, BatchSize { tokens, ..BatchSize::of(longest_batch, false) }, self.checkpointing)
    }
}

/// Per rollout, log p and value of each answer token.
struct Measured {
    logprobs: Vec<Vec<f32>>,
    values: Vec<Vec<f32>>,
}

/// Rollouts, those of one state with one prompt, and where their answers are predicted.
struct Packed {
    batch: PackedBatch,
    positions: Vec<usize>,
    tokens: Vec<u32>,
    answer_lengths: Vec<usize>,
}

fn pack<'r>(decoder: &Decoder, rollouts: impl Iterator<Item = &'r Rollout>) -> Packed {
    let rollouts: Vec<&Rollout> = rollouts.collect();
    let text = |rollout: &&Rollout| [rollout.prompt_ids.as_slice(), &rollout.response_ids].concat();
    let texts: Vec<Vec<u32>> = rollouts.iter().map(text).collect();
    // The prompt's last row predicts the answer's first token.
    let beginning = |(text, rollout): (_, &&Rollout)| Prefix { text, shareable: rollout.prompt_ids.len() - 1 };
    let (batch, rows) =
        decoder.pack(&texts.iter().map(Vec::as_slice).zip(&rollouts).map(beginning).collect::<Vec<_>>());
    let (mut positions, mut tokens, mut answer_lengths) = (Vec::new(), Vec::new(), Vec::new());
    for (rollout, rows) in rollouts.iter().zip(&rows) {
        let (prompt, answer) = (&rollout.prompt_ids, &rollout.response_ids);
        positions.extend((0..answer.len()).map(|token| rows.row(prompt.len() + token - 1)));
        tokens.extend(answer);
        answer_lengths.push(answer.len());
    }
    Packed { batch, positions, tokens, answer_lengths }
}

fn split(values: &[f32], lengths: &[usize]) -> Vec<Vec<f32>> {
    let mut rest = values;
    let mut parts = Vec::new();
    for &length in lengths {
        let (part, after) = rest.split_at(length);
        parts.push(part.to_vec());
        rest = after;
    }
    parts
}
