//! The JSON files beside the weights: `config.json`, `generation_config.json`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::atomic;
use crate::{DecoderConfig, ModelError, Precision};

/// The key that says how weights are stored, as it was named before and as it is now.
const DTYPE_KEYS: [&str; 2] = ["torch_dtype", "dtype"];

/// Whether the config describes a model that scores a sequence instead of continuing it.
pub(crate) fn is_classifier(config: &DecoderConfig) -> bool {
    architectures(config).any(|name| name == config.model_type.classifier())
}

fn architectures(config: &DecoderConfig) -> impl Iterator<Item = &str> {
    config.other.get("architectures").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Reads and checks `config.json`.
pub(crate) fn read_config(directory: &Path) -> Result<DecoderConfig, ModelError> {
    let path = directory.join("config.json");
    let text = std::fs::read_to_string(&path).map_err(ModelError::io(&path))?;
    let config: DecoderConfig = serde_json::from_str(&text).map_err(|error| ModelError::file(&path, error))?;
    config.check().map_err(|error| error.in_file(&path))?;
    let (causal, classifier) = (config.model_type.causal(), config.model_type.classifier());
    if let Some(other) = architectures(&config).find(|name| ![causal, classifier].contains(name)) {
        let kind = config.model_type.model_type();
        let reason = format!("architecture `{other}` is unknown for `{kind}`; known are `{causal}` and `{classifier}`");
        return Err(ModelError::file(&path, reason));
    }
    Ok(config)
}

impl DecoderConfig {
    /// How it says that the weights beside it are stored: bf16, or f32, which stands for everything else.
    pub fn stored_in(&self) -> Precision {
        let said = DTYPE_KEYS.iter().find_map(|key| self.other.get(*key).and_then(Value::as_str));
        if said == Some("bfloat16") { Precision::Bf16 } else { Precision::F32 }
    }
}

/// Writes `config.json` and `generation_config.json`; the weights beside them have this precision.
pub(crate) fn write_config(
    directory: &Path,
    config: &DecoderConfig,
    architecture: &str,
    precision: Precision,
) -> Result<(), ModelError> {
    let mut config = config.clone().with_both_spellings();
    config.other.insert("architectures".into(), json!([architecture]));
    let dtype = if precision == Precision::Bf16 { "bfloat16" } else { "float32" };
    for key in DTYPE_KEYS {
        if key == "torch_dtype" || config.other.contains_key(key) {
            config.other.insert(key.into(), json!(dtype));
        }
    }
    write_json(&directory.join("config.json"), &config)?;
    let ids = [
        ("bos_token_id", json!(config.bos_token_id)),
        ("eos_token_id", json!(config.eos_token_id)),
        ("pad_token_id", json!(config.pad_token_id)),
    ];
    let known = ids.into_iter().filter(|(_, id)| !id.is_null()).map(|(key, id)| (key.to_string(), id));
    let mut generation: Map<String, Value> = known.collect();
    generation.insert("_from_model_config".into(), json!(true));
    write_json(&directory.join("generation_config.json"), &generation)
}

/// Writes JSON for people to read.
pub(super) fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), ModelError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| ModelError::file(path, error))?;
    atomic::write(path, format!("{text}\n").as_bytes())
}
