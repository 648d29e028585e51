//! Unfinished work of a stage: `<stage>.partial`, and beside it what it belongs to, how long it took and how it failed.

use std::path::{Path, PathBuf};

use lam_store::{ATTEMPT_SUFFIX, StagingDir, StoreError, remove_directory, remove_file, write_atomic};
use serde::{Deserialize, Serialize};

use crate::fingerprint::{Identity, without_report_to};

/// What is known of the tries at a stage's result so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// What the result that it is to become depends on.
    pub identity: Identity,
    /// When the first try began, seconds since 1970.
    pub started_at: u64,
    /// Time spent in earlier tries, in seconds.
    pub elapsed_s: f64,
    /// Processor time used in earlier tries, in seconds.
    #[serde(default)]
    pub processor_s: f64,
    /// How the last try failed, if it did.
    pub error: Option<String>,
    /// Whether it failed because of what it was given: then it is of no use unless that changes.
    pub refused_its_input: bool,
}

impl Attempt {
    /// The unfinished try at the result at `destination`, if there is one.
    ///
    /// # Errors
    /// Work whose record cannot be read: what it belongs to is not known then, and it is not thrown away for that.
    pub fn find(destination: &Path) -> Result<Option<Self>, StoreError> {
        let path = Self::path(destination);
        if !StagingDir::work_path(destination).exists() || !path.exists() {
            return Ok(None);
        }
        let bytes = std::fs::read(&path).map_err(StoreError::io("read", &path))?;
        let read: Result<Self, _> = serde_json::from_slice(&bytes);
        let mut attempt = read.map_err(|error| Self::damaged(destination, error.to_string()))?;
        attempt.identity.config = without_report_to(attempt.identity.config);
        Ok(Some(attempt))
    }

    /// The record of the work for `destination` cannot be used.
    pub fn damaged(destination: &Path, reason: String) -> StoreError {
        let hint = "start the stage over with `--force` and its name";
        StoreError::Damaged { path: Self::path(destination), reason, hint }
    }

    /// Keep it beside the unfinished work.
    pub fn save(&self, destination: &Path) -> Result<(), StoreError> {
        let text = serde_json::to_string(self).expect("an attempt has text keys only");
        write_atomic(&Self::path(destination), text.as_bytes())
    }

    /// Remove the unfinished work and what is known of it.
    pub fn discard(destination: &Path) -> Result<(), StoreError> {
        remove_directory(&StagingDir::work_path(destination))?;
        remove_file(&Self::path(destination))
    }

    fn path(destination: &Path) -> PathBuf {
        let mut name = destination.file_name().unwrap_or_default().to_os_string();
        name.push(ATTEMPT_SUFFIX);
        destination.with_file_name(name)
    }
}
