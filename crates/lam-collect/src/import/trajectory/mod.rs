//! Other people's records of what was done in an application: trajectories where they hold screens and actions,
//! task-plan pairs where they hold requests and steps.
//!
//! A record that cannot be used is counted and kept aside with its file, line and field; the rest goes on.

mod chat;
mod gui360;
mod mind2web;
mod ufo_dataflow;

use std::collections::BTreeMap;
use std::path::Path;

use lam_signal::{Cancel, Progress};
use lam_store::{hash_bytes, trajectory_id, write_atomic, write_task_plans, write_trajectories};
use lam_types::{ControlType, PlanSource, Split, TaskPlan, Trajectory};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::config::{SourceConfig, SourceKind};
use super::files::{SourceFile, files_below};
use super::{Fault, Unreadable};
use crate::CollectError;
use crate::plans::task_id;

/// Formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportFormat {
    /// GUI-360's raw trajectories: a file a trajectory, a line a step.
    Gui360,
    /// Mind2Web's tasks with their actions and candidates.
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

/// What one file gives.
#[derive(Debug, Default)]
struct Records {
    trajectories: Vec<Trajectory>,
    plans: Vec<Plan>,
    faults: Vec<Fault>,
    /// Types of controls that have no counterpart and were read as `Group`, with how many.
    unknown_types: BTreeMap<String, usize>,
    records: usize,
}

/// A request and its steps.
#[derive(Debug)]
struct Plan {
    application: String,
    task: String,
    steps: Vec<String>,
}

/// Why a record cannot be used: the field, and what is wrong with it.
type Refusal = (String, String);

/// Reads every file of a format under `path` and writes `trajectories.parquet`, `task_plans.parquet` (whichever have
/// rows), `unreadable.jsonl` and `stats.json` below `output`. Returns the statistics.
///
/// # Errors
/// A path without a file, not a single usable record, or a disk that refuses.
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
        unreadable.extend(found.faults.into_iter().map(|fault| aside(format, file, fault)));
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
        let hint = format!("hint: {} says why; is it of the format `{}`?", place.display(), format.as_str());
        return Err(CollectError::Nothing(format!("{}: no usable record of {records}\n{hint}", path.display())));
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
        ImportFormat::Gui360 => gui360::read(&text, file),
        ImportFormat::Mind2web => each(&text, |record, found| mind2web::read(record, file, found)),
        ImportFormat::UfoDataflow => each(&text, ufo_dataflow::read),
        ImportFormat::Messages => each(&text, chat::messages),
        ImportFormat::Sharegpt => each(&text, chat::sharegpt),
        ImportFormat::Alpaca => each(&text, chat::alpaca),
    };
    (records, hash_bytes(&bytes))
}

/// Every record of a file: JSON lines, an array, or a single object.
fn each(text: &str, read: impl Fn(&Value, &mut Records) -> Result<(), Refusal>) -> Records {
    let mut found = Records::default();
    let take = |record: Result<Value, serde_json::Error>, line: usize, place: String, found: &mut Records| {
        found.records += 1;
        let refusal = match record {
            Err(error) => Some((String::new(), error.to_string())),
            Ok(record) => read(&record, found).err(),
        };
        if let Some((field, reason)) = refusal {
            found.faults.push(Fault { line, field: format!("{place}{field}"), reason });
        }
    };
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Array(records)) => {
            for (index, record) in records.into_iter().enumerate() {
                take(Ok(record), 0, format!("[{index}]."), &mut found);
            }
        }
        Ok(record) => take(Ok(record), 1, String::new(), &mut found),
        Err(error) if text.trim_start().starts_with('[') => take(Err(error), 0, String::new(), &mut found),
        Err(_) => {
            for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                take(serde_json::from_str(line), index + 1, String::new(), &mut found);
            }
        }
    }
    found
}

fn pair(format: ImportFormat, file: &SourceFile, hash: &str, plan: Plan) -> TaskPlan {
    let document = format!("{}/{}", format.as_str(), file.name);
    TaskPlan {
        task_id: task_id(&document, &plan.task, &plan.steps),
        application: plan.application,
        source: PlanSource::Other,
        task: plan.task,
        plan: plan.steps,
        parent_id: None,
        document,
        document_hash: hash.to_owned(),
        producer: format!("import:{}-1", format.as_str()),
        family: String::new(),
        split: Split::Train,
    }
}

fn aside(format: ImportFormat, file: &SourceFile, fault: Fault) -> Unreadable {
    Unreadable {
        source: format.as_str().to_owned(),
        file: file.name.clone(),
        line: fault.line,
        field: fault.field,
        reason: fault.reason,
    }
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
    crate::plans::write_lines(&output.join("unreadable.jsonl"), unreadable)?;
    Ok(write_atomic(&output.join("stats.json"), format!("{stats:#}\n").as_bytes())?)
}

/// The trajectory under its own content's name.
fn named(mut trajectory: Trajectory) -> Trajectory {
    trajectory.trajectory_id = trajectory_id(&trajectory);
    trajectory
}

/// A field of an object as text; numbers are spelled out.
fn text(record: &Value, field: &str) -> Result<String, Refusal> {
    match &record[field] {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null => Err((field.to_owned(), "is missing".to_owned())),
        other => Err((field.to_owned(), format!("must be text, not {other}"))),
    }
}

/// A field that may be missing.
fn optional(record: &Value, field: &str) -> String {
    text(record, field).unwrap_or_default()
}

/// A field that holds a list.
fn list<'a>(record: &'a Value, field: &str) -> Result<&'a Vec<Value>, Refusal> {
    record[field].as_array().ok_or_else(|| (field.to_owned(), "must be a list".to_owned()))
}

/// The type of this name; one without a counterpart is read as `Group` and counted.
fn control_type(name: &str, unknown: &mut BTreeMap<String, usize>) -> ControlType {
    let found = ControlType::ALL.into_iter().find(|known| known.as_str() == name);
    found.unwrap_or_else(|| {
        *unknown.entry(name.to_owned()).or_insert(0) += 1;
        ControlType::Group
    })
}
