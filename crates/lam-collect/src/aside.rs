//! What is kept aside instead of stopping a collection: pairs that are not used, and records that cannot be read.

use std::path::Path;

use lam_store::write_atomic;
use lam_types::TaskPlan;
use serde::{Deserialize, Serialize};

use crate::CollectError;

/// A pair that is not used, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Why.
    pub reason: Rejection,
    /// The value that is at fault, or the pair it repeats.
    pub detail: String,
    /// The pair.
    pub pair: TaskPlan,
}

/// Why a pair is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// Not English.
    Language,
    /// Too few or too many words or steps.
    Length,
    /// Nothing that can be done in the application.
    NotActionable,
    /// The same task and plan as a pair before it.
    ExactDuplicate,
    /// Nearly the same task as a pair before it, with the same or nearly the same plan.
    NearDuplicate,
    /// Nothing before the steps asks for something.
    NoTask,
    /// A search for which no procedure is documented.
    NoPlan,
    /// A search that does not mention the application.
    OtherApplication,
    /// What was done is recorded as a failure, or as what is not to be done.
    Failed,
    /// The steps begin in the middle, or end with a colon after which something would have to come.
    Unfinished,
    /// A further list of steps in an answer whose first is used.
    FurtherList,
}

impl Rejection {
    /// The word used in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Rejection::Language => "language",
            Rejection::Length => "length",
            Rejection::NotActionable => "not_actionable",
            Rejection::ExactDuplicate => "exact_duplicate",
            Rejection::NearDuplicate => "near_duplicate",
            Rejection::NoTask => "no_task",
            Rejection::NoPlan => "no_plan",
            Rejection::OtherApplication => "other_application",
            Rejection::Failed => "failed",
            Rejection::Unfinished => "unfinished",
            Rejection::FurtherList => "further_list",
        }
    }
}

/// A document or record that could not be read: kept aside with its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Name of the source.
    pub source: String,
    /// The file, below the source's path.
    pub file: String,
    /// Line, or row of a table, from 1; 0 for the whole file.
    pub line: usize,
    /// The record's own name or number, where it has one.
    pub record: String,
    /// The field at fault; "" for the whole record.
    pub field: String,
    /// What is wrong.
    pub reason: String,
}

/// One JSON line a row.
pub(crate) fn write_lines(path: &Path, rows: &[impl Serialize]) -> Result<(), CollectError> {
    let line = |row| serde_json::to_string(row).expect("our records have text keys only") + "\n";
    Ok(write_atomic(path, rows.iter().map(line).collect::<String>().as_bytes())?)
}
