//! What the training of the policy may be told (paper §4.4.2, §5.1.3).

use lam_model::{Finetuning, LoraConfig};
use lam_trainer::{FinetuningType, SchedulerType, TrainingArguments};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DevConfig;

/// How the policy learns from tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Offline PPO (the paper's): LAM3's answers at the states of failures, scored by a reward model.
    #[default]
    Ppo,
    /// Rejection fine-tuning: the supervised loss on successes at tasks that some tries solved and others did not.
    Rft,
    /// Direct preference optimisation (Rafailov et al. 2023, arXiv 2305.18290): of two calls at one state, the one
    /// whose tries went better, anchored by the imitation of successes.
    Dpo,
}

impl Method {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Ppo => "ppo",
            Method::Rft => "rft",
            Method::Dpo => "dpo",
        }
    }
}

/// Which of a task's successes are imitated, where there are more than are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Imitate {
    /// Those that do different things first, shorter ones first: more ways to solve a task, detours among them.
    #[default]
    Distinct,
    /// Those that do what most successes of the task do, shorter ones first (the majority of Huang et al. 2022, arXiv
    /// 2210.11610): the policy grows surer of its usual way, which shows where answers are sampled.
    Usual,
}

/// Where PPO's answers come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Samples {
    /// Sampled from the LAM3 snapshot at the stored states, then scored by the reward model.
    Generated,
    /// The logged actions themselves, with log-probabilities measured under LAM3 at `temperature`, as those of the
    /// policy under training are: ratio and KL begin at 1 and 0. They are not samples of that distribution: the first
    /// try at a task was greedy, and exploration's `failure.parquet` keeps first tries first, so that most are LAM3's
    /// most probable answers whatever the `temperature` of the exploration.
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

/// Configuration of the policy's training, LAM3 to LAM4 (paper §4.4.2, §5.1.3). Names are TRL's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// Environment whose functions the prompts name, and in which dev tasks are played.
    pub environment: String,
    /// How the policy learns: `ppo` from `failures` and a reward model, `rft` and `dpo` from `attempts`. Keys of one
    /// method are refused with another.
    pub method: Method,
    /// Weight of the imitation of successes beside the method's own loss. Not set: 1 with `dpo`, 0 (none) with `ppo`.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub anchor: Option<f64>,
    /// Successes of a task that are imitated at most; with `rft`, or with an anchor.
    #[schemars(range(min = 1, max = 10_000))]
    pub successes_per_task: usize,
    /// Which of them come first; with `rft`, or with an anchor.
    pub imitate: Imitate,
    /// Tasks of which a larger share of the tries succeeded are not imitated: there is little left to learn. Nor are
    /// those of which all succeeded, or none where no success of another source stands in.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub max_solved_share: f64,
    /// With `dpo`: how strongly the policy is held to LAM3, β of the paper's eq. 7.
    #[schemars(range(max = 1e6), extend("exclusiveMinimum" = 0.0))]
    pub beta: f64,
    /// With `dpo`: how far apart the shares of successful tries of two calls at one state are, at least, for the better
    /// one to be preferred.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub min_gap: f64,
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
    /// Temperature at which answers are sampled (above 100 every token is as probable as any other); the ratio and the
    /// KL are at that temperature on both sides, over what might have stood at each place.
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
    /// Answers over which the controller adapts; a batch of more counts as so many.
    #[schemars(range(max = 1e12), extend("exclusiveMinimum" = 0.0))]
    pub kl_horizon: f64,
    /// Whether advantages are whitened over the batch.
    pub whiten_advantages: bool,
    /// Leave out rows that must not be trained on, as `data check` finds them, instead of refusing the data.
    pub skip_bad: bool,
    /// What the adapter lies over: frozen weights (`lora`), or quantised ones (`qlora`). The answers are then those of
    /// the quantised LAM3, from which the KL is measured.
    pub finetuning_type: FinetuningType,
    /// Adapter that is trained. With `ppo` and `dpo` it has no dropout: ratios to LAM3 would measure the noise.
    pub lora: LoraConfig,
    /// Bits of a frozen weight, with `finetuning_type = "qlora"`: 4 or 8.
    #[schemars(range(min = 4, max = 8))]
    pub quantization_bit: u8,
    /// Held-out tasks that are played meanwhile, to keep the best step and to stop when success falls.
    pub dev: DevConfig,
    /// The training loop; with `ppo`, `num_train_epochs` are passes over the rollouts (learning rate of the paper: 1.4e-5).
    pub train: TrainingArguments,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            environment: "sim".into(),
            method: Method::Ppo,
            anchor: None,
            successes_per_task: 4,
            imitate: Imitate::Distinct,
            max_solved_share: 0.75,
            beta: 0.1,
            min_gap: 0.5,
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
            dev: DevConfig::default(),
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

impl PolicyConfig {
    /// What is trained of the policy.
    pub(crate) fn finetuning(&self) -> Finetuning {
        self.finetuning_type.with(&self.lora, self.quantization_bit)
    }

    /// How LAM3 is loaded to answer and to be measured: over a quantised base, or one into which its adapter is merged,
    /// as it is trained, with an adapter that does nothing yet or the one that is trained further.
    pub(crate) fn finetuning_of_start(&self) -> Finetuning {
        match self.finetuning_type {
            FinetuningType::Qlora => self.finetuning(),
            FinetuningType::Lora if self.lora.create_new_adapter => self.finetuning(),
            FinetuningType::Lora | FinetuningType::Full => Finetuning::Frozen,
        }
    }

    /// Whether the policy is trained in fewer bits than generation computes in, whatever the device.
    pub(crate) fn is_rounded(&self) -> bool {
        self.train.bf16 || self.finetuning_type == FinetuningType::Qlora
    }

    /// Weight of the imitation of successes beside the method's own loss.
    pub fn anchor_weight(&self) -> f64 {
        self.anchor.unwrap_or(if self.method == Method::Dpo { 1.0 } else { 0.0 })
    }

    /// Whether any success is imitated.
    pub(crate) fn imitates(&self) -> bool {
        self.method == Method::Rft || self.anchor_weight() > 0.0
    }
}
