//! safetensors files written, in f32 where a tensor does not say otherwise: one, or shards with an index.

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
    shards(directory, stem, tensors, |tensor| tensor.elem_count() * 4, in_f32)
}

/// As [`tensors`], of what gives its bytes when it is written.
pub(crate) fn views<V: View>(directory: &Path, stem: &str, views: Vec<(String, V)>) -> Result<(), ModelError> {
    shards(directory, stem, views, View::data_len, Ok)
}

fn in_f32(tensor: Tensor) -> Result<Bytes, ModelError> {
    let data = storage::values(&tensor)?.iter().flat_map(|value| value.to_le_bytes()).collect();
    Ok(Bytes { shape: tensor.dims().to_vec(), data })
}

/// Writes parts that have so many bytes, as `view` shows them; those of a shard are made into views together.
fn shards<T, V: View>(
    directory: &Path,
    stem: &str,
    parts: Vec<(String, T)>,
    bytes: impl Fn(&T) -> usize,
    view: impl Fn(T) -> Result<V, ModelError>,
) -> Result<(), ModelError> {
    let groups = grouped(parts, SHARD_BYTES, &bytes);
    let count = groups.len();
    let mut weight_map = serde_json::Map::new();
    let mut total_size = 0;
    for (number, group) in groups.into_iter().enumerate() {
        let file = if count == 1 {
            format!("{stem}.safetensors")
        } else {
            format!("{stem}-{:05}-of-{count:05}.safetensors", number + 1)
        };
        for (name, part) in &group {
            total_size += bytes(part);
            weight_map.insert(name.clone(), Value::String(file.clone()));
        }
        let views = group.into_iter().map(|(name, part)| Ok((name, view(part)?)));
        write_file(&directory.join(&file), views.collect::<Result<Vec<_>, ModelError>>()?)?;
    }
    if count > 1 {
        let index = json!({"metadata": {"total_size": total_size}, "weight_map": weight_map});
        let path = directory.join(format!("{stem}.safetensors.index.json"));
        atomic::write(&path, format!("{index:#}\n").as_bytes())?;
    }
    Ok(())
}

fn grouped<T>(parts: Vec<(String, T)>, limit: usize, bytes: impl Fn(&T) -> usize) -> Vec<Vec<(String, T)>> {
    let mut groups = vec![Vec::new()];
    let mut size = 0;
    for (name, part) in parts {
        let bytes = bytes(&part);
        if size > 0 && size + bytes > limit {
            groups.push(Vec::new());
            size = 0;
        }
        size += bytes;
        groups.last_mut().expect("there is at least one group").push((name, part));
    }
    groups
}

fn write_file<V: View>(path: &Path, views: Vec<(String, V)>) -> Result<(), ModelError> {
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
        let groups = grouped(vec![("a".into(), 3), ("b".into(), 2), ("c".into(), 9)], 20, |values| values * 4);
        let names: Vec<Vec<&str>> = groups.iter().map(|g| g.iter().map(|t| t.0.as_str()).collect()).collect();
        assert_eq!(names, [vec!["a", "b"], vec!["c"]]);
    }
}
