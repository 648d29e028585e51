//! Looks through rows before anything trains on them: what cannot be carried out, what has nothing to learn, what
//! leaks from the test set. Every finding names file, row, field and value.

mod leak;
mod report;
mod rows;

use std::path::PathBuf;

use lam_prompt::Renderer;
use lam_types::{FunctionSpec, TaskPlan, Trajectory};

pub use report::{CheckReport, Finding, Problem};

/// The rows of one file.
#[derive(Clone, Debug)]
pub enum Table {
    /// Task-plan pairs, a row each.
    TaskPlans(PathBuf, Vec<TaskPlan>),
    /// Trajectories, a row a step.
    Trajectories(PathBuf, Vec<Trajectory>),
}

/// How rows are checked.
#[derive(Clone, Copy)]
pub struct CheckConfig<'a> {
    /// The functions that exist; empty when not known.
    pub functions: &'a [FunctionSpec],
    /// Renders examples to look for such without a trained token and for too long ones.
    pub renderer: Option<&'a Renderer>,
    /// Most tokens an example may have; only with a renderer.
    pub max_length: Option<usize>,
    /// Share of common words from which two requests are nearly the same.
    pub near_duplicate: f64,
}

impl Default for CheckConfig<'_> {
    fn default() -> Self {
        Self { functions: &[], renderer: None, max_length: None, near_duplicate: 0.9 }
    }
}

/// Checks the rows of all files together.
pub fn check_rows(tables: &[Table], config: &CheckConfig<'_>) -> CheckReport {
    let mut report = CheckReport::default();
    for table in tables {
        match table {
            Table::TaskPlans(file, pairs) => rows::check_pairs(file, pairs, config, &mut report),
            Table::Trajectories(file, trajectories) => {
                rows::check_trajectories(file, trajectories, config, &mut report)
            }
        }
    }
    leak::check(tables, config.near_duplicate, &mut report);
    report
}
