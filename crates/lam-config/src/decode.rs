//! A table as its struct, with what does not fit turned into sentences: the nearest known key, the expected kind.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;

use crate::ConfigError;
use crate::aliases::{canonical, spellings};
use crate::elsewhere::{elsewhere, misspelt_elsewhere};
use crate::parse::parse;
use crate::span::join;
use crate::value::{Complaint, Refused};

/// The configuration in `table` as its struct; aliases of known fields are accepted at every level.
pub fn decode_table<T: DeserializeOwned>(table: &Table) -> Result<T, ConfigError> {
    parse(table)?.map_err(|refused| explain::<T>(table, &refused))
}

/// The resolved configuration as TOML, to stand beside its result.
pub fn config_to_toml<T: Serialize>(config: &T) -> Result<String, ConfigError> {
    let unwritable = |error| ConfigError::refused("", format!("cannot be written as TOML: {error}"), "");
    toml::to_string(config).map_err(unwritable)
}

/// The nearest of `known` to `word`, if any is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|name| (strsim::jaro_winkler(word, name), name));
    let near = scored.filter(|(score, _)| *score > 0.75);
    near.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

fn explain<T: DeserializeOwned>(table: &Table, refused: &Refused) -> ConfigError {
    let path = refused.path.join(".");
    match &refused.complaint {
        Complaint::Unknown { key, known } => unknown_key::<T>(table, &refused.path, key, known),
        Complaint::Missing { key } => {
            let inside = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
            ConfigError::refused(&path, format!("missing key `{key}`{inside}"), format!("add `{key} = …`"))
        }
        Complaint::Word { word, known } => {
            ConfigError::refused(&path, format!("`{path}` cannot be `{word}`"), choices(word, known))
        }
        Complaint::Type { found, expected } => {
            ConfigError::refused(&path, format!("`{path}` must be {expected}, not {found}"), "")
        }
        Complaint::Other(reason) if path.is_empty() => ConfigError::refused("", reason, ""),
        Complaint::Other(reason) => ConfigError::refused(&path, format!("`{path}`: {reason}"), ""),
    }
}

fn unknown_key<T: DeserializeOwned>(table: &Table, path: &[String], key: &str, known: &[String]) -> ConfigError {
    let names = known.iter().flat_map(|name| std::iter::once(name.as_str()).chain(spellings(name)));
    let above = path.join(".");
    let near = || nearest(key, names).map(|near| join(&above, canonical(near, known).unwrap_or(near)));
    let meant = elsewhere::<T>(table, path, key).or_else(near).or_else(|| misspelt_elsewhere::<T>(path, key));
    let hint = if meant.is_some() { String::new() } else { choices("", known) };
    ConfigError::Unknown { key: join(&above, key), origin: None, meant, hint }
}

fn choices(word: &str, known: &[String]) -> String {
    if known.is_empty() {
        return "no key is known here".to_string();
    }
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match nearest(word, known.iter().map(String::as_str)) {
        Some(near) if !word.is_empty() => format!("did you mean `{near}`? known: {list}"),
        _ => format!("known: {list}"),
    }
}
