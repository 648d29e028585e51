//! Training metrics: one JSON object a line, one series a metric.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{files_below, read_text};
use crate::error::ReportError;
use crate::run::{Curves, StageRecord};

/// The metric that says how many tokens were read.
const TOKENS: &str = "num_tokens";

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

    /// The points of what has ended: a mean over a short end is joined to the one before.
    fn into_points(mut self) -> Vec<(String, Vec<(f64, f64)>)> {
        let read = self.points.iter().find(|(key, _)| key == TOKENS).map(|(_, points)| points.clone());
        let read = |step: f64| {
            let found = read.iter().flatten().find(|(at, _)| *at == step);
            found.map_or(step, |(_, tokens)| *tokens)
        };
        for (_, points) in self.points.iter_mut().filter(|(key, _)| is_mean(key)) {
            join_short_end(points, &read);
        }
        self.points
    }

    /// The last value of a metric.
    pub fn last(&self, key: &str) -> Option<f64> {
        let (_, points) = self.points.iter().find(|(name, _)| name == key)?;
        points.last().map(|(_, value)| *value)
    }
}

/// Whether a metric is a mean over what was read since the record before, and not the state of a moment.
fn is_mean(key: &str) -> bool {
    !key.starts_with("eval_") && ![TOKENS, "step", "global_step", "epoch", "learning_rate"].contains(&key)
}

/// A run ends where it ends: its last record may tell of a few steps or of a batch that was cut, and stick out for that
/// alone. Where it tells of less than half of what the one before does, the two become one, weighted by what was read.
fn join_short_end(points: &mut Vec<(f64, f64)>, read: &dyn Fn(f64) -> f64) {
    let [.., (first, _), (middle, before), (last, end)] = *points.as_slice() else { return };
    let (whole, short) = (read(middle) - read(first), read(last) - read(middle));
    if short >= 0.0 && short < whole / 2.0 {
        points.truncate(points.len() - 2);
        points.push((last, (before * whole + end * short) / (whole + short)));
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

    #[test]
    fn a_last_record_of_little_joins_the_one_before_it() {
        let told = |records: &[(u64, u64, f64)]| {
            let line = |(step, tokens, loss): &(u64, u64, f64)| {
                format!("{{\"global_step\":{step},\"num_tokens\":{tokens},\"loss\":{loss},\"eval_loss\":{loss}}}")
            };
            parse(&records.iter().map(line).collect::<Vec<_>>().join("\n"))
        };
        let of = |series: &[(String, Vec<(f64, f64)>)], key: &str| {
            series.iter().find(|(name, _)| name == key).unwrap().1.clone()
        };
        let series = told(&[(10, 100, 2.0), (20, 200, 1.0), (21, 220, 4.0)]);
        assert_eq!(of(&series, "loss"), [(10.0, 2.0), (21.0, 1.5)]);
        assert_eq!(of(&series, "eval_loss").len(), 3, "a measurement of a moment stays");
        assert_eq!(of(&series, "num_tokens").len(), 3);
        let even = told(&[(10, 100, 2.0), (20, 200, 1.0), (30, 290, 4.0)]);
        assert_eq!(of(&even, "loss").last(), Some(&(30.0, 4.0)), "what is no shorter is no spike of that kind");
        let cut = told(&[(1, 100, 2.0), (2, 200, 1.0), (3, 220, 4.0)]);
        assert_eq!(of(&cut, "loss"), [(1.0, 2.0), (3.0, 1.5)], "a batch of a fifth");
        assert_eq!(of(&told(&[(10, 100, 2.0), (11, 101, 9.0)]), "loss").len(), 2);
        let bare = parse("{\"step\":10,\"loss\":2}\n{\"step\":20,\"loss\":1}\n{\"step\":22,\"loss\":4}");
        assert_eq!(of(&bare, "loss"), [(10.0, 2.0), (22.0, 1.5)]);
    }
}
