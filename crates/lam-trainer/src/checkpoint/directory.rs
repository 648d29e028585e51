//! Where checkpoints lie: which are complete, which is last and best, which go.

use std::fs;
use std::path::{Path, PathBuf};

use lam_store::{StagingDir, StoreError, content_files, remove_directory};

use crate::TrainerError;

/// Marks the checkpoint of a stop, which a run that was not stopped would not have: it goes when the next one is there.
const STOP_FILE: &str = "stopped";

/// Name of the checkpoint's directory after `step`.
fn checkpoint_name(step: u64) -> String {
    format!("checkpoint-{step}")
}

/// The checkpoints of one output directory.
pub(crate) struct Checkpoints {
    directory: PathBuf,
}

impl Checkpoints {
    /// Opens (and makes) the directory; what a crash left half written goes.
    pub(crate) fn open(directory: &Path) -> Result<Self, TrainerError> {
        fs::create_dir_all(directory).map_err(StoreError::io("create directory", directory))?;
        let checkpoints = Self { directory: directory.into() };
        for name in checkpoints.names()? {
            if !name.starts_with("checkpoint-") {
                continue;
            }
            if let Some(replaced) = name.strip_suffix(".replaced") {
                StagingDir::recover(&directory.join(replaced))?;
            } else if name.ends_with(".partial") {
                remove_directory(&directory.join(name))?;
            }
        }
        Ok(checkpoints)
    }

    /// Directory of the checkpoint after `step`.
    pub(crate) fn path(&self, step: u64) -> PathBuf {
        self.directory.join(checkpoint_name(step))
    }

    /// Steps of the complete checkpoints, ascending.
    pub(crate) fn steps(&self) -> Result<Vec<u64>, TrainerError> {
        let step_of = |name: String| name.strip_prefix("checkpoint-")?.parse().ok();
        let mut steps: Vec<u64> = self.names()?.into_iter().filter_map(step_of).collect();
        steps.sort_unstable();
        Ok(steps)
    }

    /// The checkpoint after `step` beside another one.
    pub(crate) fn beside(&self, other: &Path, step: u64) -> PathBuf {
        other.with_file_name(checkpoint_name(step))
    }

    /// Copies a checkpoint after `step` from elsewhere, unless it lies here.
    pub(crate) fn adopt(&self, from: &Path, step: u64) -> Result<(), TrainerError> {
        let own = self.path(step);
        if own.canonicalize().is_ok_and(|own| from.canonicalize().is_ok_and(|from| own == from)) {
            return Ok(());
        }
        let staging = StagingDir::open_empty(&own)?;
        for name in content_files(from)? {
            let (source, target) = (from.join(&name), staging.path().join(&name));
            let parent = target.parent().unwrap_or(&own);
            fs::create_dir_all(parent).map_err(StoreError::io("create directory", parent))?;
            fs::copy(&source, &target).map_err(StoreError::io("copy", &source))?;
        }
        Ok(staging.commit()?)
    }

    /// Whether the checkpoint after `step` is there and not that of a stop.
    pub(crate) fn is_kept(&self, step: u64) -> bool {
        self.path(step).exists() && !self.is_of_a_stop(step)
    }

    /// Whether the checkpoint after `step` was made by a stop.
    pub(crate) fn is_of_a_stop(&self, step: u64) -> bool {
        self.path(step).join(STOP_FILE).exists()
    }

    /// Marks a checkpoint, while it is written, as that of a stop.
    pub(crate) fn mark_stop(staging: &Path) -> Result<(), TrainerError> {
        let file = staging.join(STOP_FILE);
        Ok(fs::write(&file, "").map_err(StoreError::io("write", &file))?)
    }

    /// Removes the checkpoints of stops before `step`.
    pub(crate) fn forget_stops(&self, step: u64) -> Result<(), TrainerError> {
        let stops = self.steps()?.into_iter().filter(|stop| *stop < step && self.is_of_a_stop(*stop));
        stops.map(|stop| self.path(stop)).try_for_each(|path| Ok(remove_directory(&path)?))
    }

    /// Lets `last` and `best` point to their checkpoints.
    pub(crate) fn link(&self, last: u64, best: Option<u64>) -> Result<(), TrainerError> {
        self.link_one("last", last)?;
        best.map_or(Ok(()), |best| self.link_one("best", best))
    }

    /// Removes the checkpoints after `step`.
    pub(crate) fn discard_after(&self, step: u64) -> Result<(), TrainerError> {
        let newer = self.steps()?.into_iter().filter(|newer| *newer > step);
        newer.map(|newer| self.path(newer)).try_for_each(|path| Ok(remove_directory(&path)?))
    }

    /// Removes the oldest until `keep` are left (0: keeps all); the best and the last stay.
    pub(crate) fn rotate(&self, keep: usize, best: Option<u64>) -> Result<(), TrainerError> {
        let steps = self.steps()?;
        let surplus = if keep == 0 { 0 } else { steps.len().saturating_sub(keep) };
        let last = steps.last().copied();
        let removable = steps.into_iter().filter(|step| Some(*step) != best && Some(*step) != last);
        removable.take(surplus).try_for_each(|step| Ok(remove_directory(&self.path(step))?))
    }

    fn link_one(&self, name: &str, step: u64) -> Result<(), TrainerError> {
        let (link, fresh) = (self.directory.join(name), self.directory.join(format!("{name}.new")));
        let _ = lam_store::remove_file(&fresh);
        std::os::unix::fs::symlink(checkpoint_name(step), &fresh).map_err(StoreError::io("link", &fresh))?;
        fs::rename(&fresh, &link).map_err(StoreError::io("link", &link))?;
        Ok(())
    }

    fn names(&self) -> Result<Vec<String>, TrainerError> {
        let refuse = |error| StoreError::io("read", &self.directory)(error);
        let entries = fs::read_dir(&self.directory).map_err(refuse)?;
        let name = |entry: std::io::Result<fs::DirEntry>| {
            Ok(entry.map_err(refuse)?.file_name().to_string_lossy().into_owned())
        };
        entries.map(name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotation_goes_by_step_and_spares_best_and_last() {
        let root = tempfile::tempdir().unwrap();
        for name in ["checkpoint-9", "checkpoint-10", "checkpoint-100", "checkpoint-20", "checkpoint-30.partial"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        let checkpoints = Checkpoints::open(root.path()).unwrap();
        assert_eq!(checkpoints.steps().unwrap(), [9, 10, 20, 100]);
        checkpoints.link(100, Some(9)).unwrap();
        assert!(root.path().join("best").is_dir());
        checkpoints.rotate(2, Some(9)).unwrap();
        assert_eq!(checkpoints.steps().unwrap(), [9, 100]);
        assert!(!root.path().join("checkpoint-30.partial").exists());
    }
}
