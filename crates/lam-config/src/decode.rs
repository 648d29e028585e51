//! A table as its struct, with serde's complaints turned into sentences: the nearest known key, the expected kind.

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::ConfigError;
use crate::aliases::{canonical, spellings};
use crate::span::{join, key_at, key_spans};

/// The configuration in `table` as its struct; aliases of known fields are accepted at every level.
pub fn decode_table<T: DeserializeOwned>(table: &Table) -> Result<T, ConfigError> {
    match parse(table)? {
        Ok(config) => Ok(config),
        Err(complaint) => Err(explain(&complaint.path, &complaint.message, table_for::<T>(table, &complaint)?)),
    }
}

/// What serde says, and of which key.
struct Complaint {
    path: String,
    message: String,
}

/// The table as its struct, or serde's complaint once all aliases have their names.
fn parse<T: DeserializeOwned>(table: &Table) -> Result<Result<T, Complaint>, ConfigError> {
    let mut table = table.clone();
    loop {
        let text = to_text(&table)?;
        let error = match toml::from_str::<T>(&text) {
            Ok(config) => return Ok(Ok(config)),
            Err(error) => error,
        };
        let spans = key_spans(&text);
        let path = error.span().and_then(|bytes| key_at(&spans, &bytes)).map_or("", |span| span.path.as_str());
        if !adopt_alias(&mut table, path, error.message())? {
            return Ok(Err(Complaint { path: path.to_string(), message: error.message().to_string() }));
        }
    }
}

/// Where an unknown key is known: in one of the tables beside it, such as `train`.
fn table_for<T: DeserializeOwned>(table: &Table, complaint: &Complaint) -> Result<Option<String>, ConfigError> {
    let names = quoted(&complaint.message);
    let Some((key, known)) = names.split_first().filter(|_| complaint.message.starts_with("unknown field")) else {
        return Ok(None);
    };
    let value = parent_of(&mut table.clone(), &complaint.path).and_then(|parent| parent.remove(key));
    let Some(value) = value else { return Ok(None) };
    let parents = complaint.path.rsplit_once('.').map_or("", |(parents, _)| parents);
    for name in known {
        let path: Vec<&str> = parents.split('.').filter(|part| !part.is_empty()).chain([name, key.as_str()]).collect();
        let wrap = |inner: Value, part: &&str| Value::Table(Table::from_iter([(part.to_string(), inner)]));
        let alone = path.iter().rev().fold(value.clone(), wrap);
        if alone.as_table().map_or(Ok(false), |table| Ok(parse::<T>(table)?.is_ok()))? {
            return Ok(Some(path.join(".")));
        }
    }
    Ok(None)
}

/// The resolved configuration as TOML, to stand beside its result.
pub fn config_to_toml<T: Serialize>(config: &T) -> Result<String, ConfigError> {
    to_text(config)
}

/// The nearest of `known` to `word`, if any is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|name| (strsim::jaro_winkler(word, name), name));
    let near = scored.filter(|(score, _)| *score > 0.75);
    near.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
}

fn to_text<T: Serialize>(value: &T) -> Result<String, ConfigError> {
    toml::to_string(value).map_err(|error| ConfigError::refused("", format!("cannot be written as TOML: {error}"), ""))
}

/// If `message` refuses a key that is an alias of an expected one, rename it.
fn adopt_alias(table: &mut Table, path: &str, message: &str) -> Result<bool, ConfigError> {
    if !message.starts_with("unknown field") {
        return Ok(false);
    }
    let names = quoted(message);
    let Some((alias, known)) = names.split_first() else { return Ok(false) };
    let Some(name) = canonical(alias, known) else { return Ok(false) };
    let Some(parent) = parent_of(table, path) else { return Ok(false) };
    if parent.contains_key(name) {
        return Err(ConfigError::twice(path, name));
    }
    let Some(value) = parent.remove(alias) else { return Ok(false) };
    parent.insert(name.to_string(), value);
    Ok(true)
}

fn parent_of<'a>(table: &'a mut Table, path: &str) -> Option<&'a mut Table> {
    let Some((parents, _)) = path.rsplit_once('.') else { return Some(table) };
    let (first, rest) = parents.split_once('.').map_or((parents, None), |(first, rest)| (first, Some(rest)));
    let mut value = table.get_mut(first)?;
    for part in rest.into_iter().flat_map(|rest| rest.split('.')) {
        value = match value {
            Value::Table(inner) => inner.get_mut(part)?,
            Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    value.as_table_mut()
}

/// The words between backquotes.
fn quoted(message: &str) -> Vec<String> {
    message.split('`').skip(1).step_by(2).map(str::to_string).collect()
}

/// `elsewhere` is where an unknown key is known.
fn explain(path: &str, message: &str, elsewhere: Option<String>) -> ConfigError {
    let message = message.trim();
    let words = quoted(message);
    let error = |what: String, hint: String| ConfigError::refused(path, what, hint);
    if message.starts_with("unknown field") {
        return unknown_key(path, &words, elsewhere);
    }
    if message.starts_with("missing field") {
        let name = words.first().map_or("", String::as_str);
        let inside = if path.is_empty() { String::new() } else { format!(" in `{path}`") };
        return error(format!("missing key `{name}`{inside}"), format!("add `{name} = …`"));
    }
    if message.starts_with("unknown variant") {
        let value = words.first().cloned().unwrap_or_default();
        return error(format!("`{path}` cannot be `{value}`"), choices(&value, words.get(1..).unwrap_or_default()));
    }
    match wrong_type(message) {
        Some((found, expected)) => error(format!("`{path}` must be {expected}, not {found}"), String::new()),
        None => error(format!("`{path}`: {message}"), String::new()),
    }
}

fn unknown_key(path: &str, words: &[String], elsewhere: Option<String>) -> ConfigError {
    let (key, known) = words.split_first().map_or((path, &[][..]), |(key, known)| (key.as_str(), known));
    let names = known.iter().flat_map(|name| std::iter::once(name.as_str()).chain(spellings(name)));
    let near = || nearest(key, names).map(|near| canonical(near, known).unwrap_or(near).to_string());
    let meant = elsewhere.or_else(near);
    let hint = meant.map_or_else(|| choices("", known), |meant| format!("did you mean `{meant}`?"));
    let parents = path.rsplit_once('.').map_or("", |(parents, _)| parents);
    ConfigError::Unknown { key: join(parents, key), origin: None, hint }
}

fn choices(value: &str, known: &[String]) -> String {
    if known.is_empty() {
        return "no key is known here".to_string();
    }
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match nearest(value, known.iter().map(String::as_str)) {
        Some(near) if !value.is_empty() => format!("did you mean `{near}`? known: {list}"),
        _ => format!("known: {list}"),
    }
}

/// (found, expected) of serde's "invalid type: found, expected …".
fn wrong_type(message: &str) -> Option<(String, String)> {
    let rest = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, expected) = rest.rsplit_once(", expected ")?;
    let expected = match expected {
        "f32" | "f64" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or greater",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" | "string or map" => "text in quotes",
        "a sequence" => "a list",
        "a map" => "a table",
        other => other,
    };
    Some((found.to_string(), expected.to_string()))
}
