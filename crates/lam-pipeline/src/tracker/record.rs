//! The figures of a training loop with the times at which they were told. Trackers' files are made of these records, so
//! that a tracker may be chosen before a run, during it or after it. Beside a run's results, not in them: results hold no
//! times.

use std::collections::BTreeMap;
use std::path::Path;

use lam_store::{Journal, StoreError};
use serde::{Deserialize, Serialize};

/// What to do with a file of records that cannot be read.
const HINT: &str = "remove the file: it holds figures for trackers, and no result depends on it";

/// What was told at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Seconds since 1970.
    pub at: f64,
    /// Optimizer steps done.
    pub step: u64,
    /// The figures; `None` for one that is no number.
    pub values: BTreeMap<String, Option<f32>>,
}

impl Record {
    pub fn new(at: f64, step: u64, values: &BTreeMap<String, f32>) -> Self {
        let value = |value: f32| value.is_finite().then_some(value);
        Self { at, step, values: values.iter().map(|(name, &one)| (name.clone(), value(one))).collect() }
    }

    /// The figures that are numbers.
    pub fn numbers(&self) -> impl Iterator<Item = (&str, f32)> {
        self.values.iter().filter_map(|(name, value)| Some((name.as_str(), (*value)?)))
    }
}

/// Hugging Face's names for TensorBoard and Weights & Biases: `eval_loss` is `eval/loss`, all others are under `train/`.
pub(crate) fn tag(name: &str) -> String {
    match name.strip_prefix("eval_") {
        Some(rest) => format!("eval/{rest}"),
        None => format!("train/{name}"),
    }
}

/// The records in a file; none where there is no file.
pub(crate) fn read_records(path: &Path) -> Result<Vec<Record>, StoreError> {
    if path.exists() { open_records(path).map(|(_, records)| records) } else { Ok(Vec::new()) }
}

/// Opens or makes the file of records, and cuts off what is void: records of steps behind `step`.
pub(crate) fn resume_records(path: &Path, step: u64) -> Result<(Journal, Vec<Record>), StoreError> {
    let (mut journal, mut records) = open_records(path)?;
    records.retain(|record| record.step <= step);
    journal.restart(&records)?;
    Ok((journal, records))
}

fn open_records(path: &Path) -> Result<(Journal, Vec<Record>), StoreError> {
    let mut records = Vec::new();
    let journal = Journal::open(path, |line| {
        records.push(line.decode(HINT)?);
        Ok::<(), StoreError>(())
    })?;
    Ok((journal, records))
}

#[cfg(test)]
mod tests {
    use super::tag;

    #[test]
    fn tags_are_hugging_faces() {
        assert_eq!((tag("eval_loss"), tag("loss")), ("eval/loss".into(), "train/loss".into()));
    }
}
