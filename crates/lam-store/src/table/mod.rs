//! Tables: our records as Parquet files that pandas, polars and `datasets` read too, and as those write
//! them again.
//!
//! A file carries its format version, its schema's name and its producer in the key-value metadata. Text that
//! has no fixed shape (arguments, controls) is JSON in a text column. Written with snappy; read with the codecs that others choose. Knows no record's meaning.

mod columns;
mod convert;
mod reading;
mod records;
mod task;
mod task_plan;
#[cfg(test)]
mod tests;
mod trajectory;

use std::error::Error;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use self::columns::Columns;
use self::reading::Batch;
use crate::{StoreError, write_atomic_with};

pub use records::visit_records;
pub use task::{read_tasks, write_tasks};
pub use task_plan::{read_task_plans, task_plan_id, visit_task_plans, write_task_plans};
pub use trajectory::{read_trajectories, trajectory_id, visit_trajectories, write_trajectories};

/// Version of the tables this program writes, and the newest it reads.
pub const TABLE_VERSION: u32 = 1;

const VERSION_KEY: &str = "lam.format_version";
const SCHEMA_KEY: &str = "lam.schema";
const PRODUCER_KEY: &str = "lam.producer";
const ROWS_A_BATCH: usize = 1024;
const DAMAGED_HINT: &str = "it may be cut short; make it again, or run its stage with --force";

/// What is known of a kind of table beside its columns' types.
struct Schema {
    /// Its name in the metadata.
    name: &'static str,
    /// Columns that files of others may leave out: they are read as nulls.
    nullable: &'static [&'static str],
}

/// Write `rows` as a table of `schema`; `columns_of` lays out a batch of them.
fn write_table<R>(
    path: &Path,
    schema: &Schema,
    rows: &[R],
    columns_of: impl Fn(&[R]) -> Columns,
) -> Result<(), StoreError> {
    let batch_of = |rows: &[R]| -> Result<RecordBatch, StoreError> {
        columns_of(rows).into_batch().map_err(|error| parquet_error(path, ParquetError::from(error)))
    };
    write_atomic_with(path, |file| {
        let empty = batch_of(&[])?;
        let failed = |error| parquet_error(path, error);
        let mut writer = ArrowWriter::try_new(file, empty.schema(), Some(properties(schema.name))).map_err(failed)?;
        for chunk in rows.chunks(ROWS_A_BATCH) {
            writer.write(&batch_of(chunk)?).map_err(failed)?;
        }
        writer.close().map(|_| ()).map_err(failed)
    })
}

fn properties(schema: &str) -> WriterProperties {
    let pair = |key: &str, value: String| KeyValue::new(key.to_string(), value);
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(Some(vec![
            pair(VERSION_KEY, TABLE_VERSION.to_string()),
            pair(SCHEMA_KEY, schema.to_string()),
            pair(PRODUCER_KEY, concat!("lam-train ", env!("CARGO_PKG_VERSION")).to_string()),
        ]))
        .build()
}

/// Read the table at `path` batch by batch, until `take` has enough. One batch is in memory at a time.
fn read_table(
    path: &Path,
    schema: &'static Schema,
    mut take: impl FnMut(&Batch<'_>) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let builder = open(path)?;
    check_metadata(path, schema.name, builder.metadata().file_metadata().key_value_metadata())?;
    let reader = builder.with_batch_size(ROWS_A_BATCH).build().map_err(|error| parquet_error(path, error))?;
    let mut first_row = 0;
    for batch in reader {
        let batch = batch.map_err(|error| damaged(path, &format!("after row {first_row}: {error}")))?;
        if take(&Batch { path, first_row, columns: &batch, nullable: schema.nullable })?.is_break() {
            break;
        }
        first_row += batch.num_rows();
    }
    Ok(())
}

fn open(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>, StoreError> {
    let file = File::open(path).map_err(StoreError::io("read", path))?;
    ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| parquet_error(path, error))
}

/// What the rows of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableKind {
    /// Task-plan pairs.
    TaskPlans,
    /// Trajectories, a row a step.
    Trajectories,
    /// Tasks.
    Tasks,
}

/// The kind of the table at `path`: as it says itself, else by its columns. `None`: none of ours.
pub fn table_kind(path: &Path) -> Result<Option<TableKind>, StoreError> {
    let builder = open(path)?;
    let metadata = builder.metadata().file_metadata().key_value_metadata();
    let named = metadata.and_then(|pairs| pairs.iter().find(|pair| pair.key == SCHEMA_KEY)?.value.clone());
    let has = |column: &str| builder.schema().column_with_name(column).is_some();
    Ok(match named.as_deref() {
        Some("task_plan") => Some(TableKind::TaskPlans),
        Some("trajectory") => Some(TableKind::Trajectories),
        Some("task") => Some(TableKind::Tasks),
        Some(_) => None,
        None if has("trajectory_id") => Some(TableKind::Trajectories),
        None if has("plan") && has("task") => Some(TableKind::TaskPlans),
        None if has("request") && has("task_id") => Some(TableKind::Tasks),
        None => None,
    })
}

/// Refuse a newer version and another table; a file without our metadata is judged by its columns alone.
fn check_metadata(path: &Path, schema: &str, metadata: Option<&Vec<KeyValue>>) -> Result<(), StoreError> {
    let value = |key: &str| metadata?.iter().find(|pair| pair.key == key)?.value.as_deref();
    if let Some(text) = value(VERSION_KEY) {
        let found = text.parse().map_err(|_| damaged(path, &format!("{VERSION_KEY} is `{text}`, not a number")))?;
        if found > TABLE_VERSION {
            return Err(StoreError::Newer { path: path.to_path_buf(), found, supported: TABLE_VERSION });
        }
    }
    match value(SCHEMA_KEY) {
        Some(found) if found != schema => Err(StoreError::Damaged {
            path: path.to_path_buf(),
            reason: format!("it holds `{found}` rows, not `{schema}` rows"),
            hint: "check which file the stage's input names",
        }),
        _ => Ok(()),
    }
}

fn damaged(path: &Path, reason: &str) -> StoreError {
    StoreError::Damaged { path: path.to_path_buf(), reason: reason.to_string(), hint: DAMAGED_HINT }
}

/// The system's refusal where one is inside, else damage.
fn parquet_error(path: &Path, error: ParquetError) -> StoreError {
    let mut source: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(cause) = source {
        if let Some(refusal) = cause.downcast_ref::<io::Error>() {
            let copy = refusal.raw_os_error().map_or_else(|| refusal.kind().into(), io::Error::from_raw_os_error);
            return StoreError::io("read or write", path)(copy);
        }
        source = cause.source();
    }
    damaged(path, &error.to_string())
}
