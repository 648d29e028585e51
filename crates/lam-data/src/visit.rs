//! The rows of a file one after the other, of whichever kind they are. Holds a few in memory at a time.

use std::ops::ControlFlow;
use std::path::Path;

use lam_store::{StoreError, TableKind, table_kind, visit_task_plans, visit_trajectories};
use lam_types::{TaskPlan, Trajectory};

/// A row of a file.
#[derive(Clone, Copy, Debug)]
pub enum Row<'a> {
    /// A task-plan pair.
    Pair(&'a TaskPlan),
    /// A trajectory: as many rows as it has steps.
    Trajectory(&'a Trajectory),
}

/// Where a row stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The file.
    pub file: &'a Path,
    /// The row, from 0; a trajectory's first.
    pub row: usize,
}

/// Gives each row of a file to `take`, in file order, until it has enough.
///
/// # Errors
/// A file that cannot be read, that is damaged, or that holds neither pairs nor trajectories.
pub fn visit_rows(file: &Path, mut take: impl FnMut(Place<'_>, Row<'_>) -> ControlFlow<()>) -> Result<(), StoreError> {
    let mut row = 0;
    let mut next = |rows: usize| {
        let place = Place { file, row };
        row += rows;
        place
    };
    match table_kind(file)? {
        Some(TableKind::TaskPlans) => visit_task_plans(file, |pair| take(next(1), Row::Pair(&pair))),
        Some(TableKind::Trajectories) => {
            visit_trajectories(file, |trajectory| take(next(trajectory.steps.len()), Row::Trajectory(&trajectory)))
        }
        Some(TableKind::Tasks) | None => Err(StoreError::Damaged {
            path: file.into(),
            reason: "it holds neither task-plan pairs nor trajectories".into(),
            hint: "name a file that `data build`, `data collect` or a stage wrote",
        }),
    }
}
