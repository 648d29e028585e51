//! Other people's records of what was done in an application: trajectories where they hold screens and actions,
//! task-plan pairs where they hold requests and steps.
//!
//! A record that cannot be used is counted and kept aside with its file, line, name and field; the others are still
//! read.

mod chat;
mod gui360;
mod label;
mod mind2web;
mod output;
mod record;
mod repeated;
mod ufo_dataflow;

use std::path::Path;

use lam_signal::{Cancel, Progress};
use lam_types::{PlanSource, TaskPlan};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::apart::apart;
use super::config::{SourceConfig, SourceKind};
use super::content::{Fault, Repairs};
use super::files::{Held, SourceFile, files_below};
use super::json::Source;
use crate::aside::Rejected;
use crate::pair::Origin;
use crate::{CollectError, duplicate};
use output::Results;
use record::{Plan, Records, each};

/// Two tasks, and their plans, are nearly the same from this share of common words on (Jaccard).
const NEAR: f64 = 0.9;

/// Formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportFormat {
    /// GUI-360's raw trajectories: one trajectory per file, one step per line.
    Gui360,
    /// Mind2Web's tasks with their actions and candidate elements.
    Mind2web,
    /// UFO dataflow's instantiated plans, and its task files.
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

    /// What is read, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            ImportFormat::Gui360 => "GUI-360's raw trajectories, a file each",
            ImportFormat::Mind2web => "Mind2Web's tasks with actions and candidate elements",
            ImportFormat::UfoDataflow => "UFO dataflow's instantiated plans and task files",
            ImportFormat::Messages => "OpenAI's messages",
            ImportFormat::Sharegpt => "ShareGPT's conversations",
            ImportFormat::Alpaca => "Alpaca's instructions",
        }
    }
}

/// Reads every file of a format under `path` and writes `trajectories.parquet`, `task_plans.parquet` (whichever have
/// rows), `rejected.jsonl`, `unreadable.jsonl` and `stats.json` below `output`, all in place of those of an import
/// before it. Records that are the same as, or nearly the same as, one before them are left out and counted. Returns the
/// statistics.
///
/// # Errors
/// A path without a file, an `output` that holds something else, not a single usable record (what was wrong with them is
/// written all the same), or a file that cannot be written.
pub fn import(
    format: ImportFormat,
    path: &Path,
    output: &Path,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Value, CollectError> {
    let files = files_below(&SourceConfig::files(SourceKind::Wikihow, path, format.as_str()))?;
    output::claim(output)?;
    let mut results = Results { format: format.as_str(), files: files.len(), ..Results::default() };
    progress.begin(format.as_str(), Some(files.len() as u64));
    for (index, file) in files.iter().enumerate() {
        if cancel.is_cancelled() {
            return Err(CollectError::Cancelled);
        }
        let read = file.clone();
        let (found, hash) = apart(cancel, move || read_file(format, &read))?;
        add(&mut results, format, file, &hash, found);
        progress.advance(index as u64 + 1, &format!("{} records", results.records));
    }
    progress.end();
    let (kept, repeated) = duplicate::remove(std::mem::take(&mut results.pairs), NEAR);
    results.pairs = kept;
    results.rejected.extend(repeated);
    let (kept, repeated) = repeated::remove(std::mem::take(&mut results.trajectories), format.as_str());
    results.trajectories = kept;
    results.rejected.extend(repeated);
    let stats = results.write(output)?;
    if results.trajectories.is_empty() && results.pairs.is_empty() {
        let what = format!("{}: no usable record of {}", path.display(), results.records);
        let (unreadable, rejected) = (output.join("unreadable.jsonl"), output.join("rejected.jsonl"));
        let (unreadable, rejected) = (unreadable.display(), rejected.display());
        let hint = format!("{unreadable} and {rejected} say why; is it of the format `{}`?", format.as_str());
        return Err(CollectError::Nothing { what, hint });
    }
    Ok(stats)
}

fn add(results: &mut Results, format: ImportFormat, file: &SourceFile, hash: &str, found: Records) {
    results.records += found.records;
    results.usable += found.usable;
    results.repairs += found.repairs;
    results.trajectories.extend(found.trajectories);
    for plan in found.plans {
        let rejected = plan.rejected.clone();
        let pair = pair(format, file, hash, plan);
        match rejected {
            None => results.pairs.push(pair),
            Some((reason, detail)) => results.rejected.push(Rejected { reason, detail, pair }),
        }
    }
    let faults = found.faults.into_iter().map(|fault| fault.into_unreadable(format.as_str(), &file.name));
    results.unreadable.extend(faults);
    for (name, count) in found.unknown_types {
        *results.unknown_types.entry(name).or_insert(0) += count;
    }
}

fn read_file(format: ImportFormat, file: &SourceFile) -> (Records, String) {
    let none = |reason: String| {
        (Records { faults: vec![Fault::at(0, reason)], records: 1, ..Records::default() }, String::new())
    };
    let (held, hash) = match file.read() {
        Ok((held, _)) if is_web_page(&held) => return none("is a web page, not records".to_owned()),
        Ok(held) => held,
        Err(reason) => return none(reason),
    };
    let (source, repairs) = match &held {
        Held::Text(text, repairs) => (Source::Text(text), *repairs),
        Held::Parquet => (Source::Table(file.path()), Repairs::default()),
    };
    let mut found = match format {
        ImportFormat::Gui360 => gui360::read(source, &file.name),
        ImportFormat::Mind2web => mind2web::read_all(source, &file.name),
        ImportFormat::UfoDataflow => each(source, &|record, found| ufo_dataflow::read(record, &file.name, found)),
        ImportFormat::Messages => each(source, &chat::messages),
        ImportFormat::Sharegpt => each(source, &chat::sharegpt),
        ImportFormat::Alpaca => each(source, &chat::alpaca),
    };
    if found.records == 0 {
        found.faults.push(Fault::at(0, "holds no record"));
    }
    found.repairs += repairs;
    (found, hash)
}

fn is_web_page(held: &Held) -> bool {
    matches!(held, Held::Text(text, _) if text.trim_start().starts_with('<'))
}

fn pair(format: ImportFormat, file: &SourceFile, hash: &str, plan: Plan) -> TaskPlan {
    let origin = Origin {
        application: plan.application,
        source: PlanSource::Other,
        document: format!("{}/{}", format.as_str(), file.name),
        document_hash: hash.to_owned(),
        producer: format!("import:{}-2", format.as_str()),
    };
    origin.pair(plan.task, plan.steps)
}
