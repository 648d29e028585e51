//! Files and directories that appear whole or not at all.
//!
//! A file is written beside its place, synced, and renamed. A directory is built in a staging directory and
//! swapped in; what it replaces is removed only then. Knows nothing of what is written.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::owned::{claim, refuse_to_replace, remove_directory, remove_file};
use crate::{MANIFEST_FILE, MARK_FILE, StoreError};

/// Ending of a directory that holds unfinished work.
const PARTIAL: &str = "partial";
/// Ending of the directory in which a result is taken.
const TAKEN: &str = "taken";
/// Ending of a directory that another one takes the place of.
const REPLACED: &str = "replaced";

/// Write `bytes` to `path` so that a crash leaves the old file or the new one.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    write_atomic_with(path, |file| file.write_all(bytes).map_err(StoreError::io("write", path)))
}

/// As [`write_atomic`], for content that is produced piece by piece.
pub fn write_atomic_with(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let parent = parent_of(path);
    fs::create_dir_all(parent).map_err(StoreError::io("create directory", parent))?;
    let temporary = sibling(path, "tmp");
    let written = (|| {
        let mut file = File::create(&temporary).map_err(StoreError::io("create", &temporary))?;
        write(&mut file)?;
        file.sync_all().map_err(StoreError::io("write", &temporary))?;
        fs::rename(&temporary, path).map_err(StoreError::io("rename to", path))
    })();
    if written.is_err() {
        // The write failed already; a leftover temporary file is only untidy.
        let _ = remove_file(&temporary);
        return written;
    }
    sync_directory(parent)
}

/// A directory under construction: at `path().…` while open, at its destination once committed.
///
/// Dropping it without a commit leaves what is there, so that the work can resume later.
#[derive(Debug)]
pub struct StagingDir {
    work: PathBuf,
    destination: PathBuf,
}

impl StagingDir {
    /// Open `<destination>.partial`, with what an earlier, unfinished try left in it. What will have to go in the end
    /// must be ours, or it is refused now.
    pub fn open(destination: &Path) -> Result<Self, StoreError> {
        Self::open_at(Self::work_path(destination), destination)
    }

    /// Open `<destination>.partial` empty.
    pub fn open_empty(destination: &Path) -> Result<Self, StoreError> {
        remove_directory(&Self::work_path(destination))?;
        Self::open(destination)
    }

    /// Open `<destination>.taken` empty: for a result that is there already and is only brought to its place. What a
    /// kill leaves of that is no unfinished work, and nothing goes on from it.
    pub fn open_taken(destination: &Path) -> Result<Self, StoreError> {
        let work = sibling(destination, TAKEN);
        remove_directory(&work)?;
        Self::open_at(work, destination)
    }

    fn open_at(work: PathBuf, destination: &Path) -> Result<Self, StoreError> {
        refuse_to_replace(destination)?;
        refuse_to_replace(&sibling(destination, REPLACED))?;
        claim(&work)?;
        Ok(Self { work, destination: destination.to_path_buf() })
    }

    /// Where an unfinished `destination` is built.
    pub fn work_path(destination: &Path) -> PathBuf {
        sibling(destination, PARTIAL)
    }

    /// Whether a directory is called as one that is not in its place yet, or not any more. A kill may leave one with a
    /// manifest: it is no result.
    pub fn is_on_its_way(directory: &Path) -> bool {
        directory.extension().is_some_and(|ending| [PARTIAL, TAKEN, REPLACED].iter().any(|own| ending == *own))
    }

    /// The directory to write into.
    pub fn path(&self) -> &Path {
        &self.work
    }

    /// Sync every file, put the directory in its place, and only then remove what stood there.
    pub fn commit(self) -> Result<(), StoreError> {
        if self.work.join(MANIFEST_FILE).is_file() {
            remove_file(&self.work.join(MARK_FILE))?;
        }
        sync_tree(&self.work)?;
        let replaced = sibling(&self.destination, REPLACED);
        remove_directory(&replaced)?;
        refuse_to_replace(&self.destination)?;
        if self.destination.exists() {
            fs::rename(&self.destination, &replaced).map_err(StoreError::io("move away", &self.destination))?;
        }
        fs::rename(&self.work, &self.destination).map_err(StoreError::io("rename to", &self.destination))?;
        sync_directory(parent_of(&self.destination))?;
        remove_directory(&replaced)
    }

    /// Remove it with what is in it.
    pub fn discard(self) -> Result<(), StoreError> {
        remove_directory(&self.work)
    }

    /// After a crash: bring a directory back that was replaced when it came between the two renames of a commit, and
    /// remove what was being taken.
    pub fn recover(destination: &Path) -> Result<(), StoreError> {
        remove_directory(&sibling(destination, TAKEN))?;
        let replaced = sibling(destination, REPLACED);
        if !replaced.exists() {
            return Ok(());
        }
        if destination.exists() {
            return remove_directory(&replaced);
        }
        fs::rename(&replaced, destination).map_err(StoreError::io("rename to", destination))
    }
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

pub(crate) fn sync_directory(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(StoreError::io("sync", path))
}

pub(crate) fn sync_tree(directory: &Path) -> Result<(), StoreError> {
    for entry in fs::read_dir(directory).map_err(StoreError::io("read", directory))? {
        let path = entry.map_err(StoreError::io("read", directory))?.path();
        if path.is_dir() {
            sync_tree(&path)?;
        } else {
            File::open(&path).and_then(|file| file.sync_all()).map_err(StoreError::io("sync", &path))?;
        }
    }
    sync_directory(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_rubbish() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.txt");
        write_atomic(&path, b"old").unwrap();
        let failed = write_atomic_with(&path, |file| {
            file.write_all(b"half").map_err(StoreError::io("write", &path))?;
            Err(StoreError::io("write", &path)(std::io::Error::from(std::io::ErrorKind::StorageFull)))
        });
        let message = failed.unwrap_err().to_string();
        assert!(message.contains("a.txt") && message.contains("hint: the disk is full"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn the_old_directory_stays_until_the_new_one_is_complete() {
        let root = tempfile::tempdir().unwrap();
        let destination = root.path().join("stage");
        claim(&destination).unwrap();
        fs::write(destination.join("x"), "old").unwrap();

        let staging = StagingDir::open(&destination).unwrap();
        fs::write(staging.path().join("y"), "new").unwrap();
        assert_eq!(fs::read_to_string(destination.join("x")).unwrap(), "old");
        staging.commit().unwrap();
        assert!(!destination.join("x").exists());
        assert_eq!(fs::read_to_string(destination.join("y")).unwrap(), "new");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_on_its_way_is_told_by_its_name() {
        let root = tempfile::tempdir().unwrap();
        let destination = root.path().join("stage");
        for open in [StagingDir::open, StagingDir::open_empty, StagingDir::open_taken] {
            assert!(StagingDir::is_on_its_way(open(&destination).unwrap().path()));
        }
        assert!(StagingDir::is_on_its_way(&root.path().join("stage.replaced")));
        assert!(!StagingDir::is_on_its_way(&destination) && !StagingDir::is_on_its_way(&root.path().join("run-0.1")));
    }

    #[test]
    fn a_crash_between_the_renames_is_recovered() {
        let root = tempfile::tempdir().unwrap();
        let destination = root.path().join("stage");
        fs::create_dir(root.path().join("stage.replaced")).unwrap();
        StagingDir::recover(&destination).unwrap();
        assert!(destination.exists());
        assert!(!root.path().join("stage.replaced").exists());
    }

    #[test]
    fn nothing_begins_where_somebody_elses_directory_would_have_to_go() {
        let root = tempfile::tempdir().unwrap();
        for name in ["stage", "stage.partial", "stage.replaced"] {
            let foreign = root.path().join(name);
            fs::create_dir(&foreign).unwrap();
            fs::write(foreign.join("letter"), "x").unwrap();
            assert!(StagingDir::open(&root.path().join("stage")).is_err(), "{name}");
            assert!(StagingDir::open_empty(&root.path().join("stage")).is_err(), "{name}");
            assert!(foreign.join("letter").exists(), "{name}");
            fs::remove_dir_all(foreign).unwrap();
        }
    }
}
