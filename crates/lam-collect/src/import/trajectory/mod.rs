//! Other people's records of what was done in an application: trajectories where they hold screens and actions,
//! task-plan pairs where they hold requests and steps.
//!
//! A record that cannot be used is counted and kept aside with its file, line and field; the others are still read.

mod chat;
mod gui360;
mod mind2web;
mod record;
mod ufo_dataflow;

use std::collections::BTreeMap;
use std::path::Path;

use lam_signal::{Cancel, Progress};
use lam_store::{hash_bytes, write_atomic, write_task_plans, write_trajectories};
use lam_types::{PlanSource, TaskPlan, Trajectory};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::{SourceConfig, SourceKind};
use super::content::Fault;
use super::files::{SourceFile, files_below};
use crate::CollectError;
use crate::aside::{Unreadable, write_lines};
use crate::pair::Origin;
use record::{Plan, Records, each};

/// Formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportFormat {
    /// GUI-360's raw trajectories: one trajectory per file, one step per line.
    Gui360,
    /// Mind2Web's tasks with their actions and candidate elements.
    Mind2web,
    /// UFO dataflow's instantiated plans.
    UfoDataflow,
    /// OpenAI's messages.
    Messages,
    /// ShareGPT's conversations.
    Sharegpt,
    /// Alpaca's instructions.
    Alpaca,
}

impl ImportFormat {
    /// Every format.
    pub const ALL: [ImportFormat; 6] = [
        ImportFormat::Gui360,
        ImportFormat::Mind2web,
        ImportFormat::UfoDataflow,
        ImportFormat::Messages,
        ImportFormat::Sharegpt,
        ImportFormat::Alpaca,
    ];

    /// The word used on the command line and in provenance.
    pub fn as_str(self) -> &'static str {
        match self {
            ImportFormat::Gui360 => "gui360",
            ImportFormat::Mind2web => "mind2web",
            ImportFormat::UfoDataflow => "ufo-dataflow",
            ImportFormat::Messages => "messages",
            ImportFormat::Sharegpt => "sharegpt",
            ImportFormat::Alpaca => "alpaca",
        }
    }
}

/// Reads every file of a format under `path` and writes `trajectories.parquet`, `task_plans.parquet` (whichever have
/// rows), `unreadable.jsonl` and `stats.json` below `output`. Returns the statistics.
///
/// # Errors
/// A path without a file, not a single usable record, or a file that cannot be written.
pub fn import(
    format: ImportFormat,
    path: &Path,
    output: &Path,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Value, CollectError> {
    let files = files_below(&SourceConfig::files(SourceKind::Wikihow, path, format.as_str()))?;
    let (mut trajectories, mut pairs, mut unreadable) = (Vec::new(), Vec::new(), Vec::new());
    let (mut records, mut unknown_types) = (0, BTreeMap::new());
    progress.begin(format.as_str(), Some(files.len() as u64));
    for (index, file) in files.iter().enumerate() {
        if cancel.is_cancelled() {
            return Err(CollectError::Cancelled);
        }
        let (found, hash) = read_file(format, file);
        records += found.records;
        trajectories.extend(found.trajectories);
        pairs.extend(found.plans.into_iter().map(|plan| pair(format, file, &hash, plan)));
        unreadable.extend(found.faults.into_iter().map(|fault| fault.into_unreadable(format.as_str(), &file.name)));
        for (name, count) in found.unknown_types {
            *unknown_types.entry(name).or_insert(0) += count;
        }
        progress.advance(index as u64 + 1, &format!("{records} records"));
    }
    progress.end();
    let stats = json!({
        "format": format.as_str(), "files": files.len(), "records": records, "unreadable": unreadable.len(),
        "trajectories": trajectories.len(), "steps": trajectories.iter().map(|one| one.steps.len()).sum::<usize>(),
        "successes": trajectories.iter().filter(|one| one.succeeded()).count(),
        "task_plans": pairs.len(), "control_types_read_as_group": unknown_types,
    });
    write(output, &trajectories, &pairs, &unreadable, &stats)?;
    if trajectories.is_empty() && pairs.is_empty() {
        let place = output.join("unreadable.jsonl");
        let hint = format!("{} says why; is it of the format `{}`?", place.display(), format.as_str());
        return Err(CollectError::Nothing { what: format!("{}: no usable record of {records}", path.display()), hint });
    }
    Ok(stats)
}

fn read_file(format: ImportFormat, file: &SourceFile) -> (Records, String) {
    let bytes = match file.read() {
        Ok(bytes) => bytes,
        Err(reason) => {
            let faults = vec![Fault { line: 0, field: String::new(), reason }];
            return (Records { faults, ..Records::default() }, String::new());
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let records = match format {
        ImportFormat::Gui360 => gui360::read(&text, &file.name),
        ImportFormat::Mind2web => each(&text, |record, found| mind2web::read(record, &file.name, found)),
        ImportFormat::UfoDataflow => each(&text, ufo_dataflow::read),
        ImportFormat::Messages => each(&text, chat::messages),
        ImportFormat::Sharegpt => each(&text, chat::sharegpt),
        ImportFormat::Alpaca => each(&text, chat::alpaca),
    };
    (records, hash_bytes(&bytes))
}

fn pair(format: ImportFormat, file: &SourceFile, hash: &str, plan: Plan) -> TaskPlan {
    let origin = Origin {
        application: plan.application,
        source: PlanSource::Other,
        document: format!("{}/{}", format.as_str(), file.name),
        document_hash: hash.to_owned(),
        producer: format!("import:{}-1", format.as_str()),
    };
    origin.pair(plan.task, plan.steps)
}

fn write(
    output: &Path,
    trajectories: &[Trajectory],
    pairs: &[TaskPlan],
    unreadable: &[Unreadable],
    stats: &Value,
) -> Result<(), CollectError> {
    if !trajectories.is_empty() {
        write_trajectories(&output.join("trajectories.parquet"), trajectories)?;
    }
    if !pairs.is_empty() {
        write_task_plans(&output.join("task_plans.parquet"), pairs)?;
    }
    write_lines(&output.join("unreadable.jsonl"), unreadable)?;
    Ok(write_atomic(&output.join("stats.json"), format!("{stats:#}\n").as_bytes())?)
}
