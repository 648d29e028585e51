//! `config.json` of a Mistral model, under Hugging Face's names. Knows no files and no weights.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ModelError;

/// Shape of a Mistral decoder. Keys that are not listed are kept and written back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MistralConfig {
    /// Must be `mistral`.
    pub model_type: String,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the feed-forward layers.
    pub intermediate_size: usize,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; divides the query heads.
    #[serde(default = "eight")]
    pub num_key_value_heads: usize,
    /// Width of a head; `hidden_size / num_attention_heads` where absent.
    #[serde(default)]
    pub head_dim: Option<usize>,
    /// Rows of the embedding.
    pub vocab_size: usize,
    /// Longest document.
    #[serde(default = "positions")]
    pub max_position_embeddings: usize,
    /// Base of the rotary frequencies. See [`MistralConfig::theta`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_theta: Option<f64>,
    /// The newer place of `rope_theta`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_parameters: Option<Map<String, Value>>,
    /// Added to the mean square in the norms.
    #[serde(default = "norm_eps")]
    pub rms_norm_eps: f64,
    /// How many positions back a token sees, itself included; all where absent.
    #[serde(default)]
    pub sliding_window: Option<usize>,
    /// Whether the output layer is the embedding.
    #[serde(default)]
    pub tie_word_embeddings: bool,
    /// Deviation of fresh weights.
    #[serde(default = "initializer")]
    pub initializer_range: f64,
    /// Must be `silu`.
    #[serde(default = "silu")]
    pub hidden_act: String,
    /// Begin of text.
    #[serde(default)]
    pub bos_token_id: Option<u32>,
    /// End of text.
    #[serde(default)]
    pub eos_token_id: Option<u32>,
    /// Padding.
    #[serde(default)]
    pub pad_token_id: Option<u32>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

fn eight() -> usize {
    8
}
fn positions() -> usize {
    4096 * 32
}
fn norm_eps() -> f64 {
    1e-6
}
fn initializer() -> f64 {
    0.02
}
fn silu() -> String {
    "silu".into()
}

impl MistralConfig {
    /// Width of a head.
    pub fn head_dim(&self) -> usize {
        self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads.max(1))
    }

    /// Base of the rotary frequencies, from `rope_parameters` or `rope_theta`.
    pub fn theta(&self) -> f64 {
        let newer = self.rope_parameters.as_ref().and_then(|map| map.get("rope_theta")).and_then(Value::as_f64);
        newer.or(self.rope_theta).unwrap_or(10_000.0)
    }

    /// Number of weights.
    pub fn parameters(&self) -> usize {
        let (d, f, h) = (self.hidden_size, self.intermediate_size, self.head_dim());
        let attention = 2 * d * h * (self.num_attention_heads + self.num_key_value_heads);
        let embeddings = self.vocab_size * d * if self.tie_word_embeddings { 1 } else { 2 };
        embeddings + d + self.num_hidden_layers * (attention + 3 * d * f + 2 * d)
    }

    /// Refuses what this decoder cannot run.
    ///
    /// # Errors
    /// Names the key, its value and what it must be.
    pub fn check(&self) -> Result<(), ModelError> {
        refuse_unless(self.model_type == "mistral", "model_type", &self.model_type, "only `mistral` is known")?;
        refuse_unless(self.hidden_act == "silu", "hidden_act", &self.hidden_act, "only `silu` is known")?;
        let sizes = [
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.num_hidden_layers),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.num_key_value_heads),
            ("vocab_size", self.vocab_size),
            ("max_position_embeddings", self.max_position_embeddings),
        ];
        for (key, value) in sizes {
            refuse_unless(value > 0, key, value, "must be at least 1")?;
        }
        let groups = self.num_attention_heads.is_multiple_of(self.num_key_value_heads);
        refuse_unless(groups, "num_key_value_heads", self.num_key_value_heads, "must divide `num_attention_heads`")?;
        let even = self.head_dim() > 0 && self.head_dim().is_multiple_of(2);
        refuse_unless(even, "head_dim", self.head_dim(), "must be even, and at least 2")?;
        refuse_unless(self.theta() > 0.0, "rope_theta", self.theta(), "must be above 0")?;
        refuse_unless(self.rms_norm_eps >= 0.0, "rms_norm_eps", self.rms_norm_eps, "must not be negative")?;
        refuse_unless(self.sliding_window != Some(0), "sliding_window", 0, "must be at least 1, or null")?;
        self.check_rope()
    }

    fn check_rope(&self) -> Result<(), ModelError> {
        let scaled = self.other.get("rope_scaling").is_some_and(|value| !value.is_null());
        refuse_unless(!scaled, "rope_scaling", "(set)", "scaled rotary positions are not known")?;
        let kind = self.rope_parameters.as_ref().and_then(|map| map.get("rope_type")).and_then(Value::as_str);
        let kind = kind.unwrap_or("default");
        refuse_unless(kind == "default", "rope_parameters.rope_type", kind, "only `default` is known")
    }
}

fn refuse_unless(fine: bool, key: &'static str, value: impl ToString, reason: &str) -> Result<(), ModelError> {
    if fine { Ok(()) } else { Err(ModelError::Config { key, value: value.to_string(), reason: reason.into() }) }
}
