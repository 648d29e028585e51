//! safetensors files written in f32: one, or shards with an index.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use candle_core::Tensor;
use safetensors::{Dtype, View};
use serde_json::{Value, json};

use super::atomic;
use crate::ModelError;
use crate::backend::storage;

/// Bytes of a shard at most.
const SHARD_BYTES: usize = 5_000_000_000;
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
pub(crate) fn tensors(directory: &Path, stem: &str, tensors: Vec<(String, Tensor)>) -> Result<(), ModelError> {
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
        safetensors::serialize_to_file(views, Some(metadata), partial).map_err(|error| match error {
            safetensors::SafeTensorError::IoError(source) => ModelError::io(path)(source),
            other => ModelError::file(path, other),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_are_grouped_by_size_in_their_order() {
        let tensor = |n: usize| storage::tensor(vec![0.0; n], n).unwrap();
        let groups = grouped(vec![("a".into(), tensor(3)), ("b".into(), tensor(2)), ("c".into(), tensor(9))], 20);
        let names: Vec<Vec<&str>> = groups.iter().map(|g| g.iter().map(|t| t.0.as_str()).collect()).collect();
        assert_eq!(names, [vec!["a", "b"], vec!["c"]]);
    }
}
