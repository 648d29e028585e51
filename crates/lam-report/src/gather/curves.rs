//! Training metrics: one JSON object a line, one series a metric.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{files_below, read_text};
use crate::error::ReportError;
use crate::run::{Curves, StageRecord};

/// The metrics of every training loop, in the order of the stages; within one, the reward model comes first.
pub fn read(stages: &[(StageRecord, PathBuf)]) -> Result<Vec<Curves>, ReportError> {
    let mut all = Vec::new();
    for (stage, path) in stages {
        let mut files = files_below(path, 2, "jsonl");
        files.sort_by_key(|file| !file.to_string_lossy().contains("reward"));
        for file in files {
            if file.file_name().is_some_and(|name| name == "metrics.jsonl") {
                let series = parse(&read_text(&file)?);
                all.push(Curves { name: name(&stage.name, path, &file), series });
            }
        }
    }
    all.retain(|curves| !curves.series.is_empty());
    Ok(all)
}

/// `lam4/reward` for `metrics.jsonl` in the folder `reward` of stage `lam4`, or in `reward/training`.
pub fn name(stage: &str, root: &Path, file: &Path) -> String {
    let folder = file.parent().and_then(|parent| parent.strip_prefix(root).ok());
    let folder =
        folder.map(|folder| if folder.ends_with("training") { folder.parent().unwrap_or(folder) } else { folder });
    match folder.filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => format!("{stage}/{}", folder.display()),
        None => stage.to_owned(),
    }
}

/// The series of a whole file.
fn parse(text: &str) -> Vec<(String, Vec<(f64, f64)>)> {
    let mut series = Series::default();
    text.lines().for_each(|line| series.add(line));
    series.into_points()
}

/// The series of a file, line by line.
#[derive(Debug, Default)]
pub struct Series {
    points: Vec<(String, Vec<(f64, f64)>)>,
    numbers: HashMap<String, usize>,
    lines: usize,
}

impl Series {
    /// Takes a line; one that is cut off (a run that was killed) is passed over.
    pub fn add(&mut self, line: &str) {
        let index = self.lines;
        self.lines += 1;
        let Ok(Value::Object(row)) = serde_json::from_str::<Value>(line) else { return };
        let step = ["global_step", "step"].iter().find_map(|key| row.get(*key)?.as_f64()).unwrap_or(index as f64);
        for (key, value) in &row {
            let Some(value) = value.as_f64() else { continue };
            let next = self.points.len();
            let number = *self.numbers.entry(key.clone()).or_insert(next);
            if number == next {
                self.points.push((key.clone(), Vec::new()));
            }
            self.points[number].1.push((step, value));
        }
    }

    /// Metric names and their points, in the order of first appearance.
    pub fn points(&self) -> &[(String, Vec<(f64, f64)>)] {
        &self.points
    }

    fn into_points(self) -> Vec<(String, Vec<(f64, f64)>)> {
        self.points
    }

    /// The last value of a metric.
    pub fn last(&self, key: &str) -> Option<f64> {
        let (_, points) = self.points.iter().find(|(name, _)| name == key)?;
        points.last().map(|(_, value)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_is_a_series_over_steps_and_a_cut_line_is_passed_over() {
        let series =
            parse("{\"global_step\":1,\"loss\":3.0}\n{\"global_step\":2,\"loss\":2.0,\"eval_loss\":2.5}\n{\"global_st");
        let of = |key: &str| series.iter().find(|(name, _)| name == key).unwrap().1.clone();
        assert_eq!(of("loss"), [(1.0, 3.0), (2.0, 2.0)]);
        assert_eq!(of("eval_loss"), [(2.0, 2.5)]);
    }
}
