//! safetensors files, one or many with an index: read as f32, written as f32.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use half::slice::HalfFloatSliceExt;
use safetensors::{Dtype, SafeTensors, View};
use serde_json::{Value, json};

use super::atomic;
use crate::ModelError;
use crate::ops::storage;

/// Bytes of a shard at most.
const SHARD_BYTES: usize = 5_000_000_000;

/// Tensors by name, and where they came from.
pub(crate) struct Tensors {
    pub(crate) path: PathBuf,
    pub(crate) map: BTreeMap<String, Tensor>,
}

impl Tensors {
    /// Takes out a tensor of this name and shape.
    pub(crate) fn take(&mut self, name: &str, shape: &[usize]) -> Result<Tensor, ModelError> {
        let Some(tensor) = self.map.remove(name) else {
            return Err(ModelError::MissingTensor { path: self.path.clone(), name: name.into() });
        };
        if tensor.dims() != shape {
            let (expected, found) = (shape.to_vec(), tensor.dims().to_vec());
            return Err(ModelError::Shape { path: self.path.clone(), name: name.into(), expected, found });
        }
        Ok(tensor)
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
            let reason = format!("names `{shard}`, which is missing; hint: the download is incomplete");
            return Err(ModelError::file(&index, reason));
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

fn read_file(path: &Path, map: &mut BTreeMap<String, Tensor>) -> Result<(), ModelError> {
    let bytes = std::fs::read(path).map_err(ModelError::io(path))?;
    let file = SafeTensors::deserialize(&bytes)
        .map_err(|error| ModelError::file(path, format!("{error}; hint: the file is truncated or not safetensors")))?;
    for (name, view) in file.iter() {
        let values = widened(view.dtype(), view.data()).ok_or_else(|| {
            ModelError::file(path, format!("tensor `{name}` has type {:?}; known are F32, BF16 and F16", view.dtype()))
        })?;
        map.insert(name.into(), Tensor::from_vec(values, view.shape().to_vec(), &Device::Cpu)?);
    }
    Ok(())
}

fn widened(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    let pairs = || bytes.chunks_exact(2).map(|b| [b[0], b[1]]);
    match dtype {
        Dtype::F32 => Some(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()),
        Dtype::BF16 => Some(pairs().map(|b| half::bf16::from_le_bytes(b).to_f32()).collect()),
        Dtype::F16 => {
            let halves: Vec<half::f16> = pairs().map(half::f16::from_le_bytes).collect();
            let mut values = vec![0.0; halves.len()];
            halves.convert_to_f32_slice(&mut values);
            Some(values)
        }
        _ => None,
    }
}

/// The bytes of a tensor, as safetensors wants them.
struct Bytes {
    shape: Vec<usize>,
    data: Vec<u8>,
}

impl View for Bytes {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.data)
    }
    fn data_len(&self) -> usize {
        self.data.len()
    }
}

/// Writes `<stem>.safetensors`, or shards and their index where one file would be too large.
pub(crate) fn write(directory: &Path, stem: &str, tensors: Vec<(String, Tensor)>) -> Result<(), ModelError> {
    let groups = grouped(tensors, SHARD_BYTES);
    let count = groups.len();
    let mut weight_map = serde_json::Map::new();
    let mut total_size = 0;
    for (number, group) in groups.into_iter().enumerate() {
        let file = if count == 1 {
            format!("{stem}.safetensors")
        } else {
            format!("{stem}-{:05}-of-{count:05}.safetensors", number + 1)
        };
        for (name, tensor) in &group {
            total_size += tensor.elem_count() * 4;
            weight_map.insert(name.clone(), Value::String(file.clone()));
        }
        write_file(&directory.join(&file), group)?;
    }
    if count > 1 {
        let index = json!({"metadata": {"total_size": total_size}, "weight_map": weight_map});
        let path = directory.join(format!("{stem}.safetensors.index.json"));
        atomic::write(&path, format!("{index:#}\n").as_bytes())?;
    }
    Ok(())
}

fn grouped(tensors: Vec<(String, Tensor)>, limit: usize) -> Vec<Vec<(String, Tensor)>> {
    let mut groups = vec![Vec::new()];
    let mut size = 0;
    for (name, tensor) in tensors {
        let bytes = tensor.elem_count() * 4;
        if size > 0 && size + bytes > limit {
            groups.push(Vec::new());
            size = 0;
        }
        size += bytes;
        groups.last_mut().expect("there is at least one group").push((name, tensor));
    }
    groups
}

fn write_file(path: &Path, tensors: Vec<(String, Tensor)>) -> Result<(), ModelError> {
    let mut views = Vec::new();
    for (name, tensor) in tensors {
        let data = storage::values(&tensor)?.iter().flat_map(|value| value.to_le_bytes()).collect();
        views.push((name, Bytes { shape: tensor.dims().to_vec(), data }));
    }
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    atomic::write_with(path, |partial| {
        safetensors::serialize_to_file(views, Some(metadata), partial).map_err(|error| ModelError::file(path, error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_are_grouped_by_size_in_their_order() {
        let tensor = |n: usize| Tensor::zeros(n, candle_core::DType::F32, &Device::Cpu).unwrap();
        let groups = grouped(vec![("a".into(), tensor(3)), ("b".into(), tensor(2)), ("c".into(), tensor(9))], 20);
        let names: Vec<Vec<&str>> = groups.iter().map(|g| g.iter().map(|t| t.0.as_str()).collect()).collect();
        assert_eq!(names, [vec!["a", "b"], vec!["c"]]);
    }
}
