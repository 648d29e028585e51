//! Paths among settings: that they lead somewhere, and where they stand. Knows no setting.

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

/// Writes a text where `key` (dotted, items of lists by number) stands; nothing where no text stands there.
pub fn replace_text(table: &mut Table, key: &str, text: &str) {
    let mut parts = key.split('.');
    let first = parts.next().and_then(|name| table.get_mut(name));
    let place = parts.try_fold(first, |place, part| {
        let found = match place? {
            Value::Table(table) => table.get_mut(part),
            Value::Array(items) => part.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
            _ => None,
        };
        Some(found)
    });
    if let Some(Some(Value::String(written))) = place {
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
}
