//! Paths among settings: that they lead somewhere, and where they stand. Dotted keys of settings. Knows no setting.

use std::path::Path;

use toml::{Table, Value};

use crate::ConfigError;

/// What to write instead of a path that leads nowhere.
const HINT: &str = "a path counts from the directory in which lam-train runs, or from the file that names it";

/// Refuses a path that leads to nothing; `key` is where it stands.
///
/// # Errors
/// Names the key and the path.
pub fn check_exists(key: &str, path: &Path) -> Result<(), ConfigError> {
    match path.exists() {
        true => Ok(()),
        false => Err(ConfigError::value(key, path.display(), "no such file or directory", HINT)),
    }
}

/// The value at `key` (dotted, items of lists by number); none where nothing stands there.
pub fn value_at<'t>(table: &'t Table, key: &str) -> Option<&'t Value> {
    let mut parts = key.split('.');
    let first = table.get(parts.next()?)?;
    parts.try_fold(first, |place, part| match place {
        Value::Table(table) => table.get(part),
        Value::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The same, to be changed.
pub(crate) fn value_at_mut<'t>(table: &'t mut Table, key: &str) -> Option<&'t mut Value> {
    let mut parts = key.split('.');
    let first = table.get_mut(parts.next()?)?;
    parts.try_fold(first, |place, part| match place {
        Value::Table(table) => table.get_mut(part),
        Value::Array(items) => items.get_mut(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Writes a text where `key` (dotted, items of lists by number) stands; nothing where no text stands there.
pub fn replace_text(table: &mut Table, key: &str, text: &str) {
    if let Some(Value::String(written)) = value_at_mut(table, key) {
        text.clone_into(written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_replaced_where_its_key_stands() {
        let mut table: Table = "name = \"docs\"\n[[sources]]\npath = \"docs\"\n".parse().unwrap();
        replace_text(&mut table, "sources.0.path", "a/docs");
        for other in ["sources.1.path", "sources.0", "nowhere.path", "name.deeper"] {
            replace_text(&mut table, other, "wrong");
        }
        assert_eq!(table.to_string(), "name = \"docs\"\n\n[[sources]]\npath = \"a/docs\"\n");
    }

    #[test]
    fn a_value_is_found_where_its_key_stands() {
        let table: Table = "name = \"docs\"\n[[sources]]\npath = \"docs\"\n[train.lora]\nr = 8\n".parse().unwrap();
        assert_eq!(value_at(&table, "train.lora.r"), Some(&Value::Integer(8)));
        assert_eq!(value_at(&table, "sources.0.path"), value_at(&table, "name"));
        for nowhere in ["", "train.lora.alpha", "sources.1", "sources.path", "name.deeper"] {
            assert_eq!(value_at(&table, nowhere), None, "{nowhere}");
        }
    }
}
