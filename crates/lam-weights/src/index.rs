//! `model.safetensors.index.json`: which shard holds which tensor.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Shard, WeightsError};

const DAMAGED: &str = "the index is damaged or belongs to other shards: fetch or save the model again";

/// An index whose shards are all files of its own directory.
#[derive(Clone, Debug)]
pub struct Index {
    path: PathBuf,
    shard_of: BTreeMap<String, String>,
    /// Bytes of all tensors, where it says so.
    total_size: Option<f64>,
}

impl Index {
    /// Reads an index.
    ///
    /// # Errors
    /// A file that is no index, or names a shard outside its directory.
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        let text = std::fs::read_to_string(path).map_err(WeightsError::io(path))?;
        let value: Value = serde_json::from_str(&text).map_err(|error| WeightsError::file(path, error, DAMAGED))?;
        let map = value.get("weight_map").and_then(Value::as_object).filter(|map| !map.is_empty());
        let Some(map) = map else { return Err(WeightsError::file(path, "has no `weight_map`", DAMAGED)) };
        let mut shard_of = BTreeMap::new();
        for (tensor, shard) in map {
            let Some(name) = shard.as_str().filter(|name| is_file_name(name)) else {
                let reason = format!("tensor `{tensor}` lies in {shard}, which is no file of this directory");
                return Err(WeightsError::file(path, reason, "shards lie beside their index"));
            };
            shard_of.insert(tensor.clone(), name.to_owned());
        }
        let total_size = value.pointer("/metadata/total_size").and_then(Value::as_f64);
        Ok(Self { path: path.to_owned(), shard_of, total_size })
    }

    /// Names of the shards.
    pub fn shards(&self) -> BTreeSet<&str> {
        self.shard_of.values().map(String::as_str).collect()
    }

    /// Refuses shards that hold other tensors than the index says.
    ///
    /// # Errors
    /// Names the tensor and the shards.
    pub fn compare(&self, shards: &[Shard]) -> Result<(), WeightsError> {
        let fault = |reason: String| Err(WeightsError::file(&self.path, reason, DAMAGED));
        let mut found = BTreeMap::new();
        for shard in shards {
            for tensor in shard.header.tensors.keys() {
                if let Some(other) = found.insert(tensor, &shard.file) {
                    return fault(format!("tensor `{tensor}` stands in two shards, `{other}` and `{}`", shard.file));
                }
            }
        }
        for (tensor, shard) in &self.shard_of {
            match found.get(tensor) {
                Some(place) if *place == shard => {}
                Some(place) => return fault(format!("tensor `{tensor}` stands in `{place}`, not in `{shard}`")),
                None => return fault(format!("tensor `{tensor}` is not in `{shard}`")),
            }
        }
        if let Some((tensor, shard)) = found.iter().find(|(tensor, _)| !self.shard_of.contains_key(**tensor)) {
            return fault(format!("does not name tensor `{tensor}`, which stands in `{shard}`"));
        }
        let bytes: u64 = shards.iter().map(|shard| shard.header.end - shard.header.start).sum();
        match self.total_size {
            Some(total) if total != bytes as f64 => {
                fault(format!("`total_size` = {total}, but the tensors of its shards take {bytes} bytes"))
            }
            _ => Ok(()),
        }
    }
}

/// Whether it names a file of the same directory and nothing else.
fn is_file_name(name: &str) -> bool {
    !name.contains(['/', '\\', '\0']) && !["", ".", ".."].contains(&name)
}
