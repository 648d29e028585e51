//! Model directories on disk, in Hugging Face's and PEFT's layouts. Knows names and shapes, not what they are for.

mod atomic;
mod describe;
mod tensors;
mod write;

pub(crate) use describe::{
    CAUSAL, CLASSIFIER, is_classifier, read_adapter_config, read_config, write_adapter_config, write_config,
};
pub(crate) use tensors::Tensors;

use std::path::Path;

use candle_core::Tensor;

use crate::{LoraConfig, MistralConfig, ModelError};

/// All tensors of a model directory: `model.safetensors`, or the shards that its index names.
pub(crate) fn read_model(directory: &Path) -> Result<Tensors, ModelError> {
    tensors::read(directory, "model")
}

/// Refuses tensors that no part of the decoder took: dropped, they would make another model of it.
pub(crate) fn refuse_unknown(left: &Tensors, config: &MistralConfig) -> Result<(), ModelError> {
    // Frequencies that old checkpoints keep, and the heads that this kind of model does not use here.
    let is_known = |name: &str| match name {
        "lm_head.weight" => config.tie_word_embeddings || is_classifier(config),
        "score.weight" => is_classifier(config),
        _ => name.ends_with(".rotary_emb.inv_freq"),
    };
    let unknown: Vec<&str> = left.names().map(String::as_str).filter(|name| !is_known(name)).collect();
    let Some(first) = unknown.first() else { return Ok(()) };
    let reason = format!("holds {} tensors that no Mistral decoder has, such as `{first}`", unknown.len());
    Err(ModelError::file_with_hint(&left.path, reason, "the model is of another architecture"))
}

/// All tensors of an adapter directory.
pub(crate) fn read_adapter(directory: &Path) -> Result<Tensors, ModelError> {
    tensors::read(directory, "adapter_model")
}

/// Writes weights, `config.json` and `generation_config.json`.
pub(crate) fn write_model(
    directory: &Path,
    config: &MistralConfig,
    architecture: &str,
    tensors: Vec<(String, Tensor)>,
) -> Result<(), ModelError> {
    std::fs::create_dir_all(directory).map_err(ModelError::io(directory))?;
    write_config(directory, config, architecture)?;
    write::tensors(directory, "model", tensors)
}

/// Writes `adapter_model.safetensors` and `adapter_config.json`.
pub(crate) fn write_adapter(
    directory: &Path,
    lora: &LoraConfig,
    base: Option<&str>,
    tensors: Vec<(String, Tensor)>,
) -> Result<(), ModelError> {
    std::fs::create_dir_all(directory).map_err(ModelError::io(directory))?;
    write_adapter_config(directory, lora, base)?;
    write::tensors(directory, "adapter_model", tensors)
}
