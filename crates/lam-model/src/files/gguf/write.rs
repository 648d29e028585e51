//! A model's weights as a GGUF file: some rows of one in memory at a time.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use lam_gguf::{FACTORS, FileType, Format, Outline, Planned, Value, describe, llama_cpp};
use serde_json::Value as Json;

use super::super::atomic;
use crate::backend::storage::span::NUMBERS;
use crate::backend::storage::stored::stored;
use crate::backend::storage::weight::Weight;
use crate::{DecoderConfig, ModelError};

/// Why a file stays unfinished.
enum Failed {
    Io(io::Error),
    Model(ModelError),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ModelError> for Failed {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
    }
}

/// A tensor that is to be written: a weight, with the heads whose rows are laid in llama.cpp's order.
struct Source<'w> {
    weight: &'w Weight,
    heads: Option<usize>,
}

/// Writes the file. `more` are keys beside those of the model's shape.
pub(crate) fn write<'w>(
    path: &Path,
    config: &DecoderConfig,
    weights: impl Iterator<Item = &'w Weight>,
    file_type: FileType,
    more: BTreeMap<String, Value>,
) -> Result<(), ModelError> {
    let described = describe(path, &keys_of(path, config)?, file_type)?;
    let mut sources = BTreeMap::new();
    let mut tensors = Vec::new();
    if let Some(factors) = &described.factors {
        tensors.push(Planned { name: FACTORS.into(), shape: vec![factors.len()], format: Format::F32 });
    }
    for weight in weights {
        let name = llama_cpp(&weight.name)
            .ok_or_else(|| ModelError::file(path, format!("llama.cpp has no name for tensor `{}`", weight.name)))?;
        let is_rotated = lam_gguf::hugging_face(&name).is_some_and(|name| name.is_rotated);
        let keys = weight.name.contains(".k_proj.");
        let heads = if keys { config.num_key_value_heads } else { config.num_attention_heads };
        let heads = Some(heads).filter(|_| described.interleaves_heads && is_rotated);
        let shape = weight.shape();
        tensors.push(Planned { name: name.clone(), format: file_type.format(&name, &shape), shape });
        sources.insert(name, Source { weight, heads });
    }
    if file_type == FileType::Q4K && tensors.iter().all(|tensor| tensor.format != Format::Q4K) {
        let reason = "no layer of this model has rows of a multiple of 256 numbers, which Q4_K is made of";
        return Err(ModelError::file_with_hint(path, reason, "write it as Q8_0, or as F16"));
    }
    let outline = Outline { metadata: more.into_iter().chain(described.metadata).collect(), tensors };
    atomic::write_with(path, |partial| {
        let file = File::create(partial).map_err(ModelError::io(partial))?;
        let numbers = |tensor: &Planned, out: &mut dyn Write| match sources.get(&tensor.name) {
            Some(source) => source.write(path, tensor, out),
            None => {
                let mut factors = described.factors.iter().flatten();
                factors.try_for_each(|factor| out.write_all(&factor.to_le_bytes())).map_err(Failed::Io)
            }
        };
        outline.write(BufWriter::new(file), numbers).map_err(|failed| match failed {
            Failed::Io(source) => ModelError::io(partial)(source),
            Failed::Model(error) => error,
        })
    })
}

/// The config as the file says it. llama.cpp lets every token see everything, so that a window ends the context.
fn keys_of(path: &Path, config: &DecoderConfig) -> Result<serde_json::Map<String, Json>, ModelError> {
    let seen = config.window().unwrap_or(usize::MAX);
    let mut config = config.clone().with_both_spellings();
    config.max_position_embeddings = config.max_position_embeddings.min(seen);
    config.head_dim = Some(config.head_dim());
    match serde_json::to_value(&config) {
        Ok(Json::Object(keys)) => Ok(keys),
        Ok(_) => unreachable!("a config is written as an object"),
        Err(error) => Err(ModelError::file(path, error)),
    }
}

impl Source<'_> {
    fn write(&self, path: &Path, tensor: &Planned, out: &mut dyn Write) -> Result<(), Failed> {
        let width = tensor.shape.last().copied().unwrap_or(1).max(1);
        let rows = self.weight.len() / width;
        // Of rotated rows, whole heads.
        let unit = self.heads.map_or(1, |heads| rows / heads);
        let step = (NUMBERS * 4 / width / unit).max(1) * unit;
        for first in (0..rows).step_by(step) {
            let part = first..rows.min(first + step);
            let mut values = self.weight.rows(part.clone())?;
            if self.heads.is_some() {
                values = interleaved(&values, width, unit);
            }
            out.write_all(&stored(&values, tensor.format).map_err(|reason| {
                let reason = format!("tensor `{}`, rows {}: {reason}", self.weight.name, shown(&part));
                ModelError::file_with_hint(path, reason, "write it as Q8_0, which keeps a scale for each 32 numbers")
            })?)?;
        }
        Ok(())
    }
}

fn shown(rows: &Range<usize>) -> String {
    format!("{} to {}", rows.start, rows.end.saturating_sub(1))
}

/// Rows of whole heads of `dim` rows, the two halves of each interleaved.
fn interleaved(values: &[f32], width: usize, dim: usize) -> Vec<f32> {
    let mut laid = Vec::with_capacity(values.len());
    for head in values.chunks_exact(dim * width) {
        let (first, second) = head.split_at(head.len() / 2);
        let pairs = first.chunks_exact(width).zip(second.chunks_exact(width));
        pairs.for_each(|(first, second)| laid.extend(first.iter().chain(second)));
    }
    laid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_head_are_interleaved() {
        // Two heads of four rows of one number.
        let values: Vec<f32> = (0..8_u8).map(f32::from).collect();
        assert_eq!(interleaved(&values, 1, 4), [0.0, 2.0, 1.0, 3.0, 4.0, 6.0, 5.0, 7.0]);
    }
}
