//! A table as its struct, with aliases under their own names; what does not fit is for others to explain.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::ConfigError;
use crate::aliases::canonical;
use crate::span::join;
use crate::value::{Complaint, Reader, Refused};

/// The table as its struct, or what does not fit once all aliases have their names.
pub(super) fn parse<T: DeserializeOwned>(table: &Table) -> Result<Result<T, Refused>, ConfigError> {
    let mut value = Value::Table(table.clone());
    loop {
        match T::deserialize(Reader(&value)) {
            Ok(config) => return Ok(Ok(config)),
            Err(refused) if adopt_alias(&mut value, &refused)? => {}
            Err(refused) => return Ok(Err(refused)),
        }
    }
}

/// If a key is refused that is an alias of one that is known, rename it.
fn adopt_alias(value: &mut Value, refused: &Refused) -> Result<bool, ConfigError> {
    let Complaint::Unknown { key, known } = &refused.complaint else { return Ok(false) };
    let Some(name) = canonical(key, known) else { return Ok(false) };
    let Some(table) = table_at(value, &refused.path) else { return Ok(false) };
    if table.contains_key(name) {
        return Err(ConfigError::twice(&join(&refused.path.join("."), key), name));
    }
    let Some(value) = table.remove(key) else { return Ok(false) };
    table.insert(name.to_string(), value);
    Ok(true)
}

/// The table at a path of keys and places in lists.
pub(super) fn table_at<'a>(value: &'a mut Value, path: &[String]) -> Option<&'a mut Table> {
    let step = |value: &'a mut Value, part: &String| match value {
        Value::Table(table) => table.get_mut(part),
        Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?),
        _ => None,
    };
    path.iter().try_fold(value, step)?.as_table_mut()
}
