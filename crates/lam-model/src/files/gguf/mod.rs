//! A GGUF file as a model's files: its config, and its tensors under Hugging Face's names; and written of them.

pub(crate) mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use lam_gguf::{FACTORS, Gguf, OTHER_MODEL, Tensor, hugging_face};
use serde_json::Value;

use crate::backend::storage::span::{FileSpan, WeightFile};
use crate::{DecoderConfig, ModelError};

/// Reads and checks the config.
pub(super) fn read_config(gguf: &Gguf) -> Result<DecoderConfig, ModelError> {
    let keys = Value::Object(gguf.config()?);
    let config: DecoderConfig = serde_json::from_value(keys).map_err(|error| ModelError::file(&gguf.path, error))?;
    config.check().map_err(|error| error.in_file(&gguf.path))?;
    Ok(config)
}

/// Tensors by Hugging Face's names, with whether llama.cpp lays their rows otherwise.
fn named(gguf: &Gguf) -> Result<BTreeMap<String, (&Tensor, bool)>, ModelError> {
    let mut named = BTreeMap::new();
    // The factors are what the config says of the rotary frequencies.
    for tensor in gguf.tensors.iter().filter(|tensor| tensor.name != FACTORS) {
        let Some(name) = hugging_face(&tensor.name) else {
            let reason = format!("tensor `{}` is none of a model that is known here", tensor.name);
            return Err(ModelError::file_with_hint(&gguf.path, reason, OTHER_MODEL));
        };
        named.insert(name.tensor, (tensor, name.is_rotated));
    }
    Ok(named)
}

/// Names and shapes.
pub(super) fn shapes(gguf: &Gguf) -> Result<BTreeMap<String, Vec<usize>>, ModelError> {
    Ok(named(gguf)?.into_iter().map(|(name, (tensor, _))| (name, tensor.shape.clone())).collect())
}

/// Where each tensor lies.
pub(super) fn spans(gguf: &Gguf, config: &DecoderConfig) -> Result<Vec<(String, FileSpan)>, ModelError> {
    let file = Arc::new(WeightFile::open(&gguf.path)?);
    let interleaves = gguf.interleaves_heads()?;
    let span = |(name, (tensor, is_rotated)): (String, (&Tensor, bool))| {
        let keys = name.contains(".k_proj.");
        let heads = if keys { config.num_key_value_heads } else { config.num_attention_heads };
        let span = FileSpan {
            file: file.clone(),
            name: tensor.name.clone(),
            format: tensor.format,
            shape: tensor.shape.clone(),
            start: tensor.start,
            interleaved: (interleaves && is_rotated).then_some(heads),
        };
        (name, span)
    };
    Ok(named(gguf)?.into_iter().map(span).collect())
}
