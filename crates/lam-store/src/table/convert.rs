//! What other writers make of our types: other widths, views, dictionaries, columns of nulls. The same kind of value
//! is converted, another kind is refused.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Float64Type};

/// The array as `wanted`, or why it cannot be.
pub(super) fn converted(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, String> {
    let (found, asked) = (kind(array.data_type()), kind(wanted));
    if asked.is_made_of(&found) {
        let array = if asked.is_whole() && !found.is_whole() { &whole(array)? } else { array };
        return cast(array, wanted);
    }
    if has_no_value(array) {
        return Ok(new_null_array(wanted, array.len()));
    }
    Err(format!("holds {found}, not {asked}"))
}

/// Whether all of it is nulls, or what pandas writes for them: then its type is the writer's guess, which says nothing.
fn has_no_value(array: &ArrayRef) -> bool {
    if array.logical_null_count() == array.len() {
        return true;
    }
    let numbers = array.as_primitive_opt::<Float64Type>();
    numbers.is_some_and(|numbers| numbers.iter().flatten().all(f64::is_nan))
}

fn cast(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, String> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, wanted, &options).map_err(|error| error.to_string())
}

/// What a person would call a type, the same for every width.
#[derive(PartialEq)]
enum Kind {
    Nothing,
    Text,
    Whole,
    Number,
    List(Box<Kind>),
    Other(String),
}

impl Kind {
    /// Whether values of `found` can become this. A column without a value has any type, and a column of whole numbers
    /// in which one is missing is written as one of numbers.
    fn is_made_of(&self, found: &Kind) -> bool {
        match (self, found) {
            (_, Kind::Nothing) => true,
            (Kind::List(wanted), Kind::List(found)) => wanted.is_made_of(found),
            (Kind::Whole | Kind::Number, Kind::Whole | Kind::Number) => true,
            _ => self == found,
        }
    }

    fn is_whole(&self) -> bool {
        match self {
            Kind::Whole | Kind::Nothing => true,
            Kind::List(item) => item.is_whole(),
            _ => false,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Nothing => f.write_str("nothing"),
            Kind::Text => f.write_str("text"),
            Kind::Whole => f.write_str("whole numbers"),
            Kind::Number => f.write_str("numbers"),
            Kind::List(item) => write!(f, "lists of {item}"),
            Kind::Other(name) => f.write_str(name),
        }
    }
}

fn kind(data_type: &DataType) -> Kind {
    match data_type {
        DataType::Null => Kind::Nothing,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
        // Old writers leave out that their bytes are text; the conversion checks that they are.
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Kind::Text,
        DataType::Dictionary(_, value) => kind(value),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => Kind::List(Box::new(kind(item.data_type()))),
        other if other.is_integer() => Kind::Whole,
        other if other.is_floating() || other.is_decimal() => Kind::Number,
        other => Kind::Other(other.to_string()),
    }
}

/// Numbers that are to be whole, checked to be so; what is no number is none.
fn whole(array: &ArrayRef) -> Result<ArrayRef, String> {
    if !matches!(kind(array.data_type()), Kind::List(_)) {
        let numbers = cast(array, &DataType::Float64)?;
        let check = |number: Option<f64>| match number.filter(|number| !number.is_nan()) {
            Some(number) if number.fract() != 0.0 => Err(format!("holds {number}, which is no whole number")),
            number => Ok(number),
        };
        let numbers = numbers.as_primitive::<Float64Type>().iter().map(check);
        return Ok(Arc::new(numbers.collect::<Result<Float64Array, String>>()?));
    }
    let item = Arc::new(Field::new_list_field(DataType::Float64, true));
    let lists = cast(array, &DataType::List(Arc::clone(&item)))?;
    let lists: &ListArray = lists.as_list();
    let items = whole(lists.values())?;
    Ok(Arc::new(ListArray::new(item, lists.offsets().clone(), items, lists.nulls().cloned())))
}

#[cfg(test)]
mod tests {
    use arrow::array::{BooleanArray, DictionaryArray, StringArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    #[test]
    fn a_column_without_a_value_has_any_type() {
        let list = DataType::List(Arc::new(Field::new_list_field(DataType::UInt32, true)));
        let arrays: [ArrayRef; 5] = [
            Arc::new(Float64Array::from(vec![None, None])),
            Arc::new(Float64Array::from(vec![Some(f64::NAN), None])),
            Arc::new(StringArray::from(vec![None::<&str>, None])),
            Arc::new(BooleanArray::from(vec![None, None])),
            Arc::new([None, None].into_iter().collect::<DictionaryArray<Int32Type>>()),
        ];
        for array in &arrays {
            for wanted in [DataType::Utf8, DataType::Float32, DataType::UInt32, list.clone()] {
                let converted = converted(array, &wanted).map(|array| (array.len(), array.logical_null_count()));
                let is_number = array.data_type() == &DataType::Float64 && wanted == DataType::Float32;
                assert!(converted == Ok((2, 2)) || is_number, "{:?} as {wanted}: {converted:?}", array.data_type());
            }
        }
        let number: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None]));
        assert_eq!(converted(&number, &DataType::Utf8).unwrap_err(), "holds numbers, not text");
    }
}
