//! Unfinished work of a stage: `<stage>.partial`, and beside it what it belongs to, how long it took and how it failed.

use std::path::{Path, PathBuf};

use lam_store::{StagingDir, StoreError, remove_directory, remove_file, write_atomic};
use serde::{Deserialize, Serialize};

use crate::fingerprint::Identity;

/// What is known of the tries at a stage's result so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    /// What the result that it is to become depends on.
    pub identity: Identity,
    /// When the first try began, seconds since 1970.
    pub started_at: u64,
    /// Time spent in earlier tries, in seconds.
    pub elapsed_s: f64,
    /// How the last try failed, if it did.
    pub error: Option<String>,
    /// Whether it failed because of what it was given: then it is of no use unless that changes.
    pub refused_its_input: bool,
}

impl Attempt {
    /// The unfinished try at the result at `destination`, if there is one.
    pub fn find(destination: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(Self::path(destination)).ok()?;
        let attempt = serde_json::from_str(&text).ok()?;
        StagingDir::work_path(destination).exists().then_some(attempt)
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
        name.push(".attempt.json");
        destination.with_file_name(name)
    }
}
