//! A kind's settings as people read them: TOML with every key at its default, and the help of each above it.

use lam_config::{ALIASES, Range, SchemaKey, schema_items, schema_keys};
use serde_json::Value as Json;
use toml::{Table, Value};

/// Longest line of a comment.
const WIDTH: usize = 100;

/// The settings `defaults`, explained by their JSON schema.
pub(crate) fn page(defaults: &Table, schema: &Json) -> String {
    let mut page = Page { root: schema, text: String::new() };
    page.table("", schema, defaults);
    page.text
}

/// The help of every key below `schema`, with the key's dotted name; None where a key has none.
pub(crate) fn helps(schema: &Json) -> Vec<(String, Option<&str>)> {
    let mut found = Vec::new();
    collect("", schema, schema, &mut found);
    found
}

/// Every number below `schema`, with its dotted name (`[]` for a list's items) and its range.
pub(crate) fn ranges(schema: &Json) -> Vec<(String, Range)> {
    let mut found = Vec::new();
    collect_ranges("", schema, schema, &mut found);
    found
}

fn collect_ranges(path: &str, root: &Json, schema: &Json, found: &mut Vec<(String, Range)>) {
    for key in schema_keys(root, schema) {
        let path = below(path, key.name);
        found.extend(Range::of(key.schema).map(|range| (path.clone(), range)));
        collect_ranges(&path, root, key.schema, found);
    }
    if let Some(items) = schema_items(root, schema) {
        collect_ranges(&format!("{path}[]"), root, items, found);
    }
}

fn collect<'a>(path: &str, root: &'a Json, schema: &'a Json, found: &mut Vec<(String, Option<&'a str>)>) {
    // The word that says which form a table has is explained with the table.
    for key in schema_keys(root, schema).into_iter().filter(|key| key.schema["const"].is_null()) {
        let path = below(path, key.name);
        found.push((path.clone(), key.help));
        collect(&path, root, key.schema, found);
    }
}

fn below(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

struct Page<'a> {
    root: &'a Json,
    text: String,
}

impl Page<'_> {
    fn table(&mut self, path: &str, schema: &Json, values: &Table) {
        let keys = schema_keys(self.root, schema);
        for key in &keys {
            match values.get(key.name) {
                Some(Value::Table(_)) => continue,
                Some(value) => self.key(key, &format!("{} = {value}", key.name)),
                None => self.key(key, &format!("# {} = …", key.name)),
            }
        }
        for key in keys {
            let Some(Value::Table(inner)) = values.get(key.name) else { continue };
            let path = below(path, key.name);
            self.text.push('\n');
            self.key(&key, &format!("[{path}]"));
            self.table(&path, key.schema, inner);
        }
    }

    fn key(&mut self, key: &SchemaKey<'_>, line: &str) {
        let mut comment = String::new();
        let help = key.help.unwrap_or_default();
        let names: Vec<String> =
            ALIASES.iter().filter(|(_, name)| *name == key.name).map(|(alias, _)| format!("`{alias}`")).collect();
        let also = if names.is_empty() { String::new() } else { format!(" Also: {}.", names.join(", ")) };
        let range = Range::of(key.schema).map(|range| format!(" Must be {range}.")).unwrap_or_default();
        for word in format!("{help}{range}{also}").split_whitespace() {
            let length = comment.rsplit('\n').next().map_or(0, |line| line.chars().count());
            comment.push_str(if length == 0 || length + word.chars().count() >= WIDTH { "\n#" } else { "" });
            comment.push_str(&format!(" {word}"));
        }
        if !comment.is_empty() {
            comment.push('\n');
        }
        self.text.push_str(comment.trim_start_matches('\n'));
        self.text.push_str(&format!("{line}\n"));
    }
}
