//! `metrics.jsonl`, one line a record, under the names of Hugging Face and TRL. Holds no timings unless asked to,
//! so that the same run writes the same bytes.

use std::path::Path;

use lam_store::{Journal, StoreError};

use crate::record::LogRecord;

/// Name of the metrics' file.
pub const METRICS_FILE: &str = "metrics.jsonl";

/// Where records go.
pub(crate) struct MetricsLog {
    journal: Journal,
}

impl MetricsLog {
    /// The log of a directory, as it is.
    pub(crate) fn open(directory: &Path) -> Result<Self, StoreError> {
        let journal = Journal::open(&directory.join(METRICS_FILE), |_| Ok::<(), StoreError>(()))?;
        Ok(Self { journal })
    }

    /// Begins with the records that a checkpoint holds; lines written after it are dropped.
    pub(crate) fn restart(&mut self, history: &[LogRecord]) -> Result<(), StoreError> {
        self.journal.restart(history)
    }

    /// Appends a record.
    pub(crate) fn write(&mut self, record: &LogRecord) -> Result<(), StoreError> {
        self.journal.append(record)
    }
}
