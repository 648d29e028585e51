//! Numbers of a config under way. Knows no keys.

use serde_json::{Map, Value};

use crate::Value as Stored;

/// A whole number that the config has.
pub(crate) fn whole(config: &Map<String, Value>, key: &str) -> u64 {
    config.get(key).and_then(Value::as_u64).unwrap_or_default()
}

/// The number that an f32 was written for: 1e-5, not 9.99999974e-6.
pub(crate) fn shortest(value: f64) -> f64 {
    (value as f32).to_string().parse().unwrap_or(value)
}

/// A number as it is read again: files have them in f32.
pub(crate) fn as_stored(value: f64) -> Stored {
    Stored::Number(f64::from(value as f32))
}
