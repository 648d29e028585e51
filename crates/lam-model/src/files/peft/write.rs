//! `adapter_config.json` as PEFT writes it, from the pairs that a decoder carries.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::super::describe::write_json;
use crate::layout::{MODULES, linear_name};
use crate::{LoraConfig, ModelError};

/// An adapted layer.
pub(crate) struct Adapted {
    /// Its name.
    pub(crate) module: String,
    /// Rank of its pair.
    pub(crate) rank: usize,
    /// Numerator of the pair's scale.
    pub(crate) alpha: f64,
}

/// The base as a config names it: by a path or a name on the hub, and there by the state that is meant.
#[derive(Clone, Copy, Default)]
pub(crate) struct NamedBase<'a> {
    pub(crate) name: Option<&'a str>,
    pub(crate) revision: Option<&'a str>,
}

/// Writes `adapter_config.json` with every key that PEFT writes.
pub(crate) fn write_config(
    directory: &Path,
    lora: &LoraConfig,
    (adapted, layers): (&[Adapted], usize),
    base: NamedBase<'_>,
) -> Result<(), ModelError> {
    let pattern = |differs: &dyn Fn(&Adapted) -> Option<Value>| -> Map<String, Value> {
        adapted.iter().filter_map(|layer| Some((layer.module.clone(), differs(layer)?))).collect()
    };
    let value = json!({
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "inference_mode": true,
        "base_model_name_or_path": base.name, "revision": base.revision,
        "r": lora.lora_r, "lora_alpha": lora.lora_alpha, "lora_dropout": lora.lora_dropout,
        "bias": "none", "fan_in_fan_out": false, "init_lora_weights": true,
        "target_modules": targets(adapted, layers),
        "modules_to_save": null, "use_rslora": lora.use_rslora, "use_dora": false,
        "rank_pattern": pattern(&|layer| (layer.rank != lora.lora_r).then(|| layer.rank.into())),
        "alpha_pattern": pattern(&|layer| (layer.alpha != lora.lora_alpha).then(|| layer.alpha.into())),
        "layers_to_transform": null, "layers_pattern": null, "exclude_modules": null, "layer_replication": null,
        "lora_bias": false, "trainable_token_indices": null, "target_parameters": null,
        "loftq_config": {}, "eva_config": null, "corda_config": null,
        "megatron_config": null, "megatron_core": "megatron.core",
    });
    write_json(&directory.join("adapter_config.json"), &value)
}

/// The modules' names where every layer is adapted alike, else each layer's whole name.
fn targets(adapted: &[Adapted], layers: usize) -> Vec<String> {
    let has = |layer, module: &str| adapted.iter().any(|each| each.module == linear_name(layer, module));
    let modules: Vec<&str> = MODULES.into_iter().filter(|module| (0..layers).all(|layer| has(layer, module))).collect();
    if modules.len() * layers == adapted.len() {
        modules.into_iter().map(str::to_owned).collect()
    } else {
        adapted.iter().map(|each| each.module.clone()).collect()
    }
}
