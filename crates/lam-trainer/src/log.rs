//! `metrics.jsonl`, one line a record, under the names of Hugging Face and TRL. Holds no timings unless asked to,
//! so that the same run writes the same bytes.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use lam_store::{StoreError, write_atomic};
use serde::{Deserialize, Serialize};

use crate::TrainerError;
use crate::tensorboard::EventFile;

/// Name of the metrics' file.
pub const METRICS_FILE: &str = "metrics.jsonl";

/// One line of the metrics' file: what was measured at a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Optimizer steps done.
    pub global_step: u64,
    /// Epochs given out.
    pub epoch: f32,
    /// Input tokens read in training.
    pub num_tokens: u64,
    /// The figures: `loss`, `grad_norm`, `learning_rate`, the module's own; those of an evaluation begin with `eval_`.
    #[serde(flatten)]
    pub values: BTreeMap<String, f32>,
}

/// Where records go.
pub(crate) struct MetricsLog {
    path: PathBuf,
    events: Option<EventFile>,
}

impl MetricsLog {
    /// The log of a directory; nothing is written yet.
    pub(crate) fn new(directory: &Path, tensorboard: bool) -> Self {
        let events = tensorboard.then(|| EventFile::new(directory));
        Self { path: directory.join(METRICS_FILE), events }
    }

    /// Begins with the records that a checkpoint holds; lines written after it are dropped.
    pub(crate) fn restart(&self, history: &[LogRecord]) -> Result<(), TrainerError> {
        let lines: String = history.iter().map(line).collect();
        write_atomic(&self.path, lines.as_bytes())?;
        self.events.iter().try_for_each(|events| events.restart(history))
    }

    /// Appends a record.
    pub(crate) fn write(&self, record: &LogRecord) -> Result<(), TrainerError> {
        append(&self.path, line(record).as_bytes())?;
        self.events.iter().try_for_each(|events| events.write(record))
    }
}

/// Appends to a file that is there.
pub(crate) fn append(path: &Path, bytes: &[u8]) -> Result<(), TrainerError> {
    let mut file = OpenOptions::new().append(true).open(path).map_err(StoreError::io("open", path))?;
    Ok(file.write_all(bytes).map_err(StoreError::io("write", path))?)
}

fn line(record: &LogRecord) -> String {
    let mut line = serde_json::to_string(record).expect("numbers by name serialise");
    line.push('\n');
    line
}
