//! A configuration in layers: a file, tables laid over it, overrides from the command line; later ones win.
//! Remembers where each key was written. Knows no configuration's fields.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::aliases::spellings;
use crate::decode::decode_table;
use crate::language::hint_of_language;
use crate::path::value_at_mut;
use crate::span::{join, key_spans, line_of};
use crate::{ConfigError, Origin};

/// The layers merged so far.
#[derive(Clone, Debug, Default)]
pub struct ConfigLayers {
    table: Table,
    origins: BTreeMap<String, Origin>,
}

impl ConfigLayers {
    /// No layer yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lay a TOML file over what is there.
    pub fn add_file(&mut self, path: &Path) -> Result<(), ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_path_buf(), source })?;
        self.add_text(path, &text)
    }

    /// Lay TOML text over what is there; `path` is how errors call it.
    pub fn add_text(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let table: Table = toml::from_str(text).map_err(|error| {
            let line = line_of(text, error.span().map_or(0, |span| span.start));
            ConfigError::syntax(path, line, error.message(), hint_of_language(path, text))
        })?;
        let origins = key_spans(text).into_iter().map(|span| {
            let line = line_of(text, span.key.start);
            (span.path, Origin::File { path: path.to_path_buf(), line })
        });
        self.add_table(&table, &origins.collect());
        Ok(())
    }

    /// Lay a table over what is there; `origins` says where its keys (dotted) were written.
    pub fn add_table(&mut self, table: &Table, origins: &BTreeMap<String, Origin>) {
        let mut layer = Layer { origins, merged: &mut self.origins };
        layer.merge(&mut self.table, table, "");
    }

    /// Lay `key=value` over what is there: dotted keys, TOML values, a bare word is text.
    pub fn add_override(&mut self, assignment: &str) -> Result<(), ConfigError> {
        let origin = Origin::Override(assignment.to_string());
        let refused = |reason| ConfigError::Syntax { origin: origin.clone(), reason, hint: "" };
        let (key, value) = parse_assignment(assignment).map_err(refused)?;
        self.add_value(key, value, &origin);
        Ok(())
    }

    /// Lay one value over what is there; `key` may have dots.
    pub fn add_value(&mut self, key: &str, value: Value, origin: &Origin) {
        let nested = key.rsplit('.').fold(value, |inner, part| {
            let mut table = Table::new();
            table.insert(part.to_string(), inner);
            Value::Table(table)
        });
        let ends = key.match_indices('.').map(|(end, _)| end).chain([key.len()]);
        let origins = ends.map(|end| (key[..end].to_string(), origin.clone())).collect();
        if let Value::Table(table) = nested {
            self.add_table(&table, &origins);
        }
    }

    /// Takes out the table at `key`, as layers of its own; none where there is no such table.
    pub fn take(&mut self, key: &str) -> ConfigLayers {
        if !self.table.get(key).is_some_and(Value::is_table) {
            return ConfigLayers::new();
        }
        let Some(Value::Table(table)) = self.table.remove(key) else { return ConfigLayers::new() };
        let prefix = format!("{key}.");
        let below = self.origins.iter().filter_map(|(path, origin)| Some((path.strip_prefix(&prefix)?, origin)));
        let origins = below.map(|(path, origin)| (path.to_owned(), origin.clone())).collect();
        self.origins.retain(|path, _| path != key && !path.starts_with(&prefix));
        ConfigLayers { table, origins }
    }

    /// Takes out the value at `key` (dotted), under whatever name it was written, with where that was.
    pub fn take_value(&mut self, key: &str) -> Option<(Value, Option<Origin>)> {
        let (parent, leaf) = key.rsplit_once('.').unwrap_or(("", key));
        let table = match parent {
            "" => &mut self.table,
            parent => value_at_mut(&mut self.table, parent)?.as_table_mut()?,
        };
        let name = std::iter::once(leaf).chain(spellings(leaf)).find(|name| table.contains_key(*name))?;
        let value = table.remove(name)?;
        let path = join(parent, name);
        let (origin, below) = (self.origin(&path).cloned(), format!("{path}."));
        self.origins.retain(|known, _| *known != path && !known.starts_with(&below));
        Some((value, origin))
    }

    /// All layers, merged.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Where `key` (dotted) was written, under whatever name; for a key inside a value, where that was written.
    pub fn origin(&self, key: &str) -> Option<&Origin> {
        let (parent, leaf) = key.rsplit_once('.').map_or(("", key), |(parent, leaf)| (parent, leaf));
        let names = std::iter::once(leaf).chain(spellings(leaf));
        let found = names.map(|name| join(parent, name)).find_map(|path| self.origins.get(&path));
        found.or_else(|| if parent.is_empty() { None } else { self.origin(parent) })
    }

    /// Where each key (dotted) was written.
    pub fn origins(&self) -> &BTreeMap<String, Origin> {
        &self.origins
    }

    /// The configuration as its struct.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        decode_table(&self.table).map_err(|error| error.located(|key| self.origin(key).cloned()))
    }
}

/// `key=value` in its two halves, the value as TOML where it is TOML.
pub fn parse_assignment(assignment: &str) -> Result<(&str, Value), String> {
    let (key, text) = assignment.split_once('=').ok_or("expected key=value")?;
    let (key, text) = (key.trim(), text.trim());
    if key.is_empty() || key.split('.').any(str::is_empty) {
        return Err(format!("`{key}` is no key; expected key=value"));
    }
    let parsed = toml::from_str::<Table>(&format!("value = {text}"));
    let value = parsed.ok().filter(|table| table.len() == 1).and_then(|mut table| table.remove("value"));
    match value {
        Some(value) => Ok((key, value)),
        None if text.starts_with(['[', '{', '"', '\'']) => Err(format!("`{text}` is not a TOML value")),
        None => Ok((key, large_number(text).map_or_else(|| Value::String(text.to_string()), Value::Float))),
    }
}

/// A whole number that TOML has no room for, so that it is refused as a number and not as a word.
fn large_number(text: &str) -> Option<f64> {
    let digits = text.trim_start_matches(['+', '-']);
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// One layer on its way into the merged table.
struct Layer<'a> {
    origins: &'a BTreeMap<String, Origin>,
    merged: &'a mut BTreeMap<String, Origin>,
}

impl Layer<'_> {
    fn merge(&mut self, below: &mut Table, above: &Table, prefix: &str) {
        let others = |key: &str| spellings(key).into_iter().filter(|name| !above.contains_key(*name));
        for (key, value) in above {
            for name in others(key) {
                if below.remove(name).is_some() {
                    self.forget(&join(prefix, name));
                }
            }
            let path = join(prefix, key);
            match (below.get_mut(key), value) {
                (Some(Value::Table(inner)), Value::Table(value)) => self.merge(inner, value, &path),
                _ => {
                    self.forget(&path);
                    below.insert(key.clone(), value.clone());
                    self.remember(&path);
                }
            }
        }
    }

    fn forget(&mut self, path: &str) {
        let inside = format!("{path}.");
        self.merged.retain(|key, _| key != path && !key.starts_with(&inside));
    }

    fn remember(&mut self, path: &str) {
        let inside = format!("{path}.");
        let written = self.origins.iter().filter(|(key, _)| *key == path || key.starts_with(&inside));
        self.merged.extend(written.map(|(key, origin)| (key.clone(), origin.clone())));
    }
}
