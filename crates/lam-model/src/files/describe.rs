//! The JSON files beside the weights: `config.json`, `generation_config.json`, `adapter_config.json`.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::atomic;
use crate::{LoraConfig, MistralConfig, ModelError, TargetModules};

/// A model that continues a text.
pub(crate) const CAUSAL: &str = "MistralForCausalLM";
/// A model that scores a sequence.
pub(crate) const CLASSIFIER: &str = "MistralForSequenceClassification";

/// Whether the config describes a model that scores a sequence instead of continuing it.
pub(crate) fn is_classifier(config: &MistralConfig) -> bool {
    architectures(config).any(|name| name == CLASSIFIER)
}

fn architectures(config: &MistralConfig) -> impl Iterator<Item = &str> {
    config.other.get("architectures").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

/// Reads and checks `config.json`.
pub(crate) fn read_config(directory: &Path) -> Result<MistralConfig, ModelError> {
    let path = directory.join("config.json");
    let text = std::fs::read_to_string(&path).map_err(ModelError::io(&path))?;
    let config: MistralConfig = serde_json::from_str(&text).map_err(|error| ModelError::file(&path, error))?;
    config.check()?;
    if let Some(other) = architectures(&config).find(|name| ![CAUSAL, CLASSIFIER].contains(name)) {
        let reason = format!("architecture `{other}` is unknown; known are `{CAUSAL}` and `{CLASSIFIER}`");
        return Err(ModelError::file(&path, reason));
    }
    Ok(config)
}

/// Writes `config.json` and `generation_config.json`; the weights beside them are f32.
pub(crate) fn write_config(directory: &Path, config: &MistralConfig, architecture: &str) -> Result<(), ModelError> {
    let mut config = config.clone().with_both_spellings();
    config.other.insert("architectures".into(), json!([architecture]));
    for key in ["torch_dtype", "dtype"] {
        if key == "torch_dtype" || config.other.contains_key(key) {
            config.other.insert(key.into(), json!("float32"));
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

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), ModelError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| ModelError::file(path, error))?;
    atomic::write(path, format!("{text}\n").as_bytes())
}

/// Reads `adapter_config.json`.
pub(crate) fn read_adapter_config(directory: &Path) -> Result<LoraConfig, ModelError> {
    let path = directory.join("adapter_config.json");
    let text = std::fs::read_to_string(&path).map_err(ModelError::io(&path))?;
    let value: Map<String, Value> = serde_json::from_str(&text).map_err(|error| ModelError::file(&path, error))?;
    refuse_unknown_forms(&path, &value)?;
    let number = |key: &str, default: f64| value.get(key).and_then(Value::as_f64).unwrap_or(default);
    let modules = value.get("target_modules").cloned().unwrap_or(Value::Null);
    let modules: TargetModules = serde_json::from_value(modules)
        .map_err(|_| ModelError::file(&path, "`target_modules` must be a list of names, or `all-linear`"))?;
    let lora = LoraConfig {
        lora_r: number("r", 8.0) as usize,
        lora_alpha: number("lora_alpha", 8.0),
        lora_dropout: number("lora_dropout", 0.0),
        lora_target_modules: last_parts(modules),
        use_rslora: value.get("use_rslora").and_then(Value::as_bool).unwrap_or(false),
    };
    lora.modules()?;
    Ok(lora)
}

/// Module names without the path before them: PEFT writes out the paths of every layer for `all-linear`.
fn last_parts(modules: TargetModules) -> TargetModules {
    let TargetModules::List(paths) = modules else { return modules };
    let last = |path: &String| path.rsplit('.').next().unwrap_or(path).to_string();
    TargetModules::List(paths.iter().map(last).collect::<std::collections::BTreeSet<_>>().into_iter().collect())
}

/// Refuses what would change the adapter's meaning and is not known here.
fn refuse_unknown_forms(path: &Path, value: &Map<String, Value>) -> Result<(), ModelError> {
    let kind = value.get("peft_type").and_then(Value::as_str).unwrap_or("LORA");
    if kind != "LORA" {
        return Err(ModelError::file(path, format!("`peft_type` = {kind}; only LORA is known")));
    }
    let keys =
        ["use_dora", "rank_pattern", "alpha_pattern", "layers_to_transform", "modules_to_save", "target_parameters"];
    for key in keys {
        let empty = match value.get(key) {
            None | Some(Value::Null | Value::Bool(false)) => true,
            Some(Value::Object(map)) => map.is_empty(),
            Some(Value::Array(list)) => list.is_empty(),
            Some(_) => false,
        };
        if !empty {
            return Err(ModelError::file(path, format!("`{key}` = {}; this form is not known", value[key])));
        }
    }
    Ok(())
}

/// Writes `adapter_config.json` with every key that PEFT writes.
pub(crate) fn write_adapter_config(directory: &Path, lora: &LoraConfig, base: Option<&str>) -> Result<(), ModelError> {
    let value = json!({
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "inference_mode": true,
        "base_model_name_or_path": base, "revision": null,
        "r": lora.lora_r, "lora_alpha": lora.lora_alpha, "lora_dropout": lora.lora_dropout,
        "bias": "none", "fan_in_fan_out": false, "init_lora_weights": true,
        "target_modules": lora.modules()?,
        "modules_to_save": null, "use_rslora": lora.use_rslora, "use_dora": false,
        "rank_pattern": {}, "alpha_pattern": {},
        "layers_to_transform": null, "layers_pattern": null, "exclude_modules": null, "layer_replication": null,
        "lora_bias": false, "trainable_token_indices": null, "target_parameters": null,
        "loftq_config": {}, "eva_config": null, "corda_config": null,
        "megatron_config": null, "megatron_core": "megatron.core",
    });
    write_json(&directory.join("adapter_config.json"), &value)
}
