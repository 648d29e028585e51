//! What all formats of records share: what a file gives, and fields read with their names in the refusal.

use std::collections::BTreeMap;

use lam_store::trajectory_id;
use lam_types::{ControlType, Trajectory};
use serde_json::Value;

use crate::import::content::Fault;

/// What one file gives.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) trajectories: Vec<Trajectory>,
    pub(super) plans: Vec<Plan>,
    pub(super) faults: Vec<Fault>,
    /// Types of controls that have no counterpart and were read as `Group`, with how many.
    pub(super) unknown_types: BTreeMap<String, usize>,
    pub(super) records: usize,
}

/// A request and its steps.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) application: String,
    pub(super) task: String,
    pub(super) steps: Vec<String>,
}

/// Why a record cannot be used: the field, and what is wrong with it.
pub(super) type Refusal = (String, String);

/// Every record of a file: JSON lines, an array, or a single object.
pub(super) fn each(text: &str, read: impl Fn(&Value, &mut Records) -> Result<(), Refusal>) -> Records {
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

/// The trajectory under its own content's name.
pub(super) fn named(mut trajectory: Trajectory) -> Trajectory {
    trajectory.trajectory_id = trajectory_id(&trajectory);
    trajectory
}

/// A field of an object as text; numbers are spelled out.
pub(super) fn text(record: &Value, field: &str) -> Result<String, Refusal> {
    match &record[field] {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null => Err((field.to_owned(), "is missing".to_owned())),
        other => Err((field.to_owned(), format!("must be text, not {other}"))),
    }
}

/// A field that may be missing.
pub(super) fn optional(record: &Value, field: &str) -> String {
    text(record, field).unwrap_or_default()
}

/// A field that holds a list.
pub(super) fn list<'a>(record: &'a Value, field: &str) -> Result<&'a Vec<Value>, Refusal> {
    record[field].as_array().ok_or_else(|| (field.to_owned(), "must be a list".to_owned()))
}

/// The type of this name; one without a counterpart is read as `Group` and counted.
pub(super) fn control_type(name: &str, unknown: &mut BTreeMap<String, usize>) -> ControlType {
    let found = ControlType::ALL.into_iter().find(|known| known.as_str() == name);
    found.unwrap_or_else(|| {
        *unknown.entry(name.to_owned()).or_insert(0) += 1;
        ControlType::Group
    })
}
