//! The run's journal: one line for everything that happened.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use lam_store::{Journal, StoreError};
use serde_json::{Value, json};

/// Name of the journal in a run directory.
pub const JOURNAL_FILE: &str = "events.jsonl";

pub(crate) struct EventJournal {
    journal: Journal,
    now: fn() -> SystemTime,
}

impl EventJournal {
    pub fn open(run_dir: &Path, now: fn() -> SystemTime) -> Result<Self, StoreError> {
        Ok(Self { journal: Journal::open(&run_dir.join(JOURNAL_FILE), |_| Ok::<(), StoreError>(()))?, now })
    }

    pub fn write(&mut self, stage: &str, event: &str, details: &Value) -> Result<(), StoreError> {
        let at = (self.now)().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut line = json!({ "at": at, "stage": stage, "event": event });
        if let (Some(line), Some(details)) = (line.as_object_mut(), details.as_object()) {
            line.extend(details.clone());
        }
        self.journal.append(&line)
    }
}
