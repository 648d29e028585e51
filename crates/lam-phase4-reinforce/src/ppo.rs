//! Offline PPO as a train module (paper §4.4.2): the clipped ratio on LAM3's own answers, advantages over a value head
//! or over the state's other answers, a KL penalty against LAM3 whose weight adapts.
//!
//! One optimizer step trains one mini-batch; `num_ppo_epochs` passes over a batch of rollouts come before the next
//! batch. When a batch begins, log-probabilities, values, KL penalties and advantages are fixed with the weights of
//! that moment. All of it is of the distribution that answers are drawn from: where the constraint left a choice among some
//! tokens, over these alone, and where it left none, not at all. With an anchor, successes stand beside the rollouts of a mini-batch and are imitated.
//!
//! On a GPU, the ratios and the value head's losses are made on candle's tape of values that the device computes: each
//! mini-batch waits for its log-probabilities and, where there is a value head, for its values and for the gradient by
//! the head's weight, which is the processor's; and each batch for what is fixed of it.

use candle_core::{Device, Tensor, Var};
use lam_learn::{AdaptiveKl, Gae, PpoClip, generalized_advantages, imitation_loss, policy_loss, value_loss, whiten};
use lam_model::{Allowed, Decoder, Hidden, ScalarHead};
use lam_trainer::{Backbone, BatchLoss, ForeignState, Metrics, Pass, Sample, TrainModule, TrainerError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::rollout::Rollout;
use crate::{Baseline, OldPolicy, PolicyConfig, PpoSample, RolloutBuffer};

/// log p and value of the tokens of an answer.
type Measured = (Vec<f32>, Vec<f32>);

/// What is fixed of a rollout when its batch begins, per answer token that was chosen.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Fixed {
    advantages: Vec<f32>,
    returns: Vec<f32>,
    values: Vec<f32>,
    logprobs: Vec<f32>,
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
    backbone: Backbone,
    value_head: ScalarHead,
    config: &'a PolicyConfig,
    buffer: &'a RolloutBuffer,
    state: PpoState,
}

impl<'a> PpoModule<'a> {
    /// A module that starts from LAM3 with a fresh adapter and a fresh value head.
    pub fn new(decoder: Decoder, value_head: ScalarHead, config: &'a PolicyConfig, buffer: &'a RolloutBuffer) -> Self {
        let kl = AdaptiveKl::new(config.init_kl_coef, config.target_kl, config.kl_horizon);
        let state = PpoState { batch: None, fixed: Vec::new(), kl };
        Self { backbone: Backbone::new(decoder), value_head, config, buffer, state }
    }

    /// The trained policy.
    pub fn into_decoder(self) -> Decoder {
        self.backbone.into_decoder()
    }

    /// Fixes log-probabilities, values, KL penalties and advantages of a batch under the present weights.
    fn fix_batch(&mut self, batch: u64) -> Result<Metrics, TrainerError> {
        let rollouts = self.samples_of(batch);
        let (mut metrics, mut answer_kl, mut fixed) = (Metrics::default(), 0.0, Vec::new());
        for (sample, (logprobs, values)) in rollouts.iter().zip(self.measure(&rollouts)?) {
            let (answer, kl) = self.fix(&sample.rollout, logprobs, values, &mut metrics);
            answer_kl += kl;
            fixed.push(answer);
        }
        if self.config.whiten_advantages {
            let advantages: Vec<Vec<f32>> = fixed.iter().map(|answer| answer.advantages.clone()).collect();
            fixed.iter_mut().zip(whiten(&advantages)).for_each(|(answer, whitened)| answer.advantages = whitened);
        }
        metrics.add("objective/kl_coef", self.state.kl.coefficient(), 1.0);
        self.state.kl.update(answer_kl / rollouts.len() as f64, rollouts.len());
        (self.state.fixed, self.state.batch) = (fixed, Some(batch));
        Ok(metrics)
    }

    /// What is fixed of one answer, and the KL divergence that it measures, in nats.
    fn fix(&self, rollout: &Rollout, logprobs: Vec<f32>, values: Vec<f32>, metrics: &mut Metrics) -> (Fixed, f64) {
        let kl: Vec<f32> = logprobs.iter().zip(&rollout.reference_logprobs).map(|(now, then)| now - then).collect();
        let mut rewards: Vec<f32> = kl.iter().map(|kl| -(self.state.kl.coefficient() as f32) * kl).collect();
        *rewards.last_mut().expect("an answer has a token") += self.reward(rollout);
        let (advantages, returns) = self.advantages(&rewards, &values);
        // The answers are LAM3's, so the divergence that they measure is KL(LAM3 || policy): (ρ − 1) − log ρ.
        let divergence: f64 = kl.iter().map(|&log| f64::from(log).exp_m1() - f64::from(log)).sum();
        metrics.add("objective/kl", divergence, 1.0);
        metrics.add("objective/scores", f64::from(rollout.reward), 1.0);
        metrics.add("objective/entropy", -f64::from(logprobs.iter().sum::<f32>()) / logprobs.len() as f64, 1.0);
        metrics.add("objective/rlhf_reward", f64::from(rewards.iter().sum::<f32>()), 1.0);
        (Fixed { advantages, returns, values, logprobs }, divergence)
    }

    /// The rollouts of a batch as samples.
    fn samples_of(&self, batch: u64) -> Vec<PpoSample> {
        let rollouts = self.buffer.batch(batch).into_iter().enumerate();
        rollouts.map(|(index, rollout)| PpoSample { rollout, batch, index: Some(index) }).collect()
    }

    /// Whether values are estimated at all.
    fn has_value_head(&self) -> bool {
        self.config.baseline == Baseline::Value
    }

    /// What an answer earns at its end.
    fn reward(&self, rollout: &Rollout) -> f32 {
        match self.config.baseline {
            Baseline::Value => rollout.reward,
            Baseline::State => rollout.advantage_of_call,
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

    /// log p of each chosen answer token at the temperature at which answers are sampled, over what might have stood
    /// there: what LAM3's were recorded under. Shape: `[N]`.
    fn logprobs(
        &self,
        hidden: &Hidden,
        places: (&[usize], &[u32]),
        rollouts: &[PpoSample],
    ) -> Result<Tensor, TrainerError> {
        let allowed: Vec<Allowed> = rollouts.iter().flat_map(|sample| sample.rollout.allowed()).collect();
        let decoder = self.backbone.decoder();
        Ok(decoder.token_logprobs_among(hidden, places, &allowed, self.config.temperature)?)
    }

    /// What the anchors add to a mini-batch's loss, whose last rows these are: the imitation of successes, weighted.
    /// Shape: [].
    fn anchor(
        &self,
        (hidden, anchors): (&Hidden, &[PpoSample]),
        (rows, tokens): (&[usize], &[u32]),
        metrics: &mut Metrics,
    ) -> Result<Tensor, TrainerError> {
        let lengths: Vec<usize> = anchors.iter().map(PpoSample::trained_tokens).collect();
        let logprobs = self.backbone.decoder().token_logprobs(hidden, rows, tokens, 1.0)?;
        let loss = imitation_loss(&logprobs, &lengths)?;
        metrics.add("loss/imitation_avg", f64::from(loss.to_scalar::<f32>()?), 1.0);
        Ok((loss * self.config.anchor_weight())?)
    }

    /// log p and value of each answer token, per rollout, without a gradient.
    fn measure(&self, rollouts: &[PpoSample]) -> Result<Vec<Measured>, TrainerError> {
        let packed = self.backbone.pack(rollouts);
        let hidden = self.backbone.forward(&packed.batch, Pass::Evaluate)?;
        let logprobs = self.logprobs(&hidden, (&packed.rows, &packed.tokens), rollouts)?.to_vec1()?;
        let values = self.value_head.scores(&hidden, &packed.rows)?.to_vec1()?;
        Ok(packed.split(&logprobs).into_iter().zip(packed.split(&values)).collect())
    }

    /// The fixed values of a mini-batch, one after the other. Shape: `[N]`.
    fn gather(&self, batch: &[PpoSample], what: impl Fn(&Fixed) -> &[f32]) -> Result<Tensor, TrainerError> {
        flat(batch.iter().filter_map(|sample| Some(what(&self.state.fixed[sample.index?]))))
    }

    /// log p of each answer token of a mini-batch under the policy that the ratio is taken against.
    fn old_logprobs(&self, batch: &[PpoSample]) -> Result<Tensor, TrainerError> {
        if self.config.old_policy == OldPolicy::Batch {
            return self.gather(batch, |fixed| &fixed.logprobs);
        }
        let rollouts = batch.iter().filter(|sample| sample.index.is_some());
        flat(rollouts.map(|sample| sample.rollout.reference_logprobs.as_slice()))
    }
}

impl TrainModule for PpoModule<'_> {
    type Sample = PpoSample;

    fn before_batch(&mut self, batch: &[PpoSample]) -> Result<Metrics, TrainerError> {
        match batch.first().map(|sample| sample.batch) {
            Some(number) if self.state.batch != Some(number) => self.fix_batch(number),
            _ => Ok(Metrics::default()),
        }
    }

    fn loss(&self, batch: &[PpoSample], pass: Pass) -> Result<BatchLoss, TrainerError> {
        let number = batch.first().map(|sample| sample.batch);
        assert_eq!(number, self.state.batch, "what is fixed belongs to the batch");
        let packed = self.backbone.pack(batch);
        let old = self.old_logprobs(batch)?;
        let (advantages, returns, old_values) = (
            self.gather(batch, |fixed| &fixed.advantages)?,
            self.gather(batch, |fixed| &fixed.returns)?,
            self.gather(batch, |fixed| &fixed.values)?,
        );
        let hidden = self.backbone.forward(&packed.batch, pass)?;
        // The rollouts come first, the anchors after them.
        let (rollouts, anchors) = batch.split_at(batch.iter().filter(|sample| sample.index.is_some()).count());
        let count = rollouts.iter().map(PpoSample::trained_tokens).sum();
        let (rows, anchor_rows) = packed.rows.split_at(count);
        let (tokens, anchor_tokens) = packed.tokens.split_at(count);
        let logprobs = self.logprobs(&hidden, (rows, tokens), rollouts)?;
        let clip = PpoClip { ratio: self.config.cliprange, value: self.config.cliprange_value };
        let policy = policy_loss(&logprobs, &old, &advantages, clip)?;
        let weight = count as f64;
        let mut metrics = Metrics::default()
            .with("loss/policy_avg", f64::from(policy.loss.to_scalar::<f32>()?) * weight, weight)
            .with("policy/clipfrac_avg", policy.clip_fraction * weight, weight)
            .with("policy/approxkl_avg", policy.approximate_kl * weight, weight)
            .with("val/ratio", policy.ratio_mean * weight, weight)
            .with("val/ratio_var", policy.ratio_variance * weight, weight);
        let mut loss = policy.loss;
        if self.has_value_head() {
            let values = self.value_head.scores(&hidden, rows)?;
            let value = value_loss(&values, &old_values, &returns, clip)?;
            metrics.add("loss/value_avg", f64::from(value.loss.to_scalar::<f32>()?) * weight, weight);
            loss = (loss + (value.loss * self.config.vf_coef)?)?;
        }
        if !anchors.is_empty() {
            let anchor = self.anchor((&hidden, anchors), (anchor_rows, anchor_tokens), &mut metrics)?;
            loss = (loss + anchor)?;
        }
        let loss_sum = (loss * weight)?.into();
        Ok(BatchLoss { loss_sum, weight, metrics })
    }

    fn variables(&self) -> Vec<(String, Var)> {
        let mut variables = self.backbone.decoder().variables();
        if self.has_value_head() {
            variables.extend(self.value_head.variables().into_iter().map(|(name, var)| (format!("value.{name}"), var)));
        }
        variables
    }

    fn backbone(&self) -> Option<&Backbone> {
        Some(&self.backbone)
    }

    fn backbone_mut(&mut self) -> Option<&mut Backbone> {
        Some(&mut self.backbone)
    }

    fn state(&self) -> Value {
        serde_json::to_value(&self.state).expect("plain data serialises")
    }

    fn restore(&mut self, state: &Value) -> Result<(), ForeignState> {
        self.state = serde_json::from_value(state.clone()).map_err(|_| ForeignState::new("PPO", state))?;
        Ok(())
    }
}

/// Values of all answers, one after the other. Shape: `[N]`.
fn flat<'v>(values: impl Iterator<Item = &'v [f32]>) -> Result<Tensor, TrainerError> {
    let values: Vec<f32> = values.flatten().copied().collect();
    let count = values.len();
    Ok(Tensor::from_vec(values, count, &Device::Cpu)?)
}
