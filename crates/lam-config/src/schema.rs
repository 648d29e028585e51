//! The JSON schema of settings, read: the keys of a table, and the range of every number. A range stands in one place, the
//! attribute of its field; help, schema and checks are made of it.

use std::fmt;

use serde_json::Value as Json;
use toml::{Table, Value};

use crate::ConfigError;
use crate::span::join;

/// A key of a table.
#[derive(Clone, Copy, Debug)]
pub struct SchemaKey<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its schema, references followed.
    pub schema: &'a Json,
    /// Its help.
    pub help: Option<&'a str>,
}

/// The keys of a table, in the order of their struct; those of all its forms where there are several.
pub fn schema_keys<'a>(root: &'a Json, schema: &'a Json) -> Vec<SchemaKey<'a>> {
    let schema = resolved(root, schema);
    let key = |(name, property): (&'a String, &'a Json)| {
        let schema = resolved(root, property);
        let help = property["description"].as_str().or_else(|| schema["description"].as_str());
        // What is said beside a reference says nothing of ranges.
        SchemaKey { name, schema: if property["$ref"].is_null() { property } else { schema }, help }
    };
    let mut all: Vec<SchemaKey<'a>> = schema["properties"].as_object().into_iter().flatten().map(key).collect();
    for form in forms(schema) {
        for key in schema_keys(root, form) {
            if !all.iter().any(|known| known.name == key.name) {
                all.push(SchemaKey { help: key.help.or(form["description"].as_str()), ..key });
            }
        }
    }
    all
}

/// The schema of a list's items.
pub fn schema_items<'a>(root: &'a Json, schema: &'a Json) -> Option<&'a Json> {
    let schema = resolved(root, schema);
    schema.get("items").or_else(|| forms(schema).find_map(|form| schema_items(root, form)))
}

fn forms(schema: &Json) -> impl Iterator<Item = &Json> {
    ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|form| schema[form].as_array()).flatten()
}

/// What a reference such as `#/$defs/Limits` stands for.
fn resolved<'a>(root: &'a Json, schema: &'a Json) -> &'a Json {
    let path = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    path.and_then(|path| root.pointer(path)).unwrap_or(schema)
}

/// The numbers that a setting may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    low: Option<Bound>,
    high: Option<Bound>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Bound {
    at: f64,
    /// The same where it is written without fraction and exponent: f64 has not all digits of the largest.
    whole: Option<i128>,
    is_in: bool,
}

impl Range {
    /// That of a number's schema; `None` for what is no number.
    pub fn of(schema: &Json) -> Option<Self> {
        let is_number = |kind: &Json| ["integer", "number"].iter().any(|name| kind == *name);
        let kind = &schema["type"];
        if !is_number(kind) && !kind.as_array().is_some_and(|kinds| kinds.iter().any(is_number)) {
            return None;
        }
        let whole = |number: &Json| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        let bound = |keyword: &str, is_in| {
            let number = &schema[keyword];
            Some(Bound { at: number.as_f64()?, whole: whole(number), is_in })
        };
        let low = bound("exclusiveMinimum", false).or_else(|| bound("minimum", true));
        let high = bound("exclusiveMaximum", false).or_else(|| bound("maximum", true));
        Some(Self { low, high })
    }

    /// Lowest and highest value, as far as they are bounded.
    pub fn bounds(&self) -> (Option<f64>, Option<f64>) {
        (self.low.map(|bound| bound.at), self.high.map(|bound| bound.at))
    }

    fn contains(&self, value: f64) -> bool {
        let above = self.low.is_none_or(|low| if low.is_in { value >= low.at } else { value > low.at });
        let below = self.high.is_none_or(|high| if high.is_in { value <= high.at } else { value < high.at });
        value.is_finite() && above && below
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.low, self.high) {
            (Some(low), Some(high)) if low.is_in && high.is_in => return write!(f, "from {low} to {high}"),
            (None, None) => return f.write_str("any number"),
            _ => {}
        }
        let low = self.low.map(|low| format!("{} {low}", if low.is_in { "at least" } else { "above" }));
        let high = self.high.map(|high| format!("{} {high}", if high.is_in { "at most" } else { "below" }));
        f.write_str(&[low, high].into_iter().flatten().collect::<Vec<_>>().join(" and "))
    }
}

impl fmt::Display for Bound {
    /// As people write it: a whole number with all of its digits, 1e38 without its 39.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.whole {
            Some(whole) => write!(f, "{whole}"),
            None if self.at.abs() < 1e15 => write!(f, "{}", self.at),
            None => write!(f, "{:e}", self.at),
        }
    }
}

/// Refuses a number that is out of its range, or is none.
///
/// # Errors
/// Names the key, its value and the range.
pub fn check_ranges(schema: &Json, settings: &Table) -> Result<(), ConfigError> {
    check_table("", schema, schema, settings)
}

fn check_table(path: &str, root: &Json, schema: &Json, table: &Table) -> Result<(), ConfigError> {
    let keys = schema_keys(root, schema);
    let known = table.iter().filter_map(|(name, value)| Some((keys.iter().find(|key| key.name == name)?, value)));
    known.into_iter().try_for_each(|(key, value)| check_value(&join(path, key.name), root, key.schema, value))
}

fn check_value(path: &str, root: &Json, schema: &Json, value: &Value) -> Result<(), ConfigError> {
    let number = match value {
        Value::Table(table) => return check_table(path, root, schema, table),
        Value::Array(items) => {
            let Some(schema) = schema_items(root, schema) else { return Ok(()) };
            let mut items = items.iter().enumerate();
            return items.try_for_each(|(index, item)| check_value(&format!("{path}.{index}"), root, schema, item));
        }
        Value::Integer(number) => *number as f64,
        Value::Float(number) => *number,
        Value::String(_) | Value::Boolean(_) | Value::Datetime(_) => return Ok(()),
    };
    match Range::of(schema).filter(|range| !range.contains(number)) {
        Some(range) => Err(ConfigError::value(path, value, format!("must be {range}"), "")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(schema: &Json, text: &str) -> String {
        let settings: Table = text.parse().unwrap();
        check_ranges(schema, &settings).map_or_else(|error| error.to_string(), |()| "fine".to_owned())
    }

    #[test]
    fn numbers_are_compared_with_their_ranges_at_every_depth() {
        let schema = json!({
            "properties": {
                "rank": {"type": "integer", "minimum": 1, "maximum": 64},
                "share": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
                "rate": {"type": "number", "minimum": 0, "maximum": 1e38},
                "seed": {"type": "integer", "minimum": 0, "maximum": i64::MAX},
                "hash": {"type": "integer", "minimum": i64::MIN, "exclusiveMaximum": u64::MAX},
                "price": {"type": ["number", "null"], "exclusiveMinimum": 0},
                "endpoints": {"type": "array", "items": {"$ref": "#/$defs/Endpoint"}},
                "judge": {"anyOf": [{"$ref": "#/$defs/Endpoint"}, {"type": "null"}]},
            },
            "$defs": {"Endpoint": {"properties": {"timeout_s": {"type": "number", "minimum": 0, "maximum": 60}}}},
        });
        for (text, said) in [
            ("rank = 1\nshare = 0.0\nprice = 0.1\nendpoints = [{ timeout_s = 60 }]", "fine"),
            ("rank = 0", "`rank` = 0: must be from 1 to 64"),
            ("rank = 65", "`rank` = 65: must be from 1 to 64"),
            ("rate = -1", "`rate` = -1: must be from 0 to 1e38"),
            ("seed = -1", "`seed` = -1: must be from 0 to 9223372036854775807"),
            (
                "hash = 1e20",
                "`hash` = 100000000000000000000.0: must be at least -9223372036854775808 and below 18446744073709551615",
            ),
            ("share = 1.0", "`share` = 1.0: must be at least 0 and below 1"),
            ("share = nan", "`share` = nan: must be at least 0 and below 1"),
            ("price = 0.0", "`price` = 0.0: must be above 0"),
            ("price = inf", "`price` = inf: must be above 0"),
            (
                "endpoints = [{ timeout_s = 1 }, { timeout_s = -1 }]",
                "`endpoints.1.timeout_s` = -1: must be from 0 to 60",
            ),
            ("[judge]\ntimeout_s = 1e9", "`judge.timeout_s` = 1000000000.0: must be from 0 to 60"),
        ] {
            assert_eq!(refusal(&schema, text), said, "{text}");
        }
    }
}
