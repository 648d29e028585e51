//! What phase 4 may be told. Defaults are the paper's (§5.1.2, §5.1.3) where it prints one, and the reading of the
//! design document where it does not.

use lam_config::ConfigError;
use lam_model::{Finetuning, LoraConfig};
use lam_trainer::{FinetuningType, SchedulerType, TrainingArguments, check_quantization};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of the reward model (paper §4.4.1, §5.1.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RewardConfig {
    /// Environment whose functions the prompts name.
    pub environment: String,
    /// What the adapter under the scalar head lies over: frozen weights (`lora`), or quantised ones (`qlora`).
    pub finetuning_type: FinetuningType,
    /// Adapter under the scalar head; the paper's r 8, α 32, dropout 0.1.
    pub lora: LoraConfig,
    /// Bits of a frozen weight, with `finetuning_type = "qlora"`: 4 or 8.
    #[schemars(range(min = 4, max = 8))]
    pub quantization_bit: u8,
    /// Share of the training set's tasks held out of training to measure accuracy and margin, in known wordings.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub validation_share: f64,
    /// How successes and failures are made to weigh the same.
    pub balance: Balance,
    /// With `balance = "states"`: share of the examples that come from states at which tries both succeeded and
    /// failed, if there are enough of them to be repeated at most [`MOST_REPEATS`] times.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub contrast_share: f64,
    /// Leave out rows that must not be trained on, as `data check` finds them, instead of refusing the data.
    pub skip_bad: bool,
    /// The training loop.
    pub train: TrainingArguments,
}

/// Refuses what phase 4 cannot train over, and bits that are not known.
fn check_base(finetuning_type: FinetuningType, quantization_bit: u8) -> Result<(), ConfigError> {
    if finetuning_type == FinetuningType::Full {
        let reason = "phase 4 trains an adapter";
        return Err(ConfigError::value("finetuning_type", "full", reason, "set it to \"lora\" or \"qlora\""));
    }
    check_quantization(quantization_bit)
}

impl RewardConfig {
    /// Refuses what means nothing here.
    ///
    /// # Errors
    /// Names the key, its value and what to set instead.
    pub fn refuse_meaningless(&self) -> Result<(), ConfigError> {
        check_base(self.finetuning_type, self.quantization_bit)
    }

    /// What is trained of the model that scores: an adapter of the policy is merged, and a new one is trained.
    pub(crate) fn finetuning(&self) -> Finetuning {
        let lora = LoraConfig { create_new_adapter: true, ..self.lora.clone() };
        self.finetuning_type.with(&lora, self.quantization_bit)
    }
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
            finetuning_type: FinetuningType::Lora,
            lora: LoraConfig { lora_r: 8, lora_alpha: 32.0, lora_dropout: 0.1, ..LoraConfig::default() },
            quantization_bit: 4,
            validation_share: 0.1,
            balance: Balance::States,
            contrast_share: 0.5,
            skip_bad: false,
            train: TrainingArguments {
                learning_rate: 2e-5,
                num_train_epochs: 2.0,
                lr_scheduler_type: SchedulerType::Linear,
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
    #[schemars(range(min = 1, max = 10_000))]
    pub samples_per_state: usize,
    /// Different states asked at most; 0 for all.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub max_states: usize,
    /// States at which the sampled answers make fewer different calls are left out: they cannot tell better from
    /// worse. 1 keeps all.
    #[schemars(range(min = 1, max = 10_000))]
    pub min_distinct_calls: usize,
    /// Temperature at which answers are sampled (above 100 every token is as probable as any other); the ratio and the KL are of that distribution on both sides.
    #[schemars(range(max = 100.0), extend("exclusiveMinimum" = 0.0))]
    pub temperature: f32,
    /// Longest sampled answer, in tokens (paper: 256).
    #[schemars(range(min = 1, max = 1_000_000))]
    pub response_length: usize,
    /// Optimisation passes over one batch of rollouts (paper: 4).
    #[schemars(range(min = 1, max = 10_000))]
    pub num_ppo_epochs: usize,
    /// Rollouts a batch (paper: 8).
    #[schemars(range(min = 1, max = 1_000_000))]
    pub batch_size: usize,
    /// Rollouts an optimizer step (paper: 1).
    #[schemars(range(min = 1, max = 1_000_000))]
    pub mini_batch_size: usize,
    /// What the ratio is taken against.
    pub old_policy: OldPolicy,
    /// What rewards are compared with.
    pub baseline: Baseline,
    /// ε of the clipped ratio; not printed in the paper.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub cliprange: f64,
    /// Clip of the value's change.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub cliprange_value: f64,
    /// Weight of the value loss.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub vf_coef: f64,
    /// Discount of GAE.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub gamma: f64,
    /// λ of GAE.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub lam: f64,
    /// Initial weight of the KL penalty against LAM3 (paper: 0.2).
    #[schemars(range(min = 0.0, max = 1e6))]
    pub init_kl_coef: f64,
    /// KL per answer, in nats, that the adaptive controller aims at (paper: 0.1).
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0.0))]
    pub target_kl: f64,
    /// Answers over which the controller adapts.
    #[schemars(range(max = 1e12), extend("exclusiveMinimum" = 0.0))]
    pub kl_horizon: f64,
    /// Whether advantages are whitened over the batch.
    pub whiten_advantages: bool,
    /// Leave out rows that must not be trained on, as `data check` finds them, instead of refusing the data.
    pub skip_bad: bool,
    /// What the adapter lies over: frozen weights (`lora`), or quantised ones (`qlora`). The answers are then those of the
    /// quantised LAM3, from which the KL is measured.
    pub finetuning_type: FinetuningType,
    /// Adapter that is trained. It has no dropout: the ratio would measure the noise.
    pub lora: LoraConfig,
    /// Bits of a frozen weight, with `finetuning_type = "qlora"`: 4 or 8.
    #[schemars(range(min = 4, max = 8))]
    pub quantization_bit: u8,
    /// The training loop; `num_train_epochs` are passes over the rollouts (learning rate of the paper: 1.4e-5).
    pub train: TrainingArguments,
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
            num_ppo_epochs: 4,
            batch_size: 8,
            mini_batch_size: 1,
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
            skip_bad: false,
            finetuning_type: FinetuningType::Lora,
            lora: LoraConfig::default(),
            quantization_bit: 4,
            train: TrainingArguments {
                learning_rate: 1.4e-5,
                lr_scheduler_type: SchedulerType::Linear,
                warmup_ratio: 0.0,
                num_train_epochs: 1.0,
                share_prefixes: true,
                save_steps: 100,
                ..TrainingArguments::default()
            },
        }
    }
}

/// Training arguments that mean nothing in PPO, and what to set instead.
const MEANINGLESS: [(&str, &str); 11] = [
    ("per_device_train_batch_size", "`mini_batch_size` says how many rollouts are trained at a time"),
    ("max_tokens_per_batch", "`mini_batch_size` says how many rollouts are trained at a time"),
    ("max_length", "rollouts are as long as their states and answers; `response_length` limits the answers"),
    ("truncation", "rollouts are as long as their states and answers; `response_length` limits the answers"),
    ("per_device_eval_batch_size", NO_EVALUATION),
    ("eval_steps", NO_EVALUATION),
    ("load_best_model_at_end", NO_EVALUATION),
    ("metric_for_best_model", NO_EVALUATION),
    ("greater_is_better", NO_EVALUATION),
    ("early_stopping_patience", NO_EVALUATION),
    ("early_stopping_threshold", NO_EVALUATION),
];
const NO_EVALUATION: &str = "PPO evaluates nothing while it trains; the stage `eval.online` does it afterwards";

impl PpoConfig {
    /// What is trained of the policy.
    pub(crate) fn finetuning(&self) -> Finetuning {
        self.finetuning_type.with(&self.lora, self.quantization_bit)
    }

    /// Whether the policy is trained in fewer bits than generation computes in: the log-probabilities of its answers are
    /// then measured by the forward pass of training.
    pub(crate) fn is_rounded(&self) -> bool {
        self.train.bf16 || self.finetuning_type == FinetuningType::Qlora
    }

    /// Refuses what means nothing here.
    ///
    /// # Errors
    /// Names the key, its value and what to set instead.
    pub fn refuse_meaningless(&self) -> Result<(), ConfigError> {
        check_base(self.finetuning_type, self.quantization_bit)?;
        if self.lora.lora_dropout != 0.0 {
            let reason = "PPO's ratio would measure the noise of dropout";
            return Err(ConfigError::value("lora.lora_dropout", self.lora.lora_dropout, reason, "leave it at 0"));
        }
        if self.samples == Samples::Stored && self.temperature != 1.0 {
            let reason = "stored answers are not sampled";
            return Err(ConfigError::value("temperature", self.temperature, reason, "leave it at 1"));
        }
        let values = |arguments: &TrainingArguments| serde_json::to_value(arguments).expect("plain data serialises");
        let (given, default) = (values(&self.train), values(&Self::default().train));
        match MEANINGLESS.into_iter().find(|(key, _)| given[key] != default[key]) {
            None => Ok(()),
            Some((key, hint)) => {
                Err(ConfigError::value(&format!("train.{key}"), &given[key], "means nothing in PPO", hint))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_nothing_in_ppo_is_refused_with_a_hint() {
        PpoConfig::default().refuse_meaningless().unwrap();
        for (key, _) in MEANINGLESS {
            assert!(serde_json::to_value(TrainingArguments::default()).unwrap().get(key).is_some(), "{key}");
        }
        let refused = |train: TrainingArguments| PpoConfig { train, ..PpoConfig::default() }.refuse_meaningless();
        let default = PpoConfig::default().train;
        let error = refused(TrainingArguments { eval_steps: 5, ..default.clone() }).unwrap_err().to_string();
        assert!(error.contains("`train.eval_steps` = 5: means nothing in PPO\nhint: PPO evaluates nothing"), "{error}");
        let lora = LoraConfig { lora_dropout: 0.1, ..LoraConfig::default() };
        let error = PpoConfig { lora, ..PpoConfig::default() }.refuse_meaningless().unwrap_err().to_string();
        assert!(error.contains("`lora.lora_dropout` = 0.1: PPO's ratio"), "{error}");
        refused(TrainingArguments { gradient_accumulation_steps: 4, bf16: true, max_steps: 7, ..default }).unwrap();
    }
}
