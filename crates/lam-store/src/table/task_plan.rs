//! Task-plan pairs, one row each.

use std::ops::ControlFlow;
use std::path::Path;

use lam_types::{PlanSource, Split, TaskPlan};

use super::columns::Columns;
use super::reading::Batch;
use super::{Schema, read_table, write_table};
use crate::{StoreError, hash_bytes};

const SCHEMA: Schema = Schema {
    name: "task_plan",
    // A task and its plan are a pair; where it comes from may be unknown.
    nullable: &[
        "task_id",
        "application",
        "source",
        "parent_id",
        "document",
        "document_hash",
        "producer",
        "family",
        "split",
    ],
};

/// A name that depends on the pair's content and on `origin`, its document or the pair that it was made of.
pub fn task_plan_id(origin: &str, task: &str, plan: &[String]) -> String {
    let content = format!("{origin}\n{task}\n{}", plan.join("\n"));
    format!("plan-{}", &hash_bytes(content.as_bytes())[..16])
}

/// Write task-plan pairs to a Parquet file.
pub fn write_task_plans(path: &Path, rows: &[TaskPlan]) -> Result<(), StoreError> {
    write_table(path, &SCHEMA, rows, |rows| {
        let mut columns = Columns::default();
        columns.text("task_id", rows.iter().map(|pair| pair.task_id.as_str()));
        columns.text("application", rows.iter().map(|pair| pair.application.as_str()));
        columns.text("source", rows.iter().map(|pair| pair.source.as_str()));
        columns.text("task", rows.iter().map(|pair| pair.task.as_str()));
        columns.texts("plan", rows.iter().map(|pair| pair.plan.as_slice()));
        columns.optional_text("parent_id", rows.iter().map(|pair| pair.parent_id.as_deref()));
        columns.text("document", rows.iter().map(|pair| pair.document.as_str()));
        columns.text("document_hash", rows.iter().map(|pair| pair.document_hash.as_str()));
        columns.text("producer", rows.iter().map(|pair| pair.producer.as_str()));
        columns.text("family", rows.iter().map(|pair| pair.family.as_str()));
        columns.text("split", rows.iter().map(|pair| pair.split.as_str()));
        columns
    })
}

/// Read task-plan pairs from a Parquet file.
pub fn read_task_plans(path: &Path) -> Result<Vec<TaskPlan>, StoreError> {
    let mut pairs = Vec::new();
    visit_task_plans(path, |pair| {
        pairs.push(pair);
        ControlFlow::Continue(())
    })?;
    Ok(pairs)
}

/// Give each task-plan pair of a file to `take`, in file order, until it has enough; a few are in memory at a time.
pub fn visit_task_plans(path: &Path, mut take: impl FnMut(TaskPlan) -> ControlFlow<()>) -> Result<(), StoreError> {
    read_table(path, &SCHEMA, |batch| Ok(task_plans_of(batch)?.into_iter().try_for_each(&mut take)))
}

fn task_plans_of(batch: &Batch<'_>) -> Result<Vec<TaskPlan>, StoreError> {
    let task_id = batch.text("task_id")?;
    let application = batch.text("application")?;
    let source = batch.text("source")?;
    let task = batch.text("task")?;
    let plan = batch.texts("plan")?;
    let parent_id = batch.text("parent_id")?;
    let document = batch.text("document")?;
    let document_hash = batch.text("document_hash")?;
    let producer = batch.text("producer")?;
    let family = batch.text("family")?;
    let split = batch.text("split")?;
    let pair_at = |row| {
        let (task, plan, document) = (task.owned(row)?, plan.texts(row)?, document.or_empty(row));
        let derived = || task_plan_id(&document, &task, &plan);
        Ok(TaskPlan {
            task_id: task_id.optional(row).map_or_else(derived, str::to_string),
            application: application.or_empty(row),
            source: source.optional_word(row)?.unwrap_or(PlanSource::Other),
            parent_id: parent_id.optional(row).map(str::to_string),
            document_hash: document_hash.or_empty(row),
            producer: producer.or_empty(row),
            family: family.or_empty(row),
            split: split.optional_word(row)?.unwrap_or(Split::Train),
            task,
            plan,
            document,
        })
    };
    (0..batch.rows()).map(pair_at).collect()
}
