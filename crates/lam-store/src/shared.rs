//! Results that runs share, below the directory of all runs: each under its fingerprint, as hard links to the files of the
//! run that made it, or as copies where the file system has no links.
//!
//! ```text
//! runs/.cache/<fingerprint>/result/   its files, with the manifest of the run that made it
//! runs/.cache/<fingerprint>/beside/   what belongs to it and is no part of it
//! ```
//!
//! A result is put there in a staging directory that is renamed when it is whole, and read again, every byte, before it is
//! taken from there. Knows no stage.

mod clean;
mod tree;

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::atomic::{sync_directory, sync_tree};
use crate::{Manifest, OutputFile, StoreError, claim, claim_new, read_manifest, record_files, remove_directory};

pub use self::clean::Cleaned;
use self::tree::link_tree;

/// Name of the directory below that of all runs. No run is called so: the names of runs begin with no dot.
pub const SHARED_DIR: &str = ".cache";
/// Held together by those who store and take, and alone by who cleans.
const LOCK_FILE: &str = ".lock";
/// Beginning of the names of directories in which something comes or goes.
const STAGING: &str = "staging-";
const RESULT: &str = "result";
const BESIDE: &str = "beside";

/// The results that the runs in a directory share.
#[derive(Debug)]
pub struct SharedResults {
    root: PathBuf,
    runs_dir: PathBuf,
}

/// What became of a result that was to be taken.
#[derive(Debug, PartialEq)]
pub enum Taken {
    /// It is there: its files, with their times.
    Whole(Vec<OutputFile>),
    /// Somebody has removed or replaced it meanwhile.
    Gone,
    /// Its files were not as recorded; it was removed. Says what was wrong.
    Damaged(String),
}

impl SharedResults {
    /// Those of the runs in `runs_dir`; nothing is written yet.
    pub fn of_runs(runs_dir: &Path) -> Self {
        Self { root: runs_dir.join(SHARED_DIR), runs_dir: runs_dir.to_path_buf() }
    }

    /// The manifest of the result with this fingerprint; none where there is none that can be read. Its files are looked at
    /// when it is taken.
    pub fn find(&self, fingerprint: &str) -> Option<Manifest> {
        let found = read_manifest(&self.result(fingerprint)).ok().flatten();
        found.filter(|manifest| manifest.fingerprint == fingerprint)
    }

    /// Whether something is stored under this fingerprint.
    pub fn contains(&self, fingerprint: &str) -> bool {
        self.entry(fingerprint).exists()
    }

    /// Whether sizes and times of a stored result's files are as recorded, or else their bytes.
    pub fn looks_whole(&self, stored: &Manifest) -> bool {
        matches!(stored.damage(&self.result(&stored.fingerprint)), Ok(None))
    }

    /// Where lies what belongs to a result and is no part of it.
    pub fn beside(&self, fingerprint: &str) -> PathBuf {
        self.entry(fingerprint).join(BESIDE)
    }

    /// Stores the result in `directory`; `add` writes what belongs to it and is no part of it. What stood under its
    /// fingerprint is replaced, unless it is the same.
    ///
    /// # Errors
    /// A place that is not ours or cannot be written: nothing is stored then.
    pub fn put(
        &self,
        directory: &Path,
        manifest: &Manifest,
        add: impl FnOnce(&Path) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        let is_same = |stored: Manifest| {
            let same = stored.output_hash == manifest.output_hash && stored.arithmetic == manifest.arithmetic;
            same && self.looks_whole(&stored)
        };
        if self.find(&manifest.fingerprint).is_some_and(is_same) {
            return Ok(());
        }
        let staging = self.stage()?;
        let stored = self.fill(&staging, directory, manifest, add).and_then(|()| self.swap_in(&staging, manifest));
        if stored.is_err() {
            // The error is the one to tell; `clean` removes what is left.
            let _ = remove_directory(&staging);
        }
        stored
    }

    fn fill(
        &self,
        staging: &Path,
        directory: &Path,
        manifest: &Manifest,
        add: impl FnOnce(&Path) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let (result, beside) = (staging.join(RESULT), staging.join(BESIDE));
        link_tree(directory, &result)?;
        manifest.write(&result)?;
        fs::create_dir(&beside).map_err(StoreError::io("create directory", &beside))?;
        add(&beside)?;
        sync_tree(staging)
    }

    fn swap_in(&self, staging: &Path, manifest: &Manifest) -> Result<(), StoreError> {
        let entry = self.entry(&manifest.fingerprint);
        if entry.exists() {
            self.remove(&entry)?;
        }
        match fs::rename(staging, &entry) {
            Ok(()) => sync_directory(&self.root),
            // Another run has stored it meanwhile.
            Err(error) if [ErrorKind::DirectoryNotEmpty, ErrorKind::AlreadyExists].contains(&error.kind()) => {
                remove_directory(staging)
            }
            Err(error) => Err(StoreError::io("rename to", &entry)(error)),
        }
    }

    /// Links the files of the stored result into `directory`, and reads them there.
    ///
    /// # Errors
    /// A place that cannot be read or written.
    pub fn take(&self, stored: &Manifest, directory: &Path) -> Result<Taken, StoreError> {
        let _lock = self.lock()?;
        let linked = link_tree(&self.result(&stored.fingerprint), directory);
        let (files, output_hash) = match linked.and_then(|()| record_files(directory)) {
            Err(StoreError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => return Ok(Taken::Gone),
            recorded => recorded?,
        };
        if output_hash == stored.output_hash {
            return Ok(Taken::Whole(files));
        }
        // Replaced or removed while it was linked: what lies here is no result, and what stands there is whole.
        if self.find(&stored.fingerprint).as_ref() != Some(stored) {
            return Ok(Taken::Gone);
        }
        let what = difference(&stored.files, &files);
        self.remove(&self.entry(&stored.fingerprint))?;
        Ok(Taken::Damaged(what))
    }

    /// Removes an entry so that nobody sees half of it.
    fn remove(&self, entry: &Path) -> Result<(), StoreError> {
        let away = self.stage()?;
        match fs::rename(entry, &away) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::io("move away", entry)(error)),
            _ => remove_directory(&away),
        }
    }

    /// A new, empty directory in which something comes or goes.
    fn stage(&self) -> Result<PathBuf, StoreError> {
        claim_new(&self.root.join(format!("{STAGING}{}", std::process::id())))
    }

    /// Makes the place where there is none, and keeps who cleans out of it.
    fn lock(&self) -> Result<File, StoreError> {
        claim(&self.root)?;
        let (path, file) = self.lock_file()?;
        file.lock_shared().map_err(StoreError::io("lock", &path))?;
        Ok(file)
    }

    fn lock_file(&self) -> Result<(PathBuf, File), StoreError> {
        let path = self.root.join(LOCK_FILE);
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path);
        Ok((path.clone(), file.map_err(StoreError::io("open", &path))?))
    }

    fn entry(&self, fingerprint: &str) -> PathBuf {
        self.root.join(fingerprint)
    }

    fn result(&self, fingerprint: &str) -> PathBuf {
        self.entry(fingerprint).join(RESULT)
    }
}

/// The first file that is not as recorded.
fn difference(recorded: &[OutputFile], found: &[OutputFile]) -> String {
    let holds = |files: &[OutputFile], one: &OutputFile, with_hash: bool| {
        files.iter().any(|file| file.path == one.path && (!with_hash || file.hash == one.hash))
    };
    let changed = recorded.iter().find(|one| !holds(found, one, true));
    match (changed, found.iter().find(|one| !holds(recorded, one, false))) {
        (Some(one), _) if holds(found, one, false) => format!("{} was changed", one.path.display()),
        (Some(one), _) => format!("{} is missing", one.path.display()),
        (None, Some(one)) => format!("{} was added", one.path.display()),
        (None, None) => "its recorded hash is another one".to_owned(),
    }
}

#[cfg(test)]
mod tests;
