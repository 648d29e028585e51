//! What phase 4 may be told. Defaults are the paper's (§5.1.2, §5.1.3) where it prints one, and the reading of the
//! design document where it does not.

use lam_model::LoraConfig;
use lam_trainer::TrainingArguments;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of the reward model (paper §4.4.1, §5.1.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RewardConfig {
    /// Environment whose functions the prompts name.
    pub environment: String,
    /// Adapter under the scalar head; the paper's r 8, α 32, dropout 0.1.
    pub lora: LoraConfig,
    /// Share of tasks held out of training to measure accuracy and margin.
    pub validation_share: f64,
    /// How successes and failures are made to weigh the same.
    pub balance: Balance,
    /// With `balance = "states"`: share of the examples that come from states at which tries both succeeded and
    /// failed, if there are enough of them to be repeated at most [`MOST_REPEATS`] times.
    pub contrast_share: f64,
    /// The training loop.
    pub train: TrainingArguments,
}

/// How often an example of a contrast may be repeated to reach its share.
pub const MOST_REPEATS: usize = 8;

/// How successes and failures are made to weigh the same in the reward model's training set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// As they come.
    None,
    /// The smaller class is repeated.
    Classes,
    /// The smaller class is repeated at each state at which tries both succeeded and failed, so that the state tells
    /// nothing of the label and the answer has to; the other states' classes are balanced together.
    States,
}

impl Default for RewardConfig {
    fn default() -> Self {
        Self {
            environment: "sim".into(),
            lora: LoraConfig { lora_r: 8, lora_alpha: 32.0, lora_dropout: 0.1, ..LoraConfig::default() },
            validation_share: 0.1,
            balance: Balance::States,
            contrast_share: 0.5,
            train: TrainingArguments {
                learning_rate: 2e-5,
                num_train_epochs: 2.0,
                lr_scheduler_type: lam_trainer::SchedulerType::Linear,
                ..TrainingArguments::default()
            },
        }
    }
}

/// Where PPO's answers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Samples {
    /// Sampled from the LAM3 snapshot at the stored states, then scored by the reward model.
    Generated,
    /// The logged actions themselves, ratio against their recorded log-probabilities.
    Stored,
}

/// What an answer's reward is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// A value head, with GAE over the answer's tokens.
    Value,
    /// The mean reward of the answers sampled at the same state; what an answer earns is the mean reward of those that
    /// do the same. No value head is trained.
    State,
}

/// The policy in the denominator of the ratio, LAM4_old in the paper's formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OldPolicy {
    /// LAM3, which sampled the answers: no token's probability leaves LAM3's by more than the clip in the whole run.
    Lam3,
    /// The policy as it is when a batch of rollouts begins: each batch may take a step of the clip's size, and how far
    /// the policy gets from LAM3 is the KL penalty's to say.
    Batch,
}

/// Configuration of offline PPO (paper §4.4.2, §5.1.3). Names are TRL's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PpoConfig {
    /// Environment whose functions the prompts name.
    pub environment: String,
    /// Where the answers come from.
    pub samples: Samples,
    /// Answers sampled a state, with `samples = "generated"`.
    pub samples_per_state: usize,
    /// Different states asked at most; 0 for all.
    pub max_states: usize,
    /// States at which the sampled answers make fewer different calls are left out: they cannot tell better from
    /// worse. 1 keeps all.
    pub min_distinct_calls: usize,
    /// Sampling temperature.
    pub temperature: f32,
    /// Longest sampled answer, in tokens (paper: 256).
    pub response_length: usize,
    /// Passes over the rollouts.
    pub num_train_epochs: usize,
    /// Optimisation passes over one batch of rollouts (paper: 4).
    pub num_ppo_epochs: usize,
    /// Rollouts a batch (paper: 8).
    pub batch_size: usize,
    /// Rollouts an optimizer step (paper: 1).
    pub mini_batch_size: usize,
    /// Learning rate of the policy (paper: 1.4e-5).
    pub learning_rate: f64,
    /// What the ratio is taken against.
    pub old_policy: OldPolicy,
    /// What rewards are compared with.
    pub baseline: Baseline,
    /// ε of the clipped ratio; not printed in the paper.
    pub cliprange: f64,
    /// Clip of the value's change.
    pub cliprange_value: f64,
    /// Weight of the value loss.
    pub vf_coef: f64,
    /// Discount of GAE.
    pub gamma: f64,
    /// λ of GAE.
    pub lam: f64,
    /// Initial weight of the KL penalty against LAM3 (paper: 0.2).
    pub init_kl_coef: f64,
    /// KL per answer, in nats, that the adaptive controller aims at (paper: 0.1).
    pub target_kl: f64,
    /// Answers over which the controller adapts.
    pub kl_horizon: f64,
    /// Whether advantages are whitened over the batch.
    pub whiten_advantages: bool,
    /// Gradient norm at which gradients are clipped.
    pub max_grad_norm: f64,
    /// Recompute activations in the backward pass.
    pub gradient_checkpointing: bool,
    /// Optimizer steps between lines of `metrics.jsonl`.
    pub logging_steps: u64,
    /// Optimizer steps between checkpoints; one more at the end. 0: only at the end and when stopped.
    pub save_steps: u64,
    /// Checkpoints kept. 0: all.
    pub save_total_limit: usize,
    /// Memory that training may use, in MiB. 0: what the machine has.
    pub max_memory_mib: u64,
    /// Adapter that is trained.
    pub lora: LoraConfig,
}

impl Default for PpoConfig {
    fn default() -> Self {
        Self {
            environment: "sim".into(),
            samples: Samples::Generated,
            samples_per_state: 2,
            max_states: 0,
            min_distinct_calls: 1,
            temperature: 1.0,
            response_length: 256,
            num_train_epochs: 1,
            num_ppo_epochs: 4,
            batch_size: 8,
            mini_batch_size: 1,
            learning_rate: 1.4e-5,
            old_policy: OldPolicy::Batch,
            baseline: Baseline::Value,
            vf_coef: 0.1,
            cliprange: 0.2,
            cliprange_value: 0.2,
            gamma: 1.0,
            lam: 0.95,
            init_kl_coef: 0.2,
            target_kl: 0.1,
            kl_horizon: 10_000.0,
            whiten_advantages: true,
            max_grad_norm: 1.0,
            gradient_checkpointing: false,
            logging_steps: 10,
            save_steps: 100,
            save_total_limit: 2,
            max_memory_mib: 0,
            lora: LoraConfig::default(),
        }
    }
}
