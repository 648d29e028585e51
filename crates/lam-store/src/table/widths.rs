//! Columns of another width than ours: each number is converted, and one that does not fit is refused.
//!
//! A cast between any two types would be `arrow-cast`, which takes longer to compile than all of this crate.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Float64Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, ListArray, PrimitiveArray, downcast_integer_array};
use arrow_schema::{DataType, FieldRef};

/// `array` as `wanted`, which is of the same kind: whole numbers, numbers, text, or lists of one of them.
pub(super) fn converted(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, String> {
    match wanted {
        same if same == array.data_type() => Ok(array.clone()),
        DataType::List(item) => lists(array, item),
        DataType::UInt32 => whole_numbers::<UInt32Type>(array),
        DataType::UInt64 => whole_numbers::<UInt64Type>(array),
        DataType::Float32 => Ok(numbers::<Float32Type>(array, |number| number as f32)),
        DataType::Float64 => Ok(numbers::<Float64Type>(array, |number| number)),
        other => Err(format!("{} cannot be read as {other}", array.data_type())),
    }
}

fn lists(array: &ArrayRef, item: &FieldRef) -> Result<ArrayRef, String> {
    let list = array.as_list::<i32>();
    let values = converted(list.values(), item.data_type())?;
    let list = ListArray::try_new(item.clone(), list.offsets().clone(), values, list.nulls().cloned());
    Ok(Arc::new(list.map_err(|error| error.to_string())?))
}

fn whole_numbers<T: ArrowPrimitiveType>(array: &ArrayRef) -> Result<ArrayRef, String>
where
    T::Native: TryFrom<i128>,
{
    let wide: Vec<Option<i128>> = downcast_integer_array!(
        array => array.iter().map(|value| value.map(i128::from)).collect(),
        other => return Err(format!("{other} is not a type of whole numbers"))
    );
    let fit = |value| T::Native::try_from(value).map_err(|_| format!("{value} does not fit into {}", T::DATA_TYPE));
    let numbers = wide.into_iter().map(|value| value.map(fit).transpose());
    Ok(Arc::new(numbers.collect::<Result<PrimitiveArray<T>, String>>()?))
}

fn numbers<T: ArrowPrimitiveType>(array: &ArrayRef, narrow: fn(f64) -> T::Native) -> ArrayRef {
    let numbers: PrimitiveArray<T> = match array.data_type() {
        DataType::Float16 => array.as_primitive::<Float16Type>().unary(|number| narrow(number.to_f64())),
        DataType::Float32 => array.as_primitive::<Float32Type>().unary(|number| narrow(number.into())),
        _ => array.as_primitive::<Float64Type>().unary(narrow),
    };
    Arc::new(numbers)
}
