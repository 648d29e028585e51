//! What phase 1 may be told.

use lam_model::LoraConfig;
use lam_trainer::{FinetuningType, TrainingArguments};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of phase 1. The training defaults are the paper's (§5.1.1): lr 2e-5, cosine with 2 warm-up steps,
/// batch 16, 3 epochs, loss on the target tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PretrainConfig {
    /// What is trained: `full` where the base was made from nothing, `lora` over a pretrained model.
    pub finetuning_type: FinetuningType,
    /// The adapter, with `finetuning_type = "lora"` or `"qlora"`.
    pub lora: LoraConfig,
    /// Bits of a frozen weight, with `finetuning_type = "qlora"`: 4 or 8.
    #[schemars(range(min = 4, max = 8))]
    pub quantization_bit: u8,
    /// Variables whose names contain one of these keep their values, such as `embed_tokens` and `lm_head`: a small model
    /// whose vocabulary is larger than its data forgets the words that the data never uses if these are trained.
    pub frozen: Vec<String>,
    /// Pairs evaluated on during training, taken from the validation split; 0 for none.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    pub max_eval_samples: usize,
    /// Share of the batches that each file of replay examples gets, where the stage is given such files.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub replay_share: f64,
    /// Leave out rows that must not be trained on, as `data check` finds them, instead of refusing the data.
    pub skip_bad: bool,
    /// The training loop.
    pub train: TrainingArguments,
}

impl Default for PretrainConfig {
    fn default() -> Self {
        Self {
            finetuning_type: FinetuningType::Lora,
            lora: LoraConfig::default(),
            quantization_bit: 4,
            frozen: Vec::new(),
            max_eval_samples: 200,
            replay_share: 0.15,
            skip_bad: false,
            train: TrainingArguments::of_the_paper(),
        }
    }
}
