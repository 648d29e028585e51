//! What the reward model may be told (paper §4.4.1, §5.1.2).

use lam_config::ConfigError;
use lam_model::{Finetuning, LoraConfig};
use lam_trainer::{FinetuningType, SchedulerType, TrainingArguments};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_base;

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
    /// What a step's reward is learned from.
    pub target: Target,
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

/// What a step's reward is learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// What came of its own try: +1 for every step of a success, −1 for every one of a failure (the paper's).
    Outcome,
    /// What the step was worth: the mean outcome, between −1 and +1, of all tries that made this call in this state.
    /// With `balance = "none"` the reward is then an estimate of the chance to succeed; balanced classes shift it.
    StepValue,
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
            target: Target::Outcome,
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
