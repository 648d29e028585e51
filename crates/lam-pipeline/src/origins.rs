//! Content hashes of inputs from outside, remembered while sizes and times stay, so that a large model is read once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use lam_store::{StoreError, content_files, hash_path, write_atomic};
use serde::{Deserialize, Serialize};

const FILE: &str = "origins.json";

/// The hashes that are known.
#[derive(Default)]
pub(crate) struct Origins {
    known: BTreeMap<PathBuf, Known>,
    changed: bool,
}

#[derive(Serialize, Deserialize)]
struct Known {
    /// Name, size and time (nanoseconds since 1970) of each file.
    files: Vec<(PathBuf, u64, u64)>,
    hash: String,
}

impl Origins {
    /// Those remembered in a run directory; a file that cannot be read is as good as none.
    pub fn open(run_dir: &Path) -> Self {
        let text = std::fs::read_to_string(run_dir.join(FILE)).unwrap_or_default();
        Self { known: serde_json::from_str(&text).unwrap_or_default(), changed: false }
    }

    /// The content hash of `path`.
    pub fn hash(&mut self, path: &Path) -> Result<String, StoreError> {
        let files = stats(path)?;
        if let Some(known) = self.known.get(path).filter(|known| known.files == files) {
            return Ok(known.hash.clone());
        }
        let hash = hash_path(path)?;
        self.known.insert(path.to_path_buf(), Known { files, hash: hash.clone() });
        self.changed = true;
        Ok(hash)
    }

    /// Remember what was learned.
    pub fn save(&mut self, run_dir: &Path) -> Result<(), StoreError> {
        if std::mem::take(&mut self.changed) {
            let text = serde_json::to_string(&self.known).expect("paths of inputs are text");
            write_atomic(&run_dir.join(FILE), text.as_bytes())?;
        }
        Ok(())
    }
}

fn stats(path: &Path) -> Result<Vec<(PathBuf, u64, u64)>, StoreError> {
    let names = if path.is_dir() { content_files(path)? } else { vec![PathBuf::new()] };
    let stat = |name: PathBuf| {
        let file = if name.as_os_str().is_empty() { path.to_path_buf() } else { path.join(&name) };
        let metadata = std::fs::metadata(&file).map_err(StoreError::io("read", &file))?;
        let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified_ns = modified.and_then(|time| u64::try_from(time.as_nanos()).ok()).unwrap_or(0);
        Ok((name, metadata.len(), modified_ns))
    };
    names.into_iter().map(stat).collect()
}
