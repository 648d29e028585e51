//! Models on disk, in Hugging Face's and PEFT's layouts, and in GGUF. Knows names and shapes, not what they are for.

mod atomic;
mod describe;
mod gguf;
mod model;
mod peft;
mod tensors;
mod write;

pub(crate) use describe::{is_classifier, read_config, write_config};
pub(crate) use gguf::write::write as write_gguf;
pub(crate) use model::ModelFiles;
pub(crate) use peft::{
    Adapted, BaseRecord, Change, NamedBase, Part, PeftAdapter, PeftConfig, named_base,
    write_config as write_adapter_config,
};
pub(crate) use tensors::Tensors;

use std::path::Path;

use safetensors::View;

use crate::backend::storage::weight::Weight;
use crate::{DecoderConfig, ModelError, Precision};

/// Writes weights in the given precision, one in memory at a time, `config.json` and `generation_config.json`.
pub(crate) fn write_model<'w>(
    directory: &Path,
    (config, architecture, precision): (&DecoderConfig, &str, Precision),
    weights: impl Iterator<Item = &'w Weight>,
) -> Result<(), ModelError> {
    std::fs::create_dir_all(directory).map_err(ModelError::io(directory))?;
    write_config(directory, config, architecture, precision)?;
    write::weights(directory, "model", weights, precision)
}

/// Writes a model that continues texts, of weights in the given precision that give their bytes when they are written.
pub(crate) fn write_views<V: View>(
    directory: &Path,
    (config, precision): (&DecoderConfig, Precision),
    views: Vec<(String, V)>,
) -> Result<(), ModelError> {
    std::fs::create_dir_all(directory).map_err(ModelError::io(directory))?;
    write_config(directory, config, config.model_type.causal(), precision)?;
    write::views(directory, "model", views)
}

/// Writes `adapter_model.safetensors`, in f32.
pub(crate) fn write_adapter<'w>(directory: &Path, weights: impl Iterator<Item = &'w Weight>) -> Result<(), ModelError> {
    std::fs::create_dir_all(directory).map_err(ModelError::io(directory))?;
    write::weights(directory, "adapter_model", weights, Precision::F32)
}
