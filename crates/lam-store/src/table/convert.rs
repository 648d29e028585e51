//! What other writers make of our types: other widths, views, dictionaries, columns of nulls. The same kind of value
//! is converted, another kind is refused.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Float64Type};

/// The array as `wanted`, or why it cannot be.
pub(super) fn converted(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, String> {
    let (found, asked) = (kind(array.data_type()), kind(wanted));
    if asked.is_made_of(&found) {
        let array = if asked.is_whole() && !found.is_whole() { &whole(array)? } else { array };
        return cast(array, wanted);
    }
    Err(format!("holds {found}, not {asked}"))
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
