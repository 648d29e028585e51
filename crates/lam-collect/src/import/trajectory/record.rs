//! What all formats of records share: what a file gives, and fields read with their names in the refusal.

use std::collections::BTreeMap;

use lam_store::trajectory_id;
use lam_types::{ControlType, Trajectory};
use serde_json::Value;

use crate::aside::Rejection;
use crate::import::content::{Fault, Repairs};
use crate::import::json::{Entry, Source, WRAPPERS, is_turn, visit};

/// What one file gives.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) trajectories: Vec<Trajectory>,
    pub(super) plans: Vec<Plan>,
    pub(super) faults: Vec<Fault>,
    /// Faults of the record that is being read, of which the rest can be used.
    pub(super) refusals: Vec<Refusal>,
    /// Types of controls that have no counterpart and were read as `Group`, with how many.
    pub(super) unknown_types: BTreeMap<String, usize>,
    pub(super) records: usize,
    /// Records that gave something to use.
    pub(super) usable: usize,
    pub(super) repairs: Repairs,
}

/// A request and its steps.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) application: String,
    pub(super) task: String,
    pub(super) steps: Vec<String>,
    /// Why the pair is not used, if it is not.
    pub(super) rejected: Option<(Rejection, String)>,
}

/// Why a record cannot be used: the field, and what is wrong with it.
pub(super) type Refusal = (String, String);

/// Fields with the name that a record has of itself.
const NAMES: &[&str] =
    &["execution_id", "annotation_id", "unique_id", "task_id", "conversation_id", "unique_trajectory_id", "id"];

impl Records {
    /// Takes one record.
    pub(super) fn take(&mut self, line: usize, place: &str, record: &Value, read: &Read<'_>) {
        let (plans, trajectories) = (self.plans.len(), self.trajectories.len());
        self.records += 1;
        let refused = read(record, self).err();
        let of_plans = self.plans[plans..].iter().any(|plan| plan.rejected.is_none());
        self.usable += usize::from(of_plans || self.trajectories.len() > trajectories);
        for (field, reason) in std::mem::take(&mut self.refusals).into_iter().chain(refused) {
            self.fault(line, place, &name_of(record), (field, reason));
        }
    }

    pub(super) fn fault(&mut self, line: usize, place: &str, record: &str, (field, reason): Refusal) {
        let field = format!("{place}{field}").trim_end_matches('.').to_owned();
        self.faults.push(Fault { line, record: record.to_owned(), field, reason });
    }
}

/// Reads one record.
pub(super) type Read<'a> = dyn Fn(&Value, &mut Records) -> Result<(), Refusal> + 'a;

/// Every record of a file: JSON lines, an array, single objects, a table's rows.
pub(super) fn each(source: Source<'_>, read: &Read<'_>) -> Records {
    let mut found = Records::default();
    let replaced = visit(source, |Entry { line, place, value }| match value {
        Err(reason) => {
            found.records += 1;
            found.fault(line, &place, "", (String::new(), reason));
        }
        Ok(value) => {
            for (inner, record) in records_of(&value) {
                found.take(line, &format!("{place}{inner}"), record, read);
            }
        }
    });
    found.repairs.replaced = replaced;
    found
}

/// The records in a value, each with its place: of an object that holds lists of them and what describes these, of one
/// that names each record, or the value itself.
fn records_of(value: &Value) -> Vec<(String, &Value)> {
    match wrapped(value).or_else(|| keyed(value)) {
        Some(records) => records,
        None => vec![(String::new(), value)],
    }
}

/// The records of an object whose only lists are lists of them: `{"version": "1", "data": [{…}, {…}]}`.
fn wrapped(value: &Value) -> Option<Vec<(String, &Value)>> {
    let fields = value.as_object()?;
    let holds = |(key, field): (&String, &Value)| match field {
        Value::Array(records) => WRAPPERS.contains(&key.as_str()) && records.iter().any(is_record),
        Value::Object(_) => !PARTS.contains(&key.as_str()),
        _ => true,
    };
    if !fields.iter().all(holds) {
        return None;
    }
    let mut records = Vec::new();
    for (key, field) in fields.iter().filter(|(key, _)| WRAPPERS.contains(&key.as_str())) {
        for (index, record) in field.as_array().into_iter().flatten().enumerate() {
            records.push((format!("{key}[{index}]."), record));
        }
        for (inner, record) in keyed(field).into_iter().flatten() {
            records.push((format!("{key}.{inner}"), record));
        }
    }
    (!records.is_empty()).then_some(records)
}

/// The records of an object that names each of them: `{"a": {…}, "b": {…}}`, most of them with a field in common.
fn keyed(value: &Value) -> Option<Vec<(String, &Value)>> {
    let fields = value.as_object().filter(|fields| !fields.keys().any(|key| PARTS.contains(&key.as_str())))?;
    let records = || fields.values().filter(|field| is_record(field)).filter_map(Value::as_object);
    let count = records().count();
    let mut names = std::collections::HashMap::<&str, usize>::new();
    records().flat_map(|record| record.keys()).for_each(|name| *names.entry(name).or_default() += 1);
    let in_common = names.values().copied().max().unwrap_or(0);
    let is_list = in_common > 1 && 2 * in_common > count && 2 * count > fields.len();
    is_list.then(|| fields.iter().map(|(key, record)| (format!("{key}."), record)).collect())
}

/// Fields of a record that hold objects: what has one is a record.
const PARTS: &[&str] = &["original", "instantiation_result", "execution_result", "prompt", "chosen", "rejected"];

/// Whether a value may be a record: an object that is no turn of a conversation.
fn is_record(value: &Value) -> bool {
    value.is_object() && !is_turn(value)
}

/// The name that a record has of itself, "" where it has none.
pub(super) fn name_of(record: &Value) -> String {
    NAMES.iter().map(|name| optional(record, name)).find(|name| !name.is_empty()).unwrap_or_default()
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

/// A field that may be missing and holds a whole number: as one, as tables with gaps keep it (`3.0`), or spelled out.
pub(super) fn whole(record: &Value, field: &str) -> Result<Option<u64>, Refusal> {
    let value = &record[field];
    let number = match value {
        Value::Null => return Ok(None),
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    };
    let number = number.filter(|number: &f64| number.fract() == 0.0 && (0.0..1e9).contains(number));
    number.map(|number| Some(number as u64)).ok_or_else(|| (field.to_owned(), format!("must be a number, not {value}")))
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

/// A value that some files keep as JSON in a text.
pub(super) fn unquoted<'a>(value: &'a Value, parsed: &'a mut Value) -> Result<&'a Value, String> {
    match value {
        Value::String(text) => {
            *parsed = serde_json::from_str(text).map_err(|error| format!("is text that is no JSON: {error}"))?;
            Ok(parsed)
        }
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(value: &Value) -> Vec<String> {
        records_of(value).into_iter().map(|(place, _)| place).collect()
    }

    #[test]
    fn records_are_found_in_lists_and_under_names() {
        let record = json!({"messages": [{"role": "user", "content": "x"}]});
        for (value, expected) in [
            (record.clone(), &[""][..]),
            (json!({"a": record, "b": record}), &["a.", "b."]),
            (json!({"a": record, "b": record, "c": {"x": 1}, "d": 7}), &["a.", "b.", "c.", "d."]),
            (
                json!({"version": "1", "info": {"x": 1}, "data": [record, 7, record]}),
                &["data[0].", "data[1].", "data[2]."],
            ),
            (json!({"data": {"a": record, "b": record}}), &["data.a.", "data.b."]),
            (json!({"train": [record], "test": [record]}), &["train[0].", "test[0]."]),
            (json!({"data": [record], "messages": []}), &[""]),
            (json!({"original": {"error": null}, "execution_result": {"error": null}}), &[""]),
            (json!({"a": {"role": "user", "content": "x"}, "b": {"role": "user", "content": "x"}}), &[""]),
            (json!({"chosen": {"text": "x"}, "rejected": {"text": "x"}}), &[""]),
            (json!({"a": {"x": 1}, "b": {"y": 1}}), &[""]),
            (json!({"data": []}), &[""]),
            (json!(7), &[""]),
        ] {
            assert_eq!(places(&value), expected, "{value}");
        }
    }
}
