//! What is in safetensors files, from their headers alone: tensors, types, sizes. Reads no weight.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use lam_store::StoreError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::HubError;

/// Longest header that the format allows, in bytes.
const LONGEST: u64 = 100_000_000;

/// One file of weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shard {
    /// Its name.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Tensors in it.
    pub tensors: usize,
    /// Numbers by type, such as `BF16`.
    pub dtypes: BTreeMap<String, u64>,
}

impl Shard {
    /// Numbers in it.
    pub fn parameters(&self) -> u64 {
        self.dtypes.values().sum()
    }

    /// Reads the header out of a file's first bytes; `size` is the whole file's, in bytes.
    ///
    /// `Err(Ok(n))`: the first n bytes are needed.
    pub(crate) fn parse(file: &str, size: u64, first: &[u8]) -> Result<Self, Result<u64, HubError>> {
        let fault = |reason: String| header_fault(file, reason);
        let Some(length) = first.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes)) else {
            return Err(fault(format!("{size} bytes are too few for a header")));
        };
        let end = length.saturating_add(8);
        if length > LONGEST || end > size {
            return Err(fault(format!("a header of {length} bytes in a file of {size}")));
        }
        let Some(header) = usize::try_from(end).ok().and_then(|end| first.get(8..end)) else { return Err(Ok(end)) };
        let entries: BTreeMap<String, Value> = serde_json::from_slice(header)
            .map_err(|error| header_fault(file, format!("its header is not JSON: {error}")))?;
        let mut shard = Self { file: file.to_owned(), bytes: size, tensors: 0, dtypes: BTreeMap::new() };
        for (name, value) in entries.into_iter().filter(|(name, _)| name != "__metadata__") {
            let tensor: Tensor = serde_json::from_value(value)
                .map_err(|error| header_fault(file, format!("tensor `{name}`: {error}")))?;
            if tensor.data_offsets[1] > size - end {
                return Err(fault(format!(
                    "tensor `{name}` ends {} bytes after the header, beyond the file's end",
                    tensor.data_offsets[1]
                )));
            }
            shard.tensors += 1;
            *shard.dtypes.entry(tensor.dtype).or_insert(0) += tensor.shape.iter().product::<u64>();
        }
        Ok(shard)
    }
}

/// A damaged file, in the form of a function that may ask for more bytes instead.
fn header_fault(file: &str, reason: String) -> Result<u64, HubError> {
    Err(HubError::Header { file: file.to_owned(), reason })
}

#[derive(Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

/// The headers of a model directory's weights: `model.safetensors`, its shards, or an adapter's.
///
/// # Errors
/// A file that is missing, or whose header does not fit its size.
pub fn read_headers(directory: &Path) -> Result<Vec<Shard>, HubError> {
    weight_files(directory)?.iter().map(|path| read_shard(path)).collect()
}

fn read_shard(path: &Path) -> Result<Shard, HubError> {
    let failed = || StoreError::io("read", path);
    let mut file = File::open(path).map_err(failed())?;
    let size = file.metadata().map_err(failed())?.len();
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut first = Vec::new();
    let mut wanted = 8;
    loop {
        Read::by_ref(&mut file).take(wanted - first.len() as u64).read_to_end(&mut first).map_err(failed())?;
        match Shard::parse(&name, size, &first) {
            Ok(shard) => return Ok(shard),
            Err(Ok(more)) if more > first.len() as u64 && wanted < more => wanted = more,
            Err(Ok(_)) => {
                return Err(HubError::Header { file: name.into_owned(), reason: "it ended while it was read".into() });
            }
            Err(Err(error)) => return Err(error),
        }
    }
}

/// The files of weights that a directory names, whether they are there or not.
pub(crate) fn weight_files(directory: &Path) -> Result<Vec<PathBuf>, HubError> {
    let single = |name: &str| Some(directory.join(name)).filter(|path| path.exists());
    if let Some(path) = single("model.safetensors") {
        return Ok(vec![path]);
    }
    let index = directory.join("model.safetensors.index.json");
    if index.exists() {
        let names = shards(&index)?;
        return Ok(names.into_iter().map(|name| directory.join(name)).collect());
    }
    Ok(single("adapter_model.safetensors").into_iter().collect())
}

/// The shards that an index names.
pub(crate) fn shards(index: &Path) -> Result<BTreeSet<String>, HubError> {
    let text = std::fs::read_to_string(index).map_err(StoreError::io("read", index))?;
    let value: Value = serde_json::from_str(&text).unwrap_or_default();
    let map = value.get("weight_map").and_then(Value::as_object);
    let names: BTreeSet<String> =
        map.into_iter().flatten().filter_map(|(_, name)| name.as_str().map(str::to_owned)).collect();
    if names.is_empty() || names.iter().any(|name| name.contains(['/', '\\'])) {
        let reason = "its `weight_map` names no files of this directory".to_owned();
        return Err(HubError::Header { file: index.display().to_string(), reason });
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        bytes
    }

    #[test]
    fn a_header_tells_tensors_and_types_and_must_fit_the_file() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("model.safetensors");
        let header = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}"#;
        std::fs::write(&path, file(header, 20)).unwrap();
        let shards = read_headers(root.path()).unwrap();
        assert_eq!((shards[0].tensors, shards[0].parameters(), shards[0].dtypes["BF16"]), (2, 8, 6));
        std::fs::write(&path, file(header, 19)).unwrap();
        let error = read_headers(root.path()).unwrap_err().to_string();
        assert!(error.contains("tensor `b` ends 20 bytes") && error.contains("hint:"), "{error}");
        for bytes in [&b"short"[..], &u64::MAX.to_le_bytes(), &file("no json", 0)] {
            std::fs::write(&path, bytes).unwrap();
            assert!(read_headers(root.path()).unwrap_err().to_string().contains("model.safetensors: "));
        }
    }
}
