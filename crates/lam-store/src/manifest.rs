//! The manifest beside every result: what made it, from what, with which configuration, and what it holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::{MANIFEST_FILE, StoreError, content_files, hash_path, hash_tree, write_atomic};

/// Version of the manifests this program writes, and the newest it reads.
pub const MANIFEST_VERSION: u32 = 1;

/// One artifact that went into a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRef {
    /// The stage of the same run that made it; `None` for what came from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Where it was: below the run directory for a stage's output, else as the pipeline names it.
    pub path: String,
    /// Its content hash.
    pub hash: String,
}

/// One file of a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputFile {
    /// Name below the result's directory.
    pub path: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Time of last modification, nanoseconds since 1970: while it and the size stay, the hash is trusted.
    pub modified_ns: u64,
    /// SHA-256, hex.
    pub hash: String,
}

/// What made a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`] of the writer.
    pub format_version: u32,
    /// Program and version that wrote it.
    pub producer: String,
    /// Pipeline and, with several seeds, the seed's directory.
    pub pipeline: String,
    /// Name of the stage.
    pub stage: String,
    /// Kind of the stage.
    pub kind: String,
    /// Seed it ran with.
    pub seed: u64,
    /// Hashes of the code that made it, by crate.
    #[serde(default)]
    pub code: BTreeMap<String, String>,
    /// The resolved configuration.
    pub config: serde_json::Value,
    /// SHA-256 of the resolved configuration, hex.
    pub config_hash: String,
    /// What went in, by the name of the input.
    pub inputs: BTreeMap<String, Vec<InputRef>>,
    /// SHA-256 over kind, code, configuration, seed and inputs: equal fingerprints, equal results.
    pub fingerprint: String,
    /// Content hash of the result.
    pub output_hash: String,
    /// The result's files.
    pub files: Vec<OutputFile>,
    /// Figures that the stage reported.
    pub metrics: serde_json::Value,
    /// When it began, seconds since 1970.
    pub started_at: u64,
    /// How long it took in all, cancelled and failed tries included, in seconds.
    pub duration_s: f64,
    /// In which order products were summed, in words; "" where the writer did not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub arithmetic: String,
    /// Run and stage that made it, where it was taken from there: `pipeline/stage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reused_from: Option<String>,
}

impl Manifest {
    /// Write it into the result's `directory`.
    pub fn write(&self, directory: &Path) -> Result<(), StoreError> {
        let text = serde_json::to_string_pretty(self).expect("a manifest has text keys only");
        write_atomic(&directory.join(MANIFEST_FILE), text.as_bytes())
    }

    /// Run and stage that made the result, `pipeline/stage`, whether it was taken from there or is theirs.
    pub fn made_by(&self) -> String {
        self.reused_from.clone().unwrap_or_else(|| format!("{}/{}", self.pipeline, self.stage))
    }

    /// Content hash of `below` in the result ("" for the whole), from the recorded hashes.
    pub fn hash_of(&self, below: &Path) -> Option<String> {
        if below.as_os_str().is_empty() {
            return Some(self.output_hash.clone());
        }
        if let Some(file) = self.files.iter().find(|file| file.path == below) {
            return Some(file.hash.clone());
        }
        let inside = || self.files.iter().filter_map(|file| Some((file.path.strip_prefix(below).ok()?, &*file.hash)));
        inside().next().is_some().then(|| hash_tree(inside()))
    }

    /// Whether what a later stage was made from is still here: `path` is where it took it from, below the run's
    /// directory or with the way to that before it, `hash` what it was then.
    pub fn holds(&self, path: &str, hash: &str) -> bool {
        let below = Path::new(path).components().skip_while(|part| part.as_os_str() != self.stage.as_str());
        self.hash_of(&below.skip(1).collect::<PathBuf>()).as_deref() == Some(hash)
    }

    /// What is wrong with the files in `directory`; `None` when they are as recorded.
    ///
    /// Files whose size and time are as recorded are not read again.
    pub fn damage(&self, directory: &Path) -> Result<Option<String>, StoreError> {
        let present = content_files(directory)?;
        if let Some(extra) = present.iter().find(|name| !self.files.iter().any(|file| file.path == **name)) {
            return Ok(Some(format!("{} was added", extra.display())));
        }
        for file in &self.files {
            let path = directory.join(&file.path);
            let Ok(found) = stat(&path) else {
                return Ok(Some(format!("{} is missing", file.path.display())));
            };
            if found.0 != file.size || (found.1 != file.modified_ns && hash_path(&path)? != file.hash) {
                return Ok(Some(format!("{} was changed", file.path.display())));
            }
        }
        Ok(None)
    }
}

/// The manifest in `directory`, if there is one.
pub fn read_manifest(directory: &Path) -> Result<Option<Manifest>, StoreError> {
    let path = directory.join(MANIFEST_FILE);
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).map_err(StoreError::io("read", &path))?;
    let damaged = |error: serde_json::Error| StoreError::Damaged {
        path: path.clone(),
        reason: error.to_string(),
        hint: "run its stage again with --force",
    };
    let value: serde_json::Value = serde_json::from_str(&text).map_err(damaged)?;
    let version = value.get("format_version").and_then(serde_json::Value::as_u64).unwrap_or(0);
    let found = u32::try_from(version).unwrap_or(u32::MAX);
    if found > MANIFEST_VERSION {
        return Err(StoreError::Newer { path, found, supported: MANIFEST_VERSION });
    }
    serde_json::from_value(value).map(Some).map_err(damaged)
}

/// Size, time and hash of every file in `directory`, sorted by name, and the hash of the whole.
pub fn record_files(directory: &Path) -> Result<(Vec<OutputFile>, String), StoreError> {
    let mut files = Vec::new();
    for name in content_files(directory)? {
        let path = directory.join(&name);
        let (size, modified_ns) = stat(&path)?;
        files.push(OutputFile { hash: hash_path(&path)?, path: name, size, modified_ns });
    }
    let hash = hash_tree(files.iter().map(|file| (file.path.as_path(), file.hash.as_str())));
    Ok((files, hash))
}

/// Size and time of last modification in nanoseconds since 1970.
fn stat(path: &Path) -> Result<(u64, u64), StoreError> {
    let metadata = fs::metadata(path).map_err(StoreError::io("read", path))?;
    let modified = metadata.modified().map_err(StoreError::io("read", path))?;
    let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok((metadata.len(), u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))
}
