//! What an export may be told: names and words of the model card. Knows no model.

use lam_gguf::FileType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Configuration of an export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExportConfig {
    /// What to write, in this order.
    pub kinds: Vec<Kind>,
    /// How the matrices of a GGUF file are stored.
    pub gguf_type: GgufType,
    /// Name of the model on its card, such as `LAM4`; "" takes the directory's name.
    pub model_name: String,
    /// The base model as the card names it, and the adapter where it stands on just that: `OWNER/NAME` on the hub, with
    /// `@REVISION` where another state than the newest is meant. "" takes what the run's manifests or the hub's cache say.
    pub base_model: String,
    /// Licence of the exported weights, by its name on the hub; "" takes the base's, where its card or config says one, and
    /// is `unknown` elsewhere.
    pub license: String,
    /// Data sets on the hub that the model was trained on, for the card.
    pub datasets: Vec<String>,
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
            gguf_type: GgufType::default(),
            model_name: String::new(),
            base_model: String::new(),
            license: String::new(),
            datasets: Vec::new(),
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
    /// The whole model, adapter merged, as one GGUF file with an Ollama Modelfile.
    Gguf,
}

/// How the matrices of a GGUF file are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum GgufType {
    /// 16-bit floats.
    #[default]
    #[serde(rename = "f16")]
    F16,
    /// 8 bits a number, with a scale for each 32.
    #[serde(rename = "q8_0")]
    Q8,
    /// 4 bits a number, with a scale and a minimum for each 32, in rows of a multiple of 256; tables in 8 bits.
    #[serde(rename = "q4_k")]
    Q4K,
}

impl GgufType {
    /// The type of file.
    pub fn file_type(self) -> FileType {
        match self {
            Self::F16 => FileType::F16,
            Self::Q8 => FileType::Q8_0,
            Self::Q4K => FileType::Q4K,
        }
    }
}

impl Kind {
    /// The word of configurations and directories.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Adapter => "adapter",
            Kind::Merged => "merged",
            Kind::Reward => "reward",
            Kind::Gguf => "gguf",
        }
    }
}
