//! Tasks, one row each.

use std::ops::ControlFlow;
use std::path::Path;

use arrow::datatypes::UInt64Type;
use lam_types::Task;

use super::columns::Columns;
use super::reading::Batch;
use super::{Schema, read_table, write_table};
use crate::StoreError;

const SCHEMA: Schema = Schema { name: "task", nullable: &[] };

/// Write tasks to a Parquet file.
pub fn write_tasks(path: &Path, rows: &[Task]) -> Result<(), StoreError> {
    write_table(path, &SCHEMA, rows, |rows| {
        let mut columns = Columns::default();
        columns.text("task_id", rows.iter().map(|task| task.task_id.as_str()));
        columns.text("family", rows.iter().map(|task| task.family.as_str()));
        columns.text("request", rows.iter().map(|task| task.request.as_str()));
        columns.text("environment", rows.iter().map(|task| task.environment.as_str()));
        columns.text("application", rows.iter().map(|task| task.application.as_str()));
        columns.numbers::<UInt64Type>("seed", rows.iter().map(|task| task.seed));
        columns.text("phrasing", rows.iter().map(|task| task.phrasing.as_str()));
        columns.text("split", rows.iter().map(|task| task.split.as_str()));
        columns
    })
}

/// Read tasks from a Parquet file.
pub fn read_tasks(path: &Path) -> Result<Vec<Task>, StoreError> {
    let mut tasks = Vec::new();
    read_table(path, &SCHEMA, |batch| {
        tasks.append(&mut tasks_of(batch)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(tasks)
}

/// The tasks in the columns of `batch`, one for each row.
pub(super) fn tasks_of(batch: &Batch<'_>) -> Result<Vec<Task>, StoreError> {
    let task_id = batch.text("task_id")?;
    let family = batch.text("family")?;
    let request = batch.text("request")?;
    let environment = batch.text("environment")?;
    let application = batch.text("application")?;
    let seed = batch.numbers::<UInt64Type>("seed")?;
    let phrasing = batch.text("phrasing")?;
    let split = batch.text("split")?;
    let task_at = |row| {
        Ok(Task {
            task_id: task_id.owned(row)?,
            family: family.owned(row)?,
            request: request.owned(row)?,
            environment: environment.owned(row)?,
            application: application.owned(row)?,
            seed: seed.get(row)?,
            phrasing: phrasing.word(row)?,
            split: split.word(row)?,
        })
    };
    (0..batch.rows()).map(task_at).collect()
}
