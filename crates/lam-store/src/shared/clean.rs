//! Which shared results no run holds any more, and their removal. Removes nothing but what was stored here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::{LOCK_FILE, SHARED_DIR, STAGING, SharedResults};
use crate::{MANIFEST_FILE, MARK_FILE, StoreError, refuse_to_replace, remove_directory};

/// Letters of a fingerprint.
const FINGERPRINT: usize = 64;
/// Results lie in `<run>/<stage>` or `<run>/seed-<n>/<stage>` below the directory of all runs.
const DEPTH_OF_RESULTS: usize = 3;
/// How often, and after how long, a lock is tried again: who stores or takes holds it for moments, but for large results.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// What was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cleaned {
    /// Results that were removed.
    pub results: usize,
    /// What killed runs had left behind here.
    pub leftovers: usize,
    /// Bytes that are free now: files that a run still has free none.
    pub bytes: u64,
    /// Results that stay, as runs hold them.
    pub kept: usize,
    /// What somebody else put here, and was left alone.
    pub foreign: Vec<PathBuf>,
}

impl SharedResults {
    /// Removes the results that no run holds any more, or all of them; a dry run only looks.
    ///
    /// # Errors
    /// A directory that is not ours, one in which a run is at work, and one that cannot be read or written.
    pub fn clean(&self, all: bool, dry_run: bool) -> Result<Cleaned, StoreError> {
        let mut cleaned = Cleaned::default();
        refuse_to_replace(&self.root)?;
        if !self.root.join(LOCK_FILE).exists() {
            return Ok(cleaned);
        }
        let _lock = self.lock_alone()?;
        let fingerprints = fingerprints_below(&self.runs_dir, DEPTH_OF_RESULTS);
        for path in paths_in(&self.root)? {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let is_directory = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
            let is_result = name.len() == FINGERPRINT && name.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_directory && is_result {
                let files = Files::below(&path)?;
                if !all && (files.is_held() || fingerprints.contains(&name)) {
                    cleaned.kept += 1;
                    continue;
                }
                (cleaned.results, cleaned.bytes) = (cleaned.results + 1, cleaned.bytes + files.own_bytes());
            } else if is_directory && name.starts_with(STAGING) {
                cleaned.leftovers += 1;
                cleaned.bytes += Files::below(&path)?.own_bytes();
            } else {
                let is_own = [LOCK_FILE, MARK_FILE].contains(&name.as_str());
                cleaned.foreign.extend((!is_own).then_some(path));
                continue;
            }
            if !dry_run {
                if is_result { self.remove(&path)? } else { remove_directory(&path)? }
            }
        }
        Ok(cleaned)
    }

    fn lock_alone(&self) -> Result<File, StoreError> {
        let (path, file) = self.lock_file()?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
                Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", &path)(error)),
            }
        }
        Err(StoreError::Busy { path: self.root.clone() })
    }
}

/// The files of an entry, each with how often it stands there: the same one may have several names.
struct Files(BTreeMap<(u64, u64), StoredFile>);

/// One of them.
struct StoredFile {
    bytes: u64,
    /// Names in the entry.
    own: u64,
    /// Names anywhere.
    names: u64,
}

impl Files {
    fn below(directory: &Path) -> Result<Self, StoreError> {
        let mut files = Self(BTreeMap::new());
        files.add(directory)?;
        Ok(files)
    }

    fn add(&mut self, directory: &Path) -> Result<(), StoreError> {
        for path in paths_in(directory)? {
            let found = fs::symlink_metadata(&path).map_err(StoreError::io("read", &path))?;
            if found.is_dir() {
                self.add(&path)?;
            } else if found.is_file() {
                let new = StoredFile { bytes: found.len(), own: 0, names: found.nlink() };
                self.0.entry((found.dev(), found.ino())).or_insert(new).own += 1;
            }
        }
        Ok(())
    }

    /// Whether one of them has a name elsewhere.
    fn is_held(&self) -> bool {
        self.0.values().any(|file| file.names > file.own)
    }

    /// Bytes of those that have no name elsewhere.
    fn own_bytes(&self) -> u64 {
        self.0.values().filter(|file| file.names <= file.own).map(|file| file.bytes).sum()
    }
}

/// The fingerprints in the manifests of runs: their results may be copies, where the file system has no links.
fn fingerprints_below(directory: &Path, depth: usize) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in paths_in(directory).unwrap_or_default() {
        if !path.is_dir() || path.file_name().is_some_and(|name| name == SHARED_DIR) {
            continue;
        }
        let manifest = fs::read(path.join(MANIFEST_FILE)).ok();
        let manifest = manifest.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
        match manifest {
            Some(manifest) => found.extend(manifest["fingerprint"].as_str().map(str::to_owned)),
            None if depth > 1 => found.extend(fingerprints_below(&path, depth - 1)),
            None => {}
        }
    }
    found
}

fn paths_in(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = fs::read_dir(directory).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let mut paths: Vec<PathBuf> =
        entries.map_err(StoreError::io("read", directory))?.into_iter().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}
