//! What was written, laid over a configuration's own defaults: one key of a table leaves the defaults for the others.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::ConfigError;
use crate::aliases::canonical;
use crate::decode::{config_to_toml, decode_table};
use crate::span::join;

/// The configuration with what is in `given`, and `defaults` for the rest.
pub fn decode_over<T: DeserializeOwned>(defaults: Table, given: &Table) -> Result<T, ConfigError> {
    decode_table(&over(defaults, given, "")?)
}

/// The configuration as a table. It goes by way of text, so that a number in single precision is the one that was
/// written and not its nearest one in double precision.
pub fn config_to_table<T: Serialize>(config: &T) -> Result<Table, ConfigError> {
    let unreadable = |error| ConfigError::refused("", format!("cannot be written as a table: {error}"), "");
    config_to_toml(config)?.parse().map_err(unreadable)
}

/// `given`, whose keys stand below `prefix`, laid over `defaults`, table by table; aliases count as the keys they stand
/// for.
fn over(mut defaults: Table, given: &Table, prefix: &str) -> Result<Table, ConfigError> {
    let mut written = BTreeMap::new();
    let known: Vec<String> = defaults.keys().cloned().collect();
    for (key, value) in given {
        let name = if defaults.contains_key(key) { None } else { canonical(key, &known) };
        let name = name.unwrap_or(key);
        if name != key && given.contains_key(name) {
            return Err(ConfigError::twice(&join(prefix, key), name));
        }
        if let Some(other) = written.insert(name, key) {
            return Err(ConfigError::twice(&join(prefix, key), other));
        }
        let value = match (defaults.remove(name), value) {
            (Some(Value::Table(below)), Value::Table(given)) if same_kind(&below, given) => {
                Value::Table(over(below, given, &join(prefix, key))?)
            }
            (_, value) => value.clone(),
        };
        defaults.insert(name.to_owned(), value);
    }
    Ok(defaults)
}

/// Whether two tables are settings of the same thing: those with a `kind` are only when their kinds are equal.
fn same_kind(one: &Table, other: &Table) -> bool {
    one.get("kind") == other.get("kind") || !other.contains_key("kind")
}
