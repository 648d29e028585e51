//! What an import leaves: its files, all in place of those of the import before it.

use std::collections::BTreeMap;
use std::path::Path;

use lam_store::{
    MANIFEST_FILE, StagingDir, StoreError, remove_directory, remove_file, write_atomic, write_task_plans,
    write_trajectories,
};
use lam_types::{TaskPlan, Trajectory};
use serde_json::{Value, json};

use crate::CollectError;
use crate::aside::{Rejected, Unreadable, write_lines};
use crate::import::content::Repairs;

/// Says what an import read. Goes first and comes last.
const STATS: &str = "stats.json";
/// Every file that an import may leave.
const FILES: [&str; 5] = [STATS, "trajectories.parquet", "task_plans.parquet", "rejected.jsonl", "unreadable.jsonl"];

/// Takes the folder for an import: one that is empty or ours, and not a stage's result, of which a row would go.
pub(super) fn claim(output: &Path) -> Result<(), CollectError> {
    if output.join(MANIFEST_FILE).exists() {
        return Err(CollectError::Config {
            key: "--output-dir",
            value: output.display().to_string(),
            reason: "it holds the result of a stage",
            hint: "name a directory that is empty or not there yet",
        });
    }
    Ok(lam_store::claim(output)?)
}

/// What was read.
#[derive(Default)]
pub(super) struct Results {
    pub(super) format: &'static str,
    pub(super) files: usize,
    pub(super) records: usize,
    /// Records that gave something to use.
    pub(super) usable: usize,
    pub(super) trajectories: Vec<Trajectory>,
    pub(super) pairs: Vec<TaskPlan>,
    pub(super) rejected: Vec<Rejected>,
    pub(super) unreadable: Vec<Unreadable>,
    pub(super) unknown_types: BTreeMap<String, usize>,
    pub(super) repairs: Repairs,
}

impl Results {
    /// Writes the files and returns the statistics. If one cannot be written, what stood there stays.
    pub(super) fn write(&self, output: &Path) -> Result<Value, CollectError> {
        let stats = self.stats();
        let staging = StagingDir::open_empty(&output.join("import"))?;
        let written = self.write_into(staging.path(), &stats).and_then(|()| replace(staging.path(), output));
        remove_directory(staging.path())?;
        written.map(|()| stats)
    }

    fn write_into(&self, folder: &Path, stats: &Value) -> Result<(), CollectError> {
        if !self.trajectories.is_empty() {
            write_trajectories(&folder.join("trajectories.parquet"), &self.trajectories)?;
        }
        if !self.pairs.is_empty() {
            write_task_plans(&folder.join("task_plans.parquet"), &self.pairs)?;
        }
        write_lines(&folder.join("rejected.jsonl"), &self.rejected)?;
        write_lines(&folder.join("unreadable.jsonl"), &self.unreadable)?;
        Ok(write_atomic(&folder.join(STATS), format!("{stats:#}\n").as_bytes())?)
    }

    fn stats(&self) -> Value {
        let mut rejected: BTreeMap<&str, usize> = BTreeMap::new();
        for one in &self.rejected {
            *rejected.entry(one.reason.as_str()).or_insert(0) += 1;
        }
        json!({
            "format": self.format,
            "files": self.files,
            "records": self.records,
            "usable_records": self.usable,
            "unreadable": self.unreadable.len(),
            "rejected": rejected,
            "trajectories": self.trajectories.len(),
            "steps": self.trajectories.iter().map(|one| one.steps.len()).sum::<usize>(),
            "successes": self.trajectories.iter().filter(|one| one.succeeded()).count(),
            "task_plans": self.pairs.len(),
            "converted_files": self.repairs.converted,
            "replaced_characters": self.repairs.replaced,
            "control_types_read_as_group": self.unknown_types,
        })
    }
}

/// Puts the new files in the places of the old ones; an old one without a successor goes.
fn replace(work: &Path, output: &Path) -> Result<(), CollectError> {
    for name in FILES {
        remove_file(&output.join(name))?;
    }
    for name in FILES.iter().rev() {
        let new = work.join(name);
        if new.exists() {
            std::fs::rename(&new, output.join(name)).map_err(StoreError::io("rename to", &output.join(name)))?;
        }
    }
    Ok(())
}
