//! The columns of a batch on its way to disk.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray, ListBuilder, PrimitiveArray, StringArray, StringBuilder};
use arrow::datatypes::{ArrowPrimitiveType, Field, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use serde::Serialize;

/// Columns in file order; every one holds a value for each row.
#[derive(Default)]
pub(super) struct Columns {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    pub fn text<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a str>) {
        self.push(name, false, StringArray::from_iter_values(values));
    }

    pub fn optional_text<'a>(&mut self, name: &str, values: impl Iterator<Item = Option<&'a str>>) {
        self.push(name, true, values.collect::<StringArray>());
    }

    /// Values without a fixed shape, as JSON text.
    pub fn json<'a, T: Serialize + ?Sized + 'a>(&mut self, name: &str, values: impl Iterator<Item = &'a T>) {
        let texts = values.map(|value| serde_json::to_string(value).expect("our records have text keys only"));
        self.push(name, false, StringArray::from_iter_values(texts));
    }

    pub fn texts<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a [String]>) {
        let mut builder = ListBuilder::new(StringBuilder::new());
        for list in values {
            builder.append_value(list.iter().map(Some));
        }
        self.push(name, false, builder.finish());
    }

    pub fn numbers<T: ArrowPrimitiveType>(&mut self, name: &str, values: impl Iterator<Item = T::Native>) {
        self.push(name, false, PrimitiveArray::<T>::from_iter_values(values));
    }

    pub fn optional_numbers<T: ArrowPrimitiveType>(
        &mut self,
        name: &str,
        values: impl Iterator<Item = Option<T::Native>>,
    ) {
        self.push(name, true, PrimitiveArray::<T>::from_iter(values));
    }

    pub fn number_lists<'a, T: ArrowPrimitiveType>(
        &mut self,
        name: &str,
        values: impl Iterator<Item = Option<&'a [T::Native]>>,
    ) {
        let lists = values.map(|list| list.map(|list| list.iter().map(|number| Some(*number))));
        self.push(name, true, ListArray::from_iter_primitive::<T, _, _>(lists));
    }

    pub fn into_batch(self) -> Result<RecordBatch, ArrowError> {
        let rows = self.arrays.first().map_or(0, |array| array.len());
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(self.fields)), self.arrays, &options)
    }

    fn push(&mut self, name: &str, nullable: bool, array: impl Array + 'static) {
        self.fields.push(Field::new(name, array.data_type().clone(), nullable));
        self.arrays.push(Arc::new(array));
    }
}
