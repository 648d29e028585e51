//! safetensors files, one or many with an index, read tensor by tensor: in f32 or as they are stored.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::Tensor;
use half::{bf16, f16};
use safetensors::Dtype;
use safetensors::tensor::Metadata;
use serde_json::Value;

use crate::ModelError;
use crate::backend::storage;
use crate::backend::storage::weight::Stored;

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
    dtype: Dtype,
    shape: Vec<usize>,
    start: u64,
}

impl Tensors {
    /// Tensors that were made, not read.
    pub(crate) fn made(path: &str, tensors: impl IntoIterator<Item = (String, Tensor)>) -> Self {
        let map = tensors.into_iter().map(|(name, tensor)| (name, Entry::Made(tensor))).collect();
        Self { path: path.into(), map }
    }

    /// Names of the tensors that are left.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.map.keys()
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

    /// Takes out a tensor of this name and shape, in f32.
    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        match self.entry(name, shape)? {
            Entry::Made(tensor) => Ok(tensor),
            Entry::InFile(span) => Ok(storage::tensor(span.read_f32()?, shape)?),
        }
    }

    /// Takes out a tensor of this name and shape as it is stored: bf16 stays bf16, everything else is f32.
    pub(crate) fn take_stored(&mut self, name: &str, shape: &[usize]) -> Result<Stored, ModelError> {
        match self.entry(name, shape)? {
            Entry::InFile(span) if span.dtype == Dtype::BF16 => Ok(Stored::Bf16(Arc::new(span.read_bf16()?))),
            Entry::InFile(span) => Ok(Stored::F32(storage::tensor(span.read_f32()?, shape)?)),
            Entry::Made(tensor) => Ok(Stored::F32(tensor)),
        }
    }

    fn entry(&mut self, name: &str, shape: &[usize]) -> Result<Entry, ModelError> {
        let Some(entry) = self.map.remove(name) else {
            return Err(ModelError::MissingTensor { path: self.path.clone(), name: name.into() });
        };
        let found = match &entry {
            Entry::Made(tensor) => tensor.dims(),
            Entry::InFile(span) => &span.shape,
        };
        if found != shape {
            let (expected, found) = (shape.to_vec(), found.to_vec());
            return Err(ModelError::Shape { path: self.path.clone(), name: name.into(), expected, found });
        }
        Ok(entry)
    }
}

impl FileSpan {
    /// Calls `each` with the tensor's bytes, a piece at a time.
    fn pieces(&self, mut each: impl FnMut(&[u8])) -> Result<(), ModelError> {
        let (mut at, mut left) = (self.start, self.shape.iter().product::<usize>() * self.dtype.bitsize() / 8);
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

    fn read_f32(&self) -> Result<Vec<f32>, ModelError> {
        let mut values = Vec::with_capacity(self.shape.iter().product());
        self.pieces(|bytes| {
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
        let mut values = Vec::with_capacity(self.shape.iter().product());
        self.pieces(|bytes| values.extend(bytes.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]))))?;
        Ok(values)
    }
}

/// Reads `<stem>.safetensors`, or all shards of `<stem>.safetensors.index.json`.
pub(crate) fn read(directory: &Path, stem: &str) -> Result<Tensors, ModelError> {
    let single = directory.join(format!("{stem}.safetensors"));
    let index = directory.join(format!("{stem}.safetensors.index.json"));
    let mut map = BTreeMap::new();
    if single.exists() || !index.exists() {
        read_file(&single, &mut map)?;
        return Ok(Tensors { path: single, map });
    }
    for shard in shards(&index)? {
        let path = directory.join(&shard);
        if !path.exists() {
            let reason = format!("names `{shard}`, which is missing");
            return Err(ModelError::file_with_hint(&index, reason, "the download is incomplete"));
        }
        read_file(&path, &mut map)?;
    }
    Ok(Tensors { path: index, map })
}

fn shards(index: &Path) -> Result<BTreeSet<String>, ModelError> {
    let text = std::fs::read_to_string(index).map_err(ModelError::io(index))?;
    let value: Value = serde_json::from_str(&text).map_err(|error| ModelError::file(index, error))?;
    let Some(map) = value.get("weight_map").and_then(Value::as_object) else {
        return Err(ModelError::file(index, "has no `weight_map`"));
    };
    Ok(map.values().filter_map(|name| name.as_str().map(String::from)).collect())
}

fn read_file(path: &Path, map: &mut BTreeMap<String, Entry>) -> Result<(), ModelError> {
    let mut file = File::open(path).map_err(ModelError::io(path))?;
    let length = file.metadata().map_err(ModelError::io(path))?.len();
    let broken = |reason: String| ModelError::file_with_hint(path, reason, "the file is truncated or not safetensors");
    let mut size = [0; 8];
    file.read_exact(&mut size).map_err(|error| broken(error.to_string()))?;
    let head = u64::from_le_bytes(size);
    if head > length.saturating_sub(8) {
        return Err(broken(format!("its head would take {head} of {length} bytes")));
    }
    let mut bytes = vec![0; head as usize];
    file.read_exact(&mut bytes).map_err(ModelError::io(path))?;
    let described: Metadata = serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
    let (file, path) = (Arc::new(file), Arc::new(path.to_path_buf()));
    for (name, info) in described.tensors() {
        let (start, end) = info.data_offsets;
        if 8 + head + end as u64 > length {
            return Err(broken(format!("tensor `{name}` ends at byte {} of {length}", 8 + head + end as u64)));
        }
        if ![Dtype::F32, Dtype::BF16, Dtype::F16].contains(&info.dtype) {
            let reason = format!("tensor `{name}` has type {:?}; known are F32, BF16 and F16", info.dtype);
            return Err(ModelError::file(&path, reason));
        }
        let (file, path, shape) = (file.clone(), path.clone(), info.shape.clone());
        let span = FileSpan { file, path, dtype: info.dtype, shape, start: 8 + head + start as u64 };
        map.insert(name, Entry::InFile(span));
    }
    Ok(())
}
