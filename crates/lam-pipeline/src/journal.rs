//! The run's journal: one line for everything that happened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use lam_store::{Journal, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::plan::{PlannedStage, StageAction};

/// Name of the journal in a run directory.
pub const JOURNAL_FILE: &str = "events.jsonl";
/// The event with which a run begins.
const RUN_EVENT: &str = "run";

/// A stage as the journal tells it when a run begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JournalStage {
    pub id: String,
    pub kind: String,
    pub action: StageAction,
}

/// What the journal says of the latest run, and of all before it.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The stages of the latest run, in order; none where no run told them.
    pub planned: Vec<JournalStage>,
    /// Those that are over in the latest run.
    pub over: BTreeSet<String>,
    /// How long each stage took when it was last made, in seconds.
    pub durations_s: BTreeMap<String, f64>,
}

pub(crate) struct EventJournal {
    journal: Journal,
    now: fn() -> SystemTime,
}

impl EventJournal {
    pub fn open(run_dir: &Path, now: fn() -> SystemTime) -> Result<Self, StoreError> {
        Ok(Self { journal: Journal::open(&run_dir.join(JOURNAL_FILE), |_| Ok::<(), StoreError>(()))?, now })
    }

    /// A run begins, and is to do this.
    pub fn write_plan(&mut self, planned: &[PlannedStage]) -> Result<(), StoreError> {
        let stage = |stage: &PlannedStage| JournalStage {
            id: stage.id.clone(),
            kind: stage.kind.clone(),
            action: stage.action,
        };
        let stages: Vec<JournalStage> = planned.iter().map(stage).collect();
        self.write("", RUN_EVENT, &json!({ "process": std::process::id(), "stages": stages }))
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

impl History {
    /// What the journal in `run_dir` says; a line that is damaged, or still being written, says nothing.
    pub fn read(run_dir: &Path) -> Self {
        let text = std::fs::read_to_string(run_dir.join(JOURNAL_FILE)).unwrap_or_default();
        let mut history = Self::default();
        for event in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            history.add(&event);
        }
        history
    }

    fn add(&mut self, event: &Value) {
        let stage = event["stage"].as_str().unwrap_or_default();
        match event["event"].as_str().unwrap_or_default() {
            RUN_EVENT => {
                self.planned = serde_json::from_value(event["stages"].clone()).unwrap_or_default();
                self.over.clear();
            }
            "finished" => {
                self.over.insert(stage.to_owned());
                if let Some(seconds) = event["duration_s"].as_f64() {
                    self.durations_s.insert(stage.to_owned(), seconds);
                }
            }
            "cached" | "reused" | "left_out" => drop(self.over.insert(stage.to_owned())),
            _ => {}
        }
    }
}
