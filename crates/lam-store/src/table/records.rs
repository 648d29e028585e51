//! Rows of any Parquet file as JSON, for records of others. Bytes, such as pictures, are left out.

use std::ops::ControlFlow;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type, UInt64Type};
use arrow::util::display::array_value_to_string;
use serde_json::{Map, Value};

use super::{damaged, open, parquet_error};
use crate::StoreError;

/// Rows in memory at a time; those of others may hold whole pages.
const ROWS_A_BATCH: usize = 64;

/// Give each row of a Parquet file to `take` as an object, with its number from 0, until it has enough.
///
/// # Errors
/// A file that cannot be read or is no Parquet.
pub fn visit_records(path: &Path, mut take: impl FnMut(usize, Value) -> ControlFlow<()>) -> Result<(), StoreError> {
    let reader = open(path)?.with_batch_size(ROWS_A_BATCH).build().map_err(|error| parquet_error(path, error))?;
    let mut number = 0;
    for batch in reader {
        let batch = StructArray::from(batch.map_err(|error| damaged(path, &format!("after row {number}: {error}")))?);
        let rows = plain(&(std::sync::Arc::new(batch) as ArrayRef)).map_err(|reason| damaged(path, &reason))?;
        for row in 0..rows.len() {
            if take(number, value(&rows, row)).is_break() {
                return Ok(());
            }
            number += 1;
        }
    }
    Ok(())
}

/// The array with one type for each kind of value, so that few are to be told apart.
fn plain(array: &ArrayRef) -> Result<ArrayRef, String> {
    let wanted = plain_type(array.data_type());
    arrow::compute::cast(array, &wanted).map_err(|error| error.to_string())
}

fn plain_type(found: &DataType) -> DataType {
    let field = |field: &FieldRef| Field::new(field.name(), plain_type(field.data_type()), true).into();
    match found {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Dictionary(_, value) => plain_type(value),
        DataType::List(item) | DataType::LargeList(item) | DataType::ListView(item) | DataType::LargeListView(item) => {
            DataType::List(field(item))
        }
        DataType::FixedSizeList(item, _) => DataType::List(field(item)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect()),
        other if other.is_unsigned_integer() => DataType::UInt64,
        other if other.is_integer() => DataType::Int64,
        other if other.is_floating() || other.is_decimal() => DataType::Float64,
        other => other.clone(),
    }
}

fn value(array: &dyn Array, row: usize) -> Value {
    match array.data_type() {
        _ if array.is_null(row) => Value::Null,
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::UInt64 => array.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).into(),
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).map(|item| value(&items, item)).collect()
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter();
            let named = fields.iter().zip(columns).map(|(field, column)| (field.name().clone(), value(column, row)));
            Value::Object(named.collect::<Map<_, _>>())
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let key = |item| array_value_to_string(keys, item).unwrap_or_default();
            let pairs = (0..entries.len()).map(|item| (key(item), value(values, item)));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => Value::Null,
        _ => array_value_to_string(array, row).map_or(Value::Null, Value::from),
    }
}
