//! What a training stage is given, looked through by the rules of `data check` before anything is learned: rows that
//! must not be trained on are refused or, where that is asked for, left out and counted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lam_signal::Progress;
use lam_store::{StoreError, read_task_plans, read_trajectories};
use lam_types::{TaskPlan, Trajectory};

use crate::{CheckConfig, CheckReport, Checker, DataError, Place, Row};

/// Findings that a refusal tells; `data check` tells all.
const TOLD: usize = 3;

/// How files are read that are to be trained on.
#[derive(Clone, Copy)]
pub struct SoundRows<'a> {
    /// The rules.
    pub check: CheckConfig<'a>,
    /// Leave out what must not be trained on, instead of refusing it.
    pub skip_bad: bool,
    /// Hears how much is left out.
    pub progress: &'a dyn Progress,
}

/// A row with the file and place that it comes from.
struct Placed<T> {
    file: usize,
    first: usize,
    rows: usize,
    row: T,
}

impl SoundRows<'_> {
    /// The pairs of the files; those that are `learned` must be fit for it, the others only keep to themselves.
    ///
    /// # Errors
    /// A file that cannot be read, or pairs that must not be trained on.
    pub fn task_plans(
        &self,
        files: &[PathBuf],
        learned: impl Fn(&TaskPlan) -> bool,
    ) -> Result<Vec<TaskPlan>, DataError> {
        self.read(files, read_task_plans, |_| 1, |pair| Row::Pair(pair), learned)
    }

    /// The trajectories of the files, as [`Self::task_plans`].
    ///
    /// # Errors
    /// A file that cannot be read, or trajectories with steps that must not be trained on.
    pub fn trajectories(
        &self,
        files: &[PathBuf],
        learned: impl Fn(&Trajectory) -> bool,
    ) -> Result<Vec<Trajectory>, DataError> {
        self.read(files, read_trajectories, |one| one.steps.len(), |one| Row::Trajectory(one), learned)
    }

    fn read<T>(
        &self,
        files: &[PathBuf],
        read: fn(&Path) -> Result<Vec<T>, StoreError>,
        rows: fn(&T) -> usize,
        as_row: for<'r> fn(&'r T) -> Row<'r>,
        learned: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, DataError> {
        let max_findings = if self.skip_bad { usize::MAX } else { TOLD };
        let mut checker = Checker::new(CheckConfig { max_findings, ..self.check });
        let mut placed: Vec<Placed<T>> = Vec::new();
        for (file, path) in files.iter().enumerate() {
            let mut first = 0;
            for row in read(path)? {
                let place = Place { file: path, row: first };
                match learned(&row) {
                    true => checker.add(place, as_row(&row)),
                    false => checker.add_other(place, as_row(&row)),
                }
                let rows = rows(&row);
                placed.push(Placed { file, first, rows, row });
                first += rows.max(1);
            }
        }
        let report = checker.finish();
        if report.errors() > 0 {
            self.meet(&report, files, &mut placed)?;
        }
        Ok(placed.into_iter().map(|placed| placed.row).collect())
    }

    /// Refuses what was found, or leaves it out.
    fn meet<T>(&self, report: &CheckReport, files: &[PathBuf], placed: &mut Vec<Placed<T>>) -> Result<(), DataError> {
        let errors = || report.findings.iter().filter(|finding| finding.problem.is_error());
        if !self.skip_bad {
            let told = errors().take(TOLD).map(|finding| finding.told()).collect();
            return Err(DataError::Unsound { errors: report.errors(), rows: report.rows, told });
        }
        let number = |file: &Path| files.iter().position(|known| known == file);
        let bad: BTreeSet<_> = errors().filter_map(|finding| Some((number(&finding.file)?, finding.row))).collect();
        let before = placed.len();
        placed.retain(|one| bad.range((one.file, one.first)..(one.file, one.first + one.rows.max(1))).next().is_none());
        let problems = report.found.iter().filter(|(problem, _)| problem.is_error());
        let counts: Vec<String> = problems.map(|(problem, count)| format!("{} {count}", problem.as_str())).collect();
        let (left_out, counts) = (before - placed.len(), counts.join(", "));
        self.progress.note(&format!("left out {left_out} of {before} that must not be trained on ({counts})"));
        Ok(())
    }
}
