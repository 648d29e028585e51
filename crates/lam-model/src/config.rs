//! `config.json` of a model, under Hugging Face's names and with its defaults. Knows no files and no weights.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::keys::{Kind, refuse_other_kinds};
use crate::{Architecture, ModelError};

/// Shape of a decoder. Keys that are not listed are kept and written back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct DecoderConfig {
    /// Which decoder it is.
    pub model_type: Architecture,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width of the feed-forward layers.
    pub intermediate_size: usize,
    /// Number of blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads; divides the query heads. As many as those where null.
    pub num_key_value_heads: usize,
    /// Width of a head; `hidden_size / num_attention_heads` where absent, in Qwen3 128.
    #[serde(default)]
    pub head_dim: Option<usize>,
    /// Rows of the embedding.
    pub vocab_size: usize,
    /// Longest document.
    pub max_position_embeddings: usize,
    /// Base of the rotary frequencies. See [`DecoderConfig::theta`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_theta: Option<f64>,
    /// The newer place of `rope_theta`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rope_parameters: Option<Map<String, Value>>,
    /// Added to the mean square in the norms.
    #[serde(default = "norm_eps")]
    pub rms_norm_eps: f64,
    /// How many positions back a token would see, itself included. Whether it does depends on the architecture: see
    /// [`DecoderConfig::window`].
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
    /// End of text: any of them.
    #[serde(default)]
    pub eos_token_id: Option<TokenIds>,
    /// Padding.
    #[serde(default)]
    pub pad_token_id: Option<u32>,
    /// Everything else.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One token, or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TokenIds {
    /// One.
    One(u32),
    /// Several.
    Several(Vec<u32>),
}

/// Keys whose values are whole numbers, each with the largest that is not nonsense.
const SIZES: [(&str, u64); 8] = [
    ("hidden_size", 1 << 20),
    ("intermediate_size", 1 << 22),
    ("num_hidden_layers", 1 << 12),
    ("num_attention_heads", 1 << 16),
    ("num_key_value_heads", 1 << 16),
    ("head_dim", 1 << 16),
    ("vocab_size", 1 << 24),
    ("max_position_embeddings", 1 << 40),
];
const KEY_VALUE_HEADS: &str = "num_key_value_heads";
/// Keys whose values are numbers.
const NUMBERS: [&str; 3] = ["rope_theta", "rms_norm_eps", "initializer_range"];
/// Further keys whose null means that their default is meant.
const OTHERS: [&str; 3] = ["tie_word_embeddings", "hidden_act", "rope_parameters"];
/// Keys whose values are something else.
const OTHER_KINDS: [(&str, Kind); 12] = [
    ("model_type", Kind::Text),
    ("attention_bias", Kind::Switch),
    ("mlp_bias", Kind::Switch),
    ("use_sliding_window", Kind::Switch),
    ("max_window_layers", Kind::Whole),
    ("layer_types", Kind::List),
    ("hidden_act", Kind::Text),
    ("tie_word_embeddings", Kind::Switch),
    ("rope_parameters", Kind::Table),
    ("bos_token_id", Kind::Id),
    ("eos_token_id", Kind::Ids),
    ("pad_token_id", Kind::Id),
];

impl<'de> Deserialize<'de> for DecoderConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut keys = Map::deserialize(deserializer)?;
        let architecture = named(&keys).map_err(D::Error::custom)?;
        if keys.get(KEY_VALUE_HEADS).is_some_and(Value::is_null) {
            let heads = keys.get("num_attention_heads").cloned().unwrap_or_default();
            keys.insert(KEY_VALUE_HEADS.into(), heads);
        }
        let sizes = SIZES.iter().map(|(key, _)| *key);
        for key in sizes.clone().chain(NUMBERS).chain(OTHERS) {
            if keys.get(key).is_some_and(Value::is_null) {
                keys.shift_remove(key);
            }
        }
        for (key, value) in architecture.into_iter().flat_map(Architecture::defaults) {
            keys.entry(key).or_insert_with(|| json!(value));
        }
        if let (Some(heads), Some(Value::Null)) = (keys.get("num_attention_heads"), keys.get(KEY_VALUE_HEADS)) {
            let heads = heads.clone();
            keys.insert(KEY_VALUE_HEADS.into(), heads);
        }
        // Some configurations say -1 where there is no such token.
        for key in ["bos_token_id", "eos_token_id", "pad_token_id"] {
            if let Some(id) = keys.get_mut(key).filter(|id| id.as_i64().is_some_and(|id| id < 0)) {
                *id = Value::Null;
            }
        }
        let whole = sizes.chain(["sliding_window"]).map(|key| (key, Kind::Whole));
        let numbers = NUMBERS.map(|key| (key, Kind::Number));
        refuse_other_kinds(&keys, whole.chain(numbers).chain(OTHER_KINDS)).map_err(D::Error::custom)?;
        Self::deserialize(Value::Object(keys)).map_err(D::Error::custom)
    }
}

/// The architecture that a config names, if it names one; refuses what is not known.
fn named(keys: &Map<String, Value>) -> Result<Option<Architecture>, String> {
    let Some(name) = keys.get("model_type") else { return Ok(None) };
    let known = Architecture::ALL.into_iter().find(|each| name == each.model_type());
    let shown = || name.as_str().map_or_else(|| name.to_string(), str::to_owned);
    let unknown = || format!("`model_type` = {}: {}", shown(), Architecture::known());
    known.map(Some).ok_or_else(unknown)
}

impl Serialize for DecoderConfig {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut keys = Self::serialize(self, serde_json::value::Serializer).map_err(S::Error::custom)?;
        // Keys of a Mistral: transformers does not understand a Qwen2's null, and a Llama knows no window.
        let absent: &[&str] = match self.model_type {
            Architecture::Mistral => &[],
            Architecture::Llama => &["head_dim", "sliding_window"],
            Architecture::Qwen2 | Architecture::Qwen3 => &["head_dim"],
        };
        if let Some(keys) = keys.as_object_mut() {
            keys.retain(|key, value| !value.is_null() || !absent.contains(&key.as_str()));
        }
        keys.serialize(serializer)
    }
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

impl DecoderConfig {
    /// Width of a head.
    pub fn head_dim(&self) -> usize {
        self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads.max(1))
    }

    /// Base of the rotary frequencies, wherever it stands.
    pub fn theta(&self) -> f64 {
        let newer = self.rotary_keys().and_then(|keys| keys.get("rope_theta")).and_then(Value::as_f64);
        newer.or(self.rope_theta).unwrap_or(10_000.0)
    }

    /// Rotary settings beyond the base, of the older or the newer spelling.
    pub(crate) fn rotary_keys(&self) -> Option<&Map<String, Value>> {
        let older = self.other.get("rope_scaling").and_then(Value::as_object).filter(|keys| !keys.is_empty());
        older.or(self.rope_parameters.as_ref())
    }

    /// The config with its rotary settings in both spellings, if it has more of them than the base.
    pub(crate) fn with_both_spellings(mut self) -> Self {
        let Some(mut keys) = self.rotary_keys().cloned() else { return self };
        let theta = self.theta();
        let kind = keys.shift_remove("type");
        keys.entry("rope_type").or_insert_with(|| kind.unwrap_or_else(|| json!("default")));
        keys.insert("rope_theta".into(), json!(theta));
        self.other.shift_remove("rope_scaling");
        if keys["rope_type"] != "default" {
            let mut older = keys.clone();
            older.shift_remove("rope_theta");
            self.other.insert("rope_scaling".into(), Value::Object(older));
        }
        (self.rope_theta, self.rope_parameters) = (Some(theta), Some(keys));
        self
    }

    /// Number of weights.
    pub fn parameters(&self) -> usize {
        let (d, f, h) = (self.hidden_size, self.intermediate_size, self.head_dim());
        let (queries, keys) = (self.num_attention_heads * h, self.num_key_value_heads * h);
        let biases = if self.model_type.has_biases() { queries + 2 * keys } else { 0 };
        let head_norms = if self.model_type.has_head_norms() { 2 * h } else { 0 };
        let attention = 2 * d * (queries + keys) + biases + head_norms;
        let embeddings = self.vocab_size * d * if self.tie_word_embeddings { 1 } else { 2 };
        embeddings + d + self.num_hidden_layers * (attention + 3 * d * f + 2 * d)
    }

    /// Refuses what this decoder cannot run.
    ///
    /// # Errors
    /// Names the key, its value and what it must be.
    pub fn check(&self) -> Result<(), ModelError> {
        refuse_unless(self.hidden_act == "silu", "hidden_act", &self.hidden_act, "only `silu` is known")?;
        let sizes = [
            self.hidden_size,
            self.intermediate_size,
            self.num_hidden_layers,
            self.num_attention_heads,
            self.num_key_value_heads,
            self.head_dim(),
            self.vocab_size,
            self.max_position_embeddings,
        ];
        for ((key, most), value) in SIZES.into_iter().zip(sizes) {
            let fits = value > 0 && value as u64 <= most;
            refuse_unless(fits, key, value, &format!("must be at least 1, and at most {most}"))?;
        }
        let groups = self.num_attention_heads.is_multiple_of(self.num_key_value_heads);
        refuse_unless(groups, "num_key_value_heads", self.num_key_value_heads, "must divide `num_attention_heads`")?;
        let even = self.head_dim().is_multiple_of(2);
        refuse_unless(even, "head_dim", self.head_dim(), "must be even, and at least 2")?;
        refuse_unless(self.theta() > 0.0, "rope_theta", self.theta(), "must be above 0")?;
        refuse_unless(self.rms_norm_eps >= 0.0, "rms_norm_eps", self.rms_norm_eps, "must not be negative")?;
        refuse_unless(self.sliding_window != Some(0), "sliding_window", 0, "must be at least 1, or null")?;
        let padding = self.pad_token_id.filter(|id| *id as usize >= self.vocab_size);
        refuse_unless(padding.is_none(), "pad_token_id", padding.unwrap_or(0), "must be below `vocab_size`")?;
        let quantised = self.other.get("quantization_config").unwrap_or(&Value::Null);
        refuse_unless(quantised.is_null(), "quantization_config", quantised, &unquantised(quantised))?;
        self.check_window()?;
        self.check_architecture()?;
        self.rotary().map(drop)
    }

    /// Refuses what the architecture has in transformers and not here, and what it has not in transformers.
    fn check_architecture(&self) -> Result<(), ModelError> {
        let biases: &[&'static str] = match self.model_type {
            Architecture::Llama => &["attention_bias", "mlp_bias"],
            Architecture::Qwen3 => &["attention_bias"],
            Architecture::Mistral | Architecture::Qwen2 => &[],
        };
        for key in biases {
            let asked = self.other.get(*key).unwrap_or(&Value::Null);
            refuse_unless(
                *asked != Value::Bool(true),
                key,
                asked,
                "only Qwen2 has biases here, beside queries, keys and values",
            )?;
        }
        let whole = self.model_type != Architecture::Llama || self.hidden_size.is_multiple_of(self.num_attention_heads);
        refuse_unless(whole, "hidden_size", self.hidden_size, "must be a multiple of `num_attention_heads` in a Llama")
    }
}

/// What to take instead of weights that another program quantised.
fn unquantised(quantised: &Value) -> String {
    match quantised["quant_method"].as_str() {
        None => "weights are taken as they lie in the files: save the model unquantised; if they are, take the key out"
            .into(),
        Some(method) => format!(
            "`{method}` weights cannot be read: name the model that they were made of, which `finetuning_type = \"qlora\"` \
             quantises, or its GGUF file in Q4_K_M, Q4_0 or Q8_0; if they are not quantised, take the key out"
        ),
    }
}

pub(crate) fn refuse_unless(
    fine: bool,
    key: &'static str,
    value: impl ToString,
    reason: &str,
) -> Result<(), ModelError> {
    if fine { Ok(()) } else { Err(ModelError::Config { key, value: value.to_string(), reason: reason.into() }) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small config with more keys, checked.
    pub(crate) fn config(more: Value) -> Result<DecoderConfig, String> {
        let mut keys = json!({
            "model_type": "mistral", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 4, "vocab_size": 50, "num_key_value_heads": 2,
        });
        keys.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let config: DecoderConfig = serde_json::from_value(keys).map_err(|error| error.to_string())?;
        config.check().map_err(|error| error.to_string())?;
        Ok(config)
    }

    #[test]
    fn absent_and_null_keys_take_the_defaults_of_transformers() {
        let absent = config(json!({})).unwrap();
        assert_eq!(
            (absent.sliding_window, absent.max_position_embeddings, absent.rms_norm_eps),
            (Some(4096), 131_072, 1e-6)
        );
        let null = config(json!({
            "sliding_window": null, "num_key_value_heads": null, "head_dim": null, "rope_theta": null,
            "rms_norm_eps": null, "max_position_embeddings": null, "tie_word_embeddings": null, "hidden_act": null,
            "rope_scaling": null, "rope_parameters": null, "eos_token_id": null, "other": null,
            "layer_types": null, "quantization_config": null,
        }))
        .unwrap();
        assert_eq!((null.sliding_window, null.num_key_value_heads, null.head_dim(), null.theta()), (None, 4, 8, 1e4));
        assert_eq!(
            DecoderConfig { sliding_window: Some(4096), num_key_value_heads: 2, other: Map::new(), ..null },
            absent
        );
    }

    #[test]
    fn values_that_make_no_sense_are_refused_by_key() {
        for (more, words) in [
            (json!({ "hidden_size": "x" }), "`hidden_size` = \"x\": must be a whole number"),
            (json!({ "num_hidden_layers": 0 }), "`num_hidden_layers` = 0: must be at least 1"),
            (json!({ "vocab_size": u64::MAX }), "must be at least 1, and at most"),
            (json!({ "num_attention_heads": -4 }), "`num_attention_heads` = -4"),
            (json!({ "eos_token_id": "</s>" }), "`eos_token_id` = \"</s>\": must be a token's id, or a list of them"),
            (json!({ "eos_token_id": [2, -1] }), "`eos_token_id` = [2,-1]: must be"),
            (json!({ "bos_token_id": [1] }), "`bos_token_id` = [1]: must be a token's id"),
            (json!({ "pad_token_id": 50 }), "`pad_token_id` = 50: must be below `vocab_size`"),
            (json!({ "tie_word_embeddings": "false" }), "`tie_word_embeddings` = \"false\": must be true or false"),
            (json!({ "rope_parameters": [] }), "`rope_parameters` = []: must be an object"),
            (json!({ "layer_types": ["sliding_attention", "full_attention"] }), "`layer_types`"),
            (json!({ "layer_types": ["sliding_attention"], "sliding_window": null }), "`layer_types`"),
            (json!({ "quantization_config": { "bits": 4 } }), "`quantization_config`"),
            (
                json!({ "quantization_config": { "quant_method": "gptq" } }),
                "`gptq` weights cannot be read: name the model",
            ),
            (json!({ "quantization_config": { "quant_method": "awq" } }), "or its GGUF file in Q4_K_M"),
            (json!({ "rope_theta": -1.0 }), "`rope_theta`"),
            (json!({ "rms_norm_eps": "1e-5" }), "`rms_norm_eps` = \"1e-5\": must be a number"),
            (json!({ "hidden_size": null }), "missing field `hidden_size`"),
        ] {
            let error = config(more).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
