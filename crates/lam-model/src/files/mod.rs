//! Model directories on disk, in Hugging Face's and PEFT's layouts. Knows names and shapes, not what they are for.

mod atomic;
mod describe;
mod model;
mod peft;
mod tensors;
mod write;

pub(crate) use describe::{is_classifier, read_config, write_config};
pub(crate) use model::ModelFiles;
pub(crate) use peft::{
    Adapted, BaseRecord, Change, Part, PeftAdapter, PeftConfig, named_base, write_config as write_adapter_config,
};
pub(crate) use tensors::Tensors;

use std::path::Path;

use candle_core::Tensor;

use crate::{DecoderConfig, ModelError};

/// Writes weights, `config.json` and `generation_config.json`.
pub(crate) fn write_model(
    directory: &Path,
    config: &DecoderConfig,
    architecture: &str,
    tensors: Vec<(String, Tensor)>,
) -> Result<(), ModelError> {
    std::fs::create_dir_all(directory).map_err(ModelError::io(directory))?;
    write_config(directory, config, architecture)?;
    write::tensors(directory, "model", tensors)
}

/// Writes `adapter_model.safetensors`.
pub(crate) fn write_adapter(directory: &Path, tensors: Vec<(String, Tensor)>) -> Result<(), ModelError> {
    std::fs::create_dir_all(directory).map_err(ModelError::io(directory))?;
    write::tensors(directory, "adapter_model", tensors)
}
