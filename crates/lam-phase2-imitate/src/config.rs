//! What phase 2 may be told.

use lam_model::LoraConfig;
use lam_trainer::{FinetuningType, TrainingArguments};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of phase 2. The training defaults are the paper's (§5.1.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ImitateConfig {
    /// Environment whose functions the prompt names.
    pub environment: String,
    /// What is trained.
    pub finetuning_type: FinetuningType,
    /// The adapter, with `finetuning_type = "lora"` or `"qlora"`.
    pub lora: LoraConfig,
    /// Bits of a frozen weight, with `finetuning_type = "qlora"`: 4 or 8.
    #[schemars(range(min = 4, max = 8))]
    pub quantization_bit: u8,
    /// Share of the training set's tasks (by id hash) held out to watch the loss, in known wordings; 0 for none.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub validation_share: f64,
    /// Share of the batches that each file of replay examples gets, where the stage is given such files.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub replay_share: f64,
    /// Leave out rows that must not be trained on, as `data check` finds them, instead of refusing the data.
    pub skip_bad: bool,
    /// The training loop.
    pub train: TrainingArguments,
}

impl Default for ImitateConfig {
    fn default() -> Self {
        Self {
            environment: "sim".into(),
            finetuning_type: FinetuningType::Lora,
            lora: LoraConfig::default(),
            quantization_bit: 4,
            validation_share: 0.02,
            replay_share: 0.15,
            skip_bad: false,
            train: TrainingArguments::of_the_paper(),
        }
    }
}
