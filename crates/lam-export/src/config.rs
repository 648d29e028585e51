//! What an export may be told: names and words of the model card. Knows no model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of an export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExportConfig {
    /// What to write, in this order.
    pub kinds: Vec<Kind>,
    /// Name of the model on its card, such as `LAM4`; "" takes the directory's name.
    pub model_name: String,
    /// The base model as the card and the adapter name it: a hub id, or "" where the model was made from nothing.
    pub base_model: String,
    /// Licence of the exported weights.
    pub license: String,
    /// Languages of the training data.
    pub language: Vec<String>,
    /// Largest absolute difference of two logits at which adapter and merged model count as equal.
    #[schemars(range(min = 0.0, max = 1e6))]
    pub tolerance: f32,
}

impl Default for ExportConfig {
    fn default() -> Self {
        Self {
            kinds: vec![Kind::Merged, Kind::Adapter, Kind::Reward],
            model_name: String::new(),
            base_model: String::new(),
            license: "apache-2.0".to_owned(),
            language: vec!["en".to_owned()],
            tolerance: 1e-4,
        }
    }
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The LoRA adapter in PEFT's on-disk form.
    Adapter,
    /// The whole model, adapter merged.
    Merged,
    /// The reward model as sequence classification.
    Reward,
}

impl Kind {
    /// The word of configurations and directories.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Adapter => "adapter",
            Kind::Merged => "merged",
            Kind::Reward => "reward",
        }
    }
}
