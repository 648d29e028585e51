//! The columns of a batch that was read: typed, with errors that name file, column and row.
//!
//! What other writers make of our types is `convert.rs`'s matter.

use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, PrimitiveArray, StringArray, new_null_array};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field};
use arrow::record_batch::RecordBatch;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as ValueError, StrDeserializer};

use super::convert::converted;
use crate::StoreError;

/// Some consecutive rows of a file.
pub(super) struct Batch<'a> {
    pub path: &'a Path,
    pub first_row: usize,
    pub columns: &'a RecordBatch,
    /// Columns that may be missing.
    pub nullable: &'static [&'static str],
}

impl<'a> Batch<'a> {
    pub fn rows(&self) -> usize {
        self.columns.num_rows()
    }

    pub fn text(&self, name: &'static str) -> Result<Column<'a, StringArray>, StoreError> {
        Ok(self.column(name, &DataType::Utf8)?.map(|array| array.as_string::<i32>().clone()))
    }

    pub fn numbers<T: ArrowPrimitiveType>(
        &self,
        name: &'static str,
    ) -> Result<Column<'a, PrimitiveArray<T>>, StoreError> {
        Ok(self.column(name, &T::DATA_TYPE)?.map(|array| array.as_primitive::<T>().clone()))
    }

    pub fn texts(&self, name: &'static str) -> Result<Column<'a, ListArray>, StoreError> {
        self.lists(name, DataType::Utf8)
    }

    pub fn number_lists<T: ArrowPrimitiveType>(&self, name: &'static str) -> Result<Column<'a, ListArray>, StoreError> {
        self.lists(name, T::DATA_TYPE)
    }

    fn lists(&self, name: &'static str, item: DataType) -> Result<Column<'a, ListArray>, StoreError> {
        let list = DataType::List(Field::new_list_field(item, true).into());
        Ok(self.column(name, &list)?.map(|array| array.as_list::<i32>().clone()))
    }

    fn column(&self, name: &'static str, wanted: &DataType) -> Result<Column<'a, ArrayRef>, StoreError> {
        let column = |array| Column { array, name, path: self.path, first_row: self.first_row };
        let refused = |(reason, hint): (String, String)| StoreError::Column {
            path: self.path.to_path_buf(),
            column: name.to_string(),
            reason,
            hint,
        };
        match self.columns.column_by_name(name) {
            Some(array) => Ok(column(converted(array, wanted).map_err(|reason| refused((reason, String::new())))?)),
            None if self.nullable.contains(&name) => Ok(column(new_null_array(wanted, self.rows()))),
            None => {
                let schema = self.columns.schema();
                let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
                Err(refused(("missing".to_string(), format!("the file has the columns {}", names.join(", ")))))
            }
        }
    }
}

/// One column of a batch.
pub(super) struct Column<'a, A> {
    array: A,
    name: &'static str,
    path: &'a Path,
    first_row: usize,
}

impl<'a, A> Column<'a, A> {
    /// The error of the value in `row` of this batch.
    pub fn refused(&self, row: usize, reason: impl Into<String>) -> StoreError {
        self.refused_with_hint(row, reason, "")
    }

    /// The same with what to do about it.
    pub fn refused_with_hint(&self, row: usize, reason: impl Into<String>, hint: &str) -> StoreError {
        StoreError::Value {
            path: self.path.to_path_buf(),
            row: self.first_row + row,
            column: self.name.to_string(),
            reason: reason.into(),
            hint: hint.to_string(),
        }
    }

    fn map<B>(self, convert: impl FnOnce(A) -> B) -> Column<'a, B> {
        Column { array: convert(self.array), name: self.name, path: self.path, first_row: self.first_row }
    }

    fn required<T>(&self, row: usize, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.refused(row, "is empty"))
    }
}

impl Column<'_, StringArray> {
    pub fn optional(&self, row: usize) -> Option<&str> {
        (!self.array.is_null(row)).then(|| self.array.value(row))
    }

    pub fn get(&self, row: usize) -> Result<&str, StoreError> {
        self.required(row, self.optional(row))
    }

    pub fn owned(&self, row: usize) -> Result<String, StoreError> {
        Ok(self.get(row)?.to_string())
    }

    /// "" where there is none.
    pub fn or_empty(&self, row: usize) -> String {
        self.optional(row).unwrap_or_default().to_string()
    }

    /// One word of an enum, if any.
    pub fn optional_word<T: for<'de> Deserialize<'de>>(&self, row: usize) -> Result<Option<T>, StoreError> {
        if self.array.is_null(row) { Ok(None) } else { self.word(row).map(Some) }
    }

    /// One word of an enum.
    pub fn word<T: for<'de> Deserialize<'de>>(&self, row: usize) -> Result<T, StoreError> {
        let word = StrDeserializer::<ValueError>::new(self.get(row)?);
        T::deserialize(word).map_err(|error| self.refused(row, error.to_string()))
    }

    pub fn json<T: DeserializeOwned>(&self, row: usize) -> Result<T, StoreError> {
        serde_json::from_str(self.get(row)?).map_err(|error| self.refused(row, format!("malformed JSON: {error}")))
    }
}

impl<T: ArrowPrimitiveType> Column<'_, PrimitiveArray<T>> {
    pub fn optional(&self, row: usize) -> Option<T::Native> {
        (!self.array.is_null(row)).then(|| self.array.value(row))
    }

    pub fn get(&self, row: usize) -> Result<T::Native, StoreError> {
        self.required(row, self.optional(row))
    }
}

impl Column<'_, ListArray> {
    pub fn texts(&self, row: usize) -> Result<Vec<String>, StoreError> {
        let list = self.required(row, (!self.array.is_null(row)).then(|| self.array.value(row)))?;
        let texts = list.as_string::<i32>().iter();
        texts.map(|text| Ok(self.required(row, text)?.to_string())).collect()
    }

    pub fn numbers<T: ArrowPrimitiveType>(&self, row: usize) -> Result<Option<Vec<T::Native>>, StoreError> {
        if self.array.is_null(row) {
            return Ok(None);
        }
        let list = self.array.value(row);
        list.as_primitive::<T>().iter().map(|number| self.required(row, number)).collect::<Result<_, _>>().map(Some)
    }
}
