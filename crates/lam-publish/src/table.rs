//! A run's tables as a data set has them: a file, a configuration of its own, a split.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use lam_store::{StoreError, TableKind, read_tasks, table_kind, visit_task_plans, visit_trajectories};
use lam_types::Split;

use crate::run::{StageResult, entries, file_name};

/// The split of a table whose rows are of several; each row says its own in the column `split`.
const MIXED: &str = "mixed";

/// One file of a data set.
pub(crate) struct Table<'a> {
    /// The stage that made it.
    pub(crate) stage: &'a StageResult,
    pub(crate) path: PathBuf,
    /// Its name in the repository.
    pub(crate) name: String,
    /// What `load_dataset` calls it.
    pub(crate) configuration: String,
    pub(crate) kind: TableKind,
    /// Rows of the file: of trajectories, each is a step.
    pub(crate) rows: usize,
    /// Trajectories, plans or tasks.
    pub(crate) records: usize,
    /// Which of them succeeded; none where that means nothing.
    pub(crate) successes: Option<usize>,
    /// Plans by their source, trajectories by who acted.
    pub(crate) origins: BTreeMap<String, usize>,
    splits: BTreeSet<&'static str>,
}

/// The Parquet files right in a stage's directory.
pub(crate) fn files(place: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let is_parquet = |path: &PathBuf| path.extension().is_some_and(|end| end == "parquet");
    Ok(entries(place)?.into_iter().filter(is_parquet).collect())
}

impl<'a> Table<'a> {
    /// The table of a file, if it is one of ours; its rows are read one by one.
    pub(crate) fn read(stage: &'a StageResult, path: &Path) -> Result<Option<Self>, StoreError> {
        let Some(kind) = table_kind(path)? else { return Ok(None) };
        let stem = path.file_stem().map(|stem| plain(&stem.to_string_lossy())).unwrap_or_default();
        let folder = plain(&file_name(&stage.place));
        let mut table = Self {
            stage,
            path: path.to_owned(),
            name: format!("{folder}/{stem}.parquet"),
            configuration: format!("{folder}-{stem}"),
            kind,
            rows: 0,
            records: 0,
            successes: None,
            origins: BTreeMap::new(),
            splits: BTreeSet::new(),
        };
        match kind {
            TableKind::TaskPlans => visit_task_plans(path, |pair| {
                table.count(1, pair.split, format!("{} ({})", pair.source.as_str(), pair.producer));
                ControlFlow::Continue(())
            })?,
            TableKind::Trajectories => visit_trajectories(path, |trajectory| {
                *table.successes.get_or_insert(0) += usize::from(trajectory.succeeded());
                table.count(trajectory.steps.len().max(1), trajectory.task.split, trajectory.policy.name);
                ControlFlow::Continue(())
            })?,
            TableKind::Tasks => {
                for task in read_tasks(path)? {
                    table.count(1, task.split, task.environment);
                }
            }
        }
        Ok(Some(table))
    }

    fn count(&mut self, rows: usize, split: Split, origin: String) {
        self.rows += rows;
        self.records += 1;
        self.splits.insert(split.as_str());
        *self.origins.entry(origin).or_default() += 1;
    }

    /// What `load_dataset` calls its split.
    pub(crate) fn split(&self) -> &'static str {
        match self.splits.first() {
            Some(split) if self.splits.len() == 1 => split,
            _ => MIXED,
        }
    }
}

/// Gives tables of one name different ones: names of files may have become the same when they were made plain.
pub(crate) fn tell_apart(tables: &mut [Table<'_>]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for table in tables {
        let count = seen.entry(table.configuration.clone()).or_default();
        *count += 1;
        if *count > 1 {
            table.name = table.name.replace(".parquet", &format!("-{count}.parquet"));
            table.configuration = format!("{}-{count}", table.configuration);
        }
    }
}

/// A name of letters, digits, `.`, `_` and `-` alone: configurations and patterns of files take no others.
fn plain(name: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { ' ' };
    name.chars().map(letter).collect::<String>().split_whitespace().collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_models_become_plain() {
        for (name, plainly) in [
            ("LAM2", "LAM2"),
            ("LAM2 (a, lam2)", "LAM2-a-lam2"),
            ("openai%2Fgpt-4o", "openai-2Fgpt-4o"),
            ("LAM2, sampled.x", "LAM2-sampled.x"),
        ] {
            assert_eq!(plain(name), plainly);
        }
    }
}
