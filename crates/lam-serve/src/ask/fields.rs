//! The fields of a JSON object with the types that they must have. Knows no protocol.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// The largest of the whole numbers that are all exact with a fraction.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// An object, and where it stands in the request.
pub struct Fields<'v> {
    object: &'v Map<String, Value>,
    place: String,
    /// Names that were asked for.
    known: RefCell<BTreeSet<&'static str>>,
}

impl<'v> Fields<'v> {
    /// The object at `place`; "" is the request itself.
    ///
    /// # Errors
    /// Another value.
    pub fn of(value: &'v Value, place: impl Display) -> Result<Self, Refusal> {
        let place = place.to_string();
        match value {
            Value::Object(object) => Ok(Self { object, place, known: RefCell::default() }),
            other => Err(wrong_type(&place, "an object", other)),
        }
    }

    /// The full name of a field.
    pub fn path(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }

    /// A field's value; nothing for `null`.
    pub fn get(&self, name: &'static str) -> Option<&'v Value> {
        self.known.borrow_mut().insert(name);
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// Fields that mean nothing here and are passed over.
    pub fn pass_over(&self, names: &[&'static str]) {
        self.known.borrow_mut().extend(names);
    }

    /// A text.
    ///
    /// # Errors
    /// Another type.
    pub fn text(&self, name: &'static str) -> Result<Option<&'v str>, Refusal> {
        let read = |value: &'v Value| value.as_str().ok_or_else(|| wrong_type(&self.path(name), "a string", value));
        self.get(name).map(read).transpose()
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// Another type, or nothing.
    pub fn needed_text(&self, name: &'static str) -> Result<&'v str, Refusal> {
        self.text(name)?.ok_or_else(|| missing(&self.path(name)))
    }

    /// `true` or `false`; `false` where nothing stands.
    ///
    /// # Errors
    /// Another type.
    pub fn flag(&self, name: &'static str) -> Result<bool, Refusal> {
        let read = |value: &Value| value.as_bool().ok_or_else(|| wrong_type(&self.path(name), "true or false", value));
        Ok(self.get(name).map(read).transpose()?.unwrap_or(false))
    }

    /// A whole number in a range.
    ///
    /// # Errors
    /// Another type, or a number beyond the range.
    pub fn integer(&self, name: &'static str, range: RangeInclusive<i64>) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if !is_whole(value) {
            return Err(wrong_type(&self.path(name), "a whole number", value));
        }
        match whole(value).filter(|number| range.contains(number)) {
            Some(number) => Ok(Some(number)),
            None => Err(self.out_of_range(name, value, range.start(), range.end())),
        }
    }

    /// A number of things, in a range.
    ///
    /// # Errors
    /// As [`Fields::integer`].
    pub fn count(&self, name: &'static str, range: RangeInclusive<usize>) -> Result<Option<usize>, Refusal> {
        let signed = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let found = self.integer(name, signed(*range.start())..=signed(*range.end()))?;
        Ok(found.and_then(|number| usize::try_from(number).ok()))
    }

    /// A number in a range.
    ///
    /// # Errors
    /// Another type, or a number beyond the range.
    pub fn number(&self, name: &'static str, range: RangeInclusive<f64>) -> Result<Option<f32>, Refusal> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_f64().ok_or_else(|| wrong_type(&self.path(name), "a number", value))?;
        if range.contains(&number) {
            return Ok(Some(number as f32));
        }
        Err(self.out_of_range(name, number, range.start(), range.end()))
    }

    /// One text or several.
    ///
    /// # Errors
    /// Another type.
    pub fn texts(&self, name: &'static str) -> Result<Vec<String>, Refusal> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            Some(Value::Array(list)) => {
                let text = |(place, value): (usize, &Value)| {
                    let path = format!("{}[{place}]", self.path(name));
                    value.as_str().map(str::to_owned).ok_or_else(|| wrong_type(&path, "a string", value))
                };
                list.iter().enumerate().map(text).collect()
            }
            Some(other) => Err(wrong_type(&self.path(name), "a string or a list of strings", other)),
        }
    }

    /// The fields that nobody asked for.
    pub fn unknown(&self) -> impl Iterator<Item = String> {
        let known = self.known.borrow().clone();
        self.object.keys().filter(move |name| !known.contains(name.as_str())).map(|name| self.path(name))
    }

    fn out_of_range(&self, name: &str, found: impl Display, low: &impl Display, high: &impl Display) -> Refusal {
        let path = self.path(name);
        Refusal::of_field(&path, format!("`{path}` is {found}, must be from {low} to {high}"))
    }
}

/// Whether a value is a number without a fraction: languages that know no other numbers write 1 as 1.0.
fn is_whole(value: &Value) -> bool {
    value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

/// A whole number, if it has a place in 64 bits; one that is written as a fraction, if it is exact.
fn whole(value: &Value) -> Option<i64> {
    let exact = |number: &f64| number.fract() == 0.0 && number.abs() <= EXACT;
    value.as_i64().or_else(|| value.as_f64().filter(exact).map(|number| number as i64))
}

/// A field that must be there.
pub fn missing(path: &str) -> Refusal {
    Refusal::of_field(path, format!("`{path}` is missing")).code("missing_required_parameter")
}

/// A value of another type.
pub fn wrong_type(path: &str, wanted: &str, found: &Value) -> Refusal {
    let kind = match found {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) if !is_whole(found) => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let message = if path.is_empty() {
        format!("the body is {kind}, must be {wanted}")
    } else {
        format!("`{path}` is {kind}, must be {wanted}")
    };
    Refusal::of_field(path, message).code("invalid_type")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let read = |value: &Value| {
            let object = json!({"n": value});
            Fields::of(&object, "").and_then(|fields| fields.integer("n", -9..=i64::MAX)).map(Option::unwrap)
        };
        for (value, expected) in
            [(json!(2), 2), (json!(2.0), 2), (json!(-1.0), -1), (json!(1e15), 1_000_000_000_000_000)]
        {
            assert_eq!(read(&value), Ok(expected), "{value}");
        }
        for (value, words) in [
            (json!(2.5), "a number with a fraction, must be a whole number"),
            (json!("2"), "a string, must be a whole number"),
            (json!(1e20), "is 1e"),
            (json!(u64::MAX), "is 18446744073709551615, must be from -9 to"),
            (json!(-10.0), "is -10.0, must be from -9 to"),
        ] {
            let refusal = read(&value).unwrap_err();
            assert!(refusal.message.contains(words), "{value}: {}", refusal.message);
        }
    }
}
