//! safetensors files, one or many with an index, read tensor by tensor: in f32 or as they are stored.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use candle_core::Tensor;
use half::{bf16, f16};
use lam_weights::{Dtype, TensorInfo, WeightFiles};
use sha2::{Digest, Sha256};

use crate::ModelError;
use crate::backend::storage;
use crate::backend::storage::weight::Stored;
use crate::layout::HEAD_WEIGHT;

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// Tensors by name, and where they came from.
pub(crate) struct Tensors {
    pub(crate) path: PathBuf,
    map: BTreeMap<String, Entry>,
}

/// A tensor at hand, or still in its file.
enum Entry {
    Made(Tensor),
    InFile(FileSpan),
}

/// Where a tensor lies in a file.
struct FileSpan {
    file: Arc<File>,
    path: Arc<PathBuf>,
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    start: u64,
}

/// Numbers of a tensor that its fingerprint looks at, at each of four places.
const SAMPLED: usize = 64;

impl Tensors {
    /// Tensors that were made, not read.
    pub(crate) fn made(path: &str, tensors: impl IntoIterator<Item = (String, Tensor)>) -> Self {
        let map = tensors.into_iter().map(|(name, tensor)| (name, Entry::Made(tensor))).collect();
        Self { path: path.into(), map }
    }

    /// The tensors of checked files.
    pub(crate) fn of(files: &WeightFiles) -> Result<Self, ModelError> {
        let mut map = BTreeMap::new();
        for shard in &files.shards {
            let path = Arc::new(shard.path.clone());
            let file = Arc::new(File::open(&shard.path).map_err(ModelError::io(&shard.path))?);
            for (name, info) in &shard.header.tensors {
                refuse_unreadable(&path, name, info)?;
                let span = FileSpan {
                    file: file.clone(),
                    path: path.clone(),
                    name: name.clone(),
                    dtype: info.dtype,
                    shape: info.shape.clone(),
                    start: shard.header.start + info.data_offsets.0 as u64,
                };
                map.insert(name.clone(), Entry::InFile(span));
            }
        }
        Ok(Self { path: files.path.clone(), map })
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
                return Err(ModelError::file_with_hint(&head.path, reason, hint));
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

    /// Takes out a tensor of this name and shape as it is stored: bf16 stays bf16, everything else is f32.
    pub(crate) fn take_stored(&mut self, name: &str, shape: &[usize]) -> Result<Stored, ModelError> {
        match self.entry(name, shape)? {
            Entry::InFile(span) if span.dtype == Dtype::BF16 => Ok(Stored::Bf16(Arc::new(span.read_bf16()?))),
            Entry::InFile(span) => Ok(Stored::F32(storage::tensor(span.whole_f32()?, shape)?)),
            Entry::Made(tensor) => Ok(Stored::F32(tensor)),
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

impl FileSpan {
    /// How many numbers it has.
    fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Calls `each` with the bytes of `count` numbers from the one at `first` on, a piece at a time.
    fn pieces(&self, first: usize, count: usize, mut each: impl FnMut(&[u8])) -> Result<(), ModelError> {
        let width = self.dtype.bitsize() / 8;
        let (mut at, mut left) = (self.start + (first * width) as u64, count * width);
        let mut piece = vec![0; PIECE.min(left)];
        while left > 0 {
            let piece = &mut piece[..PIECE.min(left)];
            self.file.read_exact_at(piece, at).map_err(ModelError::io(&self.path))?;
            each(piece);
            at += piece.len() as u64;
            left -= piece.len();
        }
        Ok(())
    }

    fn whole_f32(&self) -> Result<Vec<f32>, ModelError> {
        let values = self.read_f32(0, self.count())?;
        self.refuse_unless_finite(values.iter().all(|value| value.is_finite()))?;
        Ok(values)
    }

    fn read_f32(&self, first: usize, count: usize) -> Result<Vec<f32>, ModelError> {
        let mut values = Vec::with_capacity(count);
        self.pieces(first, count, |bytes| {
            let pairs = bytes.chunks_exact(2).map(|b| [b[0], b[1]]);
            match self.dtype {
                Dtype::BF16 => values.extend(pairs.map(|b| bf16::from_le_bytes(b).to_f32())),
                Dtype::F16 => values.extend(pairs.map(|b| f16::from_le_bytes(b).to_f32())),
                _ => values.extend(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))),
            }
        })?;
        Ok(values)
    }

    fn read_bf16(&self) -> Result<Vec<bf16>, ModelError> {
        let mut values = Vec::with_capacity(self.count());
        let numbers = |bytes: &[u8]| values.extend(bytes.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]])));
        self.pieces(0, self.count(), numbers)?;
        self.refuse_unless_finite(values.iter().all(|value| value.is_finite()))?;
        Ok(values)
    }

    fn refuse_unless_finite(&self, finite: bool) -> Result<(), ModelError> {
        if finite {
            return Ok(());
        }
        let reason = format!("tensor `{}` holds values that are not finite numbers", self.name);
        Err(ModelError::file_with_hint(
            &self.path,
            reason,
            "the training that wrote it diverged, or the file is damaged",
        ))
    }
}

/// Refuses types that are not read here.
fn refuse_unreadable(path: &std::path::Path, name: &str, info: &TensorInfo) -> Result<(), ModelError> {
    if [Dtype::F32, Dtype::BF16, Dtype::F16].contains(&info.dtype) {
        return Ok(());
    }
    let reason = format!("tensor `{name}` has type {:?}; known are F32, BF16 and F16", info.dtype);
    Err(ModelError::file_with_hint(path, reason, "save the model in bfloat16 or float32, not quantised"))
}
