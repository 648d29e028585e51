//! Looks through rows before anything trains on them: what cannot be carried out, what has nothing to learn, what
//! leaks from the test set. Every finding names file, row, field and value.
//!
//! Rows are looked at one by one and not kept: memory grows with the number of different tasks, of which only ids and
//! requests stay, and not with screens, documents and steps.

mod leak;
mod report;
mod rows;

use lam_prompt::Renderer;
use lam_types::FunctionSpec;

pub use report::{CheckReport, Finding, Problem};

use crate::{Place, Row};

/// How rows are checked.
#[derive(Clone, Copy)]
pub struct CheckConfig<'a> {
    /// The functions that exist; empty when not known.
    pub functions: &'a [FunctionSpec],
    /// The environment that has them: trajectories of others are not held to them. `None`: whatever it is.
    pub environment: Option<&'a str>,
    /// Renders examples to look for such without a trained token and for too long ones.
    pub renderer: Option<&'a Renderer>,
    /// Most tokens an example may have; only with a renderer.
    pub max_length: Option<usize>,
    /// Share of common words from which two requests are nearly the same.
    pub near_duplicate: f64,
    /// Findings of a kind that are told; all are counted.
    pub max_findings: usize,
}

impl Default for CheckConfig<'_> {
    fn default() -> Self {
        Self {
            functions: &[],
            environment: None,
            renderer: None,
            max_length: None,
            near_duplicate: 0.9,
            max_findings: 1000,
        }
    }
}

/// Takes rows of any number of files, which are checked together.
pub struct Checker<'a> {
    config: CheckConfig<'a>,
    report: CheckReport,
    tasks: leak::Tasks,
}

impl<'a> Checker<'a> {
    /// Has seen nothing yet.
    pub fn new(config: CheckConfig<'a>) -> Self {
        let report = CheckReport { max_findings: config.max_findings, ..CheckReport::default() };
        Self { config, report, tasks: leak::Tasks::default() }
    }

    /// Looks at a row.
    pub fn add(&mut self, place: Place<'_>, row: Row<'_>) {
        match row {
            Row::Pair(pair) => rows::check_pair(place, pair, &self.config, &mut self.report),
            Row::Trajectory(trajectory) => rows::check_trajectory(place, trajectory, &self.config, &mut self.report),
        }
        self.tasks.add(place, row);
    }

    /// Looks at a row that is not trained on: only what it shares with others counts.
    pub fn add_other(&mut self, place: Place<'_>, row: Row<'_>) {
        self.tasks.add(place, row);
    }

    /// Compares the test set with what is trained on, and tells everything.
    pub fn finish(mut self) -> CheckReport {
        self.tasks.check(self.config.near_duplicate, &mut self.report);
        self.report
    }
}
