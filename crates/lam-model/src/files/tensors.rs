//! The tensors of a model's or an adapter's files by name, read one by one: in f32 or as they are stored.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use candle_core::Tensor;
use lam_gguf::{Format, Gguf};
use lam_weights::{Dtype, TensorInfo, WeightFiles};
use sha2::{Digest, Sha256};

use super::gguf;
use crate::backend::storage;
use crate::backend::storage::in_file::InFile;
use crate::backend::storage::span::{FileSpan, PIECE, WeightFile};
use crate::backend::storage::weight::Stored;
use crate::layout::HEAD_WEIGHT;
use crate::{DecoderConfig, ModelError, Precision};

/// Tensors by name, and where they came from.
pub(crate) struct Tensors {
    pub(crate) path: PathBuf,
    map: BTreeMap<String, Entry>,
    /// Whether the vectors, where the matrices are bf16, may be written in bf16 too.
    vectors_fit: bool,
}

/// A tensor at hand, or still in its file.
enum Entry {
    Made(Tensor),
    InFile(FileSpan),
}

/// Numbers of a tensor that its fingerprint looks at, at each of four places.
const SAMPLED: usize = 64;

impl Tensors {
    /// Tensors that were made, not read.
    pub(crate) fn made(path: &str, tensors: impl IntoIterator<Item = (String, Tensor)>) -> Self {
        let map = tensors.into_iter().map(|(name, tensor)| (name, Entry::Made(tensor))).collect();
        Self { path: path.into(), map, vectors_fit: true }
    }

    /// The tensors of checked files.
    pub(crate) fn of(files: &WeightFiles) -> Result<Self, ModelError> {
        let mut map = BTreeMap::new();
        for shard in &files.shards {
            let file = Arc::new(WeightFile::open(&shard.path)?);
            for (name, info) in &shard.header.tensors {
                let span = FileSpan {
                    file: file.clone(),
                    name: name.clone(),
                    format: format_of(&shard.path, name, info)?,
                    shape: info.shape.clone(),
                    start: shard.header.start + info.data_offsets.0 as u64,
                    interleaved: None,
                };
                map.insert(name.clone(), Entry::InFile(span));
            }
        }
        Ok(Self { path: files.path.clone(), map, vectors_fit: true })
    }

    /// The tensors of a GGUF file, under Hugging Face's names.
    pub(crate) fn of_gguf(file: &Gguf, config: &DecoderConfig) -> Result<Self, ModelError> {
        let spans = gguf::spans(file, config)?.into_iter();
        let map = spans.map(|(name, span)| (name, Entry::InFile(span))).collect();
        // They stand in f32 there, and the config says what they are.
        Ok(Self { path: file.path.clone(), map, vectors_fit: config.stored_in() == Precision::Bf16 })
    }

    /// The type in which models like this one are saved: bf16 where every matrix of the files is, else f32.
    pub(crate) fn precision(&self) -> Precision {
        let narrow = |entry: &Entry| match entry {
            Entry::Made(tensor) => tensor.rank() < 2,
            Entry::InFile(span) => span.shape.len() < 2 || span.format == Format::BF16,
        };
        let all = self.vectors_fit && !self.map.is_empty() && self.map.values().all(narrow);
        if all { Precision::Bf16 } else { Precision::F32 }
    }

    /// Leaves out the tensors of some names.
    pub(crate) fn leave_out(&mut self, unwanted: impl Fn(&str) -> bool) {
        self.map.retain(|name, _| !unwanted(name));
    }

    /// Takes out an output layer that is the embedding once more; refuses one that is not.
    pub(crate) fn drop_second_head(&mut self) -> Result<(), ModelError> {
        let Some(Entry::InFile(head)) = self.map.remove(HEAD_WEIGHT) else { return Ok(()) };
        let Some(Entry::InFile(embedding)) = self.map.get("model.embed_tokens.weight") else { return Ok(()) };
        for first in (0..head.count()).step_by(PIECE) {
            let count = PIECE.min(head.count() - first);
            if head.read_f32(first, count)? != embedding.read_f32(first, count)? {
                let reason = format!("`{HEAD_WEIGHT}` is another than the embedding, although they are tied");
                let hint =
                    "set `tie_word_embeddings` to false in config.json if the model has an output layer of its own";
                return Err(ModelError::file_with_hint(head.path(), reason, hint));
            }
        }
        Ok(())
    }

    /// SHA-256 over names, shapes and, in f32, four runs of each tensor's numbers, hex: the same for the same weights
    /// in other files or types, another after any training that goes through all of them.
    pub(crate) fn fingerprint(&self) -> Result<String, ModelError> {
        let mut digest = Sha256::new();
        for (name, entry) in &self.map {
            digest.update(format!("{name} {:?}\n", entry.shape()));
            let count: usize = entry.shape().iter().product();
            let run = SAMPLED.min(count);
            let values = match entry {
                Entry::Made(tensor) => Some(storage::values(tensor)?),
                Entry::InFile(_) => None,
            };
            for place in 0..4 {
                let start = (count - run) * place / 3;
                let read = match (&values, entry) {
                    (Some(values), _) => values[start..start + run].to_vec(),
                    (None, Entry::InFile(span)) => span.read_f32(start, run)?,
                    (None, Entry::Made(_)) => Vec::new(),
                };
                read.iter().for_each(|value| digest.update(value.to_le_bytes()));
            }
        }
        Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Puts a tensor in, or in the span of another.
    pub(crate) fn put(&mut self, name: String, tensor: Tensor) {
        self.map.insert(name, Entry::Made(tensor));
    }

    /// Takes out a tensor that was made, of whatever shape.
    pub(crate) fn take_made(&mut self, name: &str) -> Result<Tensor, ModelError> {
        match self.map.remove(name) {
            Some(Entry::Made(tensor)) => Ok(tensor),
            _ => Err(ModelError::MissingTensor { path: self.path.clone(), name: name.into() }),
        }
    }

    /// Takes out a tensor of whatever shape, in f32.
    pub(crate) fn take_any(&mut self, name: &str) -> Result<Tensor, ModelError> {
        let shape = self.map.get(name).map_or_else(Vec::new, |entry| entry.shape().to_vec());
        self.take(name, &shape)
    }

    /// Takes out a tensor of this name and shape, in f32.
    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        match self.entry(name, shape)? {
            Entry::Made(tensor) => Ok(tensor),
            Entry::InFile(span) => Ok(storage::tensor(span.whole_f32()?, shape)?),
        }
    }

    /// Takes out a tensor of this name and shape as it is stored: bf16 stays bf16, blocks stay blocks where
    /// `takes_blocks` says so and products take their form, and are expanded to bf16 elsewhere; everything else is f32.
    /// With `in_files`, numbers that lie one by one stay where they are.
    pub(crate) fn take_stored(
        &mut self,
        name: &str,
        shape: &[usize],
        (takes_blocks, in_files): (bool, bool),
    ) -> Result<Stored, ModelError> {
        let span = match self.entry(name, shape)? {
            Entry::Made(tensor) => return Ok(Stored::F32(tensor)),
            Entry::InFile(span) => span,
        };
        if in_files && span.is_plain() {
            return Ok(Stored::InFile(InFile::new(span)));
        }
        if let Some(blocks) = takes_blocks.then(|| span.read_blocks()).transpose()?.flatten() {
            return Ok(blocks);
        }
        match span.format {
            Format::F32 | Format::F16 => Ok(Stored::F32(storage::tensor(span.whole_f32()?, shape)?)),
            _ => Ok(Stored::Bf16(Arc::new(span.whole_bf16()?))),
        }
    }

    fn entry(&mut self, name: &str, shape: &[usize]) -> Result<Entry, ModelError> {
        let Some(entry) = self.map.remove(name) else {
            return Err(ModelError::MissingTensor { path: self.path.clone(), name: name.into() });
        };
        let found = entry.shape();
        if found != shape {
            let (expected, found) = (shape.to_vec(), found.to_vec());
            return Err(ModelError::Shape { path: self.path.clone(), name: name.into(), expected, found });
        }
        Ok(entry)
    }
}

impl Entry {
    fn shape(&self) -> &[usize] {
        match self {
            Self::Made(tensor) => tensor.dims(),
            Self::InFile(span) => &span.shape,
        }
    }
}

/// The form of a safetensors file's tensor; refuses types that are not read here.
fn format_of(path: &std::path::Path, name: &str, info: &TensorInfo) -> Result<Format, ModelError> {
    match info.dtype {
        Dtype::F32 => Ok(Format::F32),
        Dtype::BF16 => Ok(Format::BF16),
        Dtype::F16 => Ok(Format::F16),
        other => {
            let reason = format!("tensor `{name}` has type {other:?}; known are F32, BF16 and F16");
            Err(ModelError::file_with_hint(path, reason, "save the model in bfloat16 or float32, not quantised"))
        }
    }
}
