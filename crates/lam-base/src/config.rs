//! What the base stage may be told.

use lam_model::{Induction, Initialization};
use lam_prompt::TokenizerConfig;
use lam_trainer::TrainingArguments;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of the base stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BaseConfig {
    /// A pretrained model to take instead of making one: a directory in Hugging Face layout, or `OWNER/NAME[@REVISION]`
    /// on the hub, which is fetched before this stage sees it.
    pub model_name_or_path: Option<String>,
    /// A directory with an adapter in PEFT's form over that model: it is merged into the weights that are taken.
    pub adapter_name_or_path: Option<String>,
    /// Shape of the model that is made: a configuration in Hugging Face's form, or the name of a shipped one.
    pub model_config: String,
    /// How its weights start: `induction` (heads that copy and look up from the first step on) or `normal`.
    pub initialization: Initialization,
    /// Environment whose words the tokenizer learns and whose documentation is read.
    pub environment: String,
    /// Entries of the documentation's log-like sources that are read.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub documentation_entries: usize,
    /// Size of the tokenizer.
    pub tokenizer: TokenizerConfig,
    /// Shares of the batches.
    pub mixture: Mixture,
    /// Fewest controls on a synthetic screen.
    #[schemars(range(min = 1, max = 10_000))]
    pub min_controls: usize,
    /// Most controls on a synthetic screen.
    #[schemars(range(min = 1, max = 10_000))]
    pub max_controls: usize,
    /// Most steps a synthetic request spells out.
    #[schemars(range(min = 1, max = 1_000))]
    pub max_steps: usize,
    /// Synthetic examples kept in a file, so that later stages can mix them in and nothing is forgotten.
    #[schemars(range(min = 0, max = 10_000_000))]
    pub replay_examples: usize,
    /// The training loop; `max_tokens` says how long.
    pub train: TrainingArguments,
}

/// Shares of the batches; they are normalised to sum to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mixture {
    /// Spelled-out instructions in the form of real answers.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub instructions: f64,
    /// Pairs to look up.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub look_up: f64,
    /// Spans to repeat.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub spans: f64,
    /// Documentation text.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub text: f64,
}

impl Default for Mixture {
    fn default() -> Self {
        Self { instructions: 0.5, look_up: 0.15, spans: 0.15, text: 0.2 }
    }
}

impl Default for BaseConfig {
    fn default() -> Self {
        Self {
            model_name_or_path: None,
            adapter_name_or_path: None,
            model_config: "nano-2m".into(),
            initialization: Initialization::Induction(Induction::default()),
            environment: "sim".into(),
            documentation_entries: 500,
            // What the embedded editor names is 2,570 entries.
            tokenizer: TokenizerConfig { vocab_size: 2816, ..TokenizerConfig::default() },
            mixture: Mixture::default(),
            min_controls: 6,
            max_controls: 30,
            max_steps: 4,
            replay_examples: 4000,
            train: TrainingArguments {
                learning_rate: 2e-3,
                adam_beta2: 0.98,
                weight_decay: 0.01,
                warmup_steps: 30,
                max_tokens: 1_000_000,
                max_tokens_per_batch: 4096,
                per_device_train_batch_size: 4096,
                max_length: 512,
                lr_scheduler_type: lam_trainer::SchedulerType::ConstantWithWarmup,
                ..TrainingArguments::default()
            },
        }
    }
}
