//! safetensors files written: one, or shards with an index. A tensor's bytes are made when it is written.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Mutex;

use lam_weights::WeightsError;
use safetensors::{Dtype, View};
use serde_json::{Value, json};

use super::atomic;
use crate::backend::storage::weight::Weight;
use crate::{ModelError, Precision};

/// Bytes of a shard at most.
const SHARD_BYTES: usize = 5_000_000_000;
/// Why a tensor's bytes could not be made: safetensors does not ask.
type Failed = Mutex<Option<ModelError>>;

/// A weight that is read, and rounded, when it is written.
struct Saved<'a> {
    weight: &'a Weight,
    shape: Vec<usize>,
    precision: Precision,
    failed: &'a Failed,
}

impl View for Saved<'_> {
    fn dtype(&self) -> Dtype {
        self.precision.dtype()
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.weight.to_bytes(self.precision).unwrap_or_else(|error| {
            self.failed.lock().expect("nobody panics with it").get_or_insert(error);
            vec![0; self.data_len()]
        }))
    }
    fn data_len(&self) -> usize {
        self.weight.len() * self.precision.bytes()
    }
}

/// Writes weights in the given precision, one of them in memory at a time.
pub(crate) fn weights<'w>(
    directory: &Path,
    stem: &str,
    weights: impl Iterator<Item = &'w Weight>,
    precision: Precision,
) -> Result<(), ModelError> {
    let failed = Failed::default();
    let saved = |weight: &'w Weight| Saved { weight, shape: weight.shape(), precision, failed: &failed };
    shards(directory, stem, weights.map(|weight| (weight.name.clone(), saved(weight))).collect(), || {
        failed.lock().expect("nobody panics with it").take().map_or(Ok(()), Err)
    })
}

/// Writes what gives its bytes when it is written, and cannot fail to.
pub(crate) fn views<V: View>(directory: &Path, stem: &str, views: Vec<(String, V)>) -> Result<(), ModelError> {
    shards(directory, stem, views, || Ok(()))
}

/// Writes `<stem>.safetensors`, or shards and their index where one file would be too large. A file is put in its place
/// once `check` says that all of it could be made.
fn shards<V: View>(
    directory: &Path,
    stem: &str,
    parts: Vec<(String, V)>,
    check: impl Fn() -> Result<(), ModelError>,
) -> Result<(), ModelError> {
    let groups = grouped(parts, SHARD_BYTES, View::data_len);
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
            total_size += part.data_len();
            weight_map.insert(name.clone(), Value::String(file.clone()));
        }
        write_file(&directory.join(&file), group, &check)?;
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

fn write_file<V: View>(
    path: &Path,
    views: Vec<(String, V)>,
    check: impl Fn() -> Result<(), ModelError>,
) -> Result<(), ModelError> {
    atomic::write_with(path, |partial| {
        lam_weights::write_tensors(partial, views).map_err(|error| match error {
            WeightsError::Io { source, .. } => ModelError::io(path)(source),
            WeightsError::File { reason, hint, .. } => ModelError::file_with_hint(path, reason, hint),
        })?;
        check()
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
