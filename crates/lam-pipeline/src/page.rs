//! A kind's settings as people read them: TOML with every key at its default, and the help of each above it.

use lam_config::ALIASES;
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

fn collect<'a>(path: &str, root: &'a Json, schema: &'a Json, found: &mut Vec<(String, Option<&'a str>)>) {
    // The word that says which form a table has is explained with the table.
    for (key, property) in properties(root, schema).into_iter().filter(|(_, property)| property["const"].is_null()) {
        let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        found.push((path.clone(), help(root, property)));
        collect(&path, root, property, found);
    }
}

struct Page<'a> {
    root: &'a Json,
    text: String,
}

impl Page<'_> {
    fn table(&mut self, path: &str, schema: &Json, values: &Table) {
        let keys = properties(self.root, schema);
        for (key, property) in &keys {
            match values.get(*key) {
                Some(Value::Table(_)) => continue,
                Some(value) => self.key(key, property, &format!("{key} = {value}")),
                None => self.key(key, property, &format!("# {key} = …")),
            }
        }
        for (key, property) in keys {
            let Some(Value::Table(below)) = values.get(key) else { continue };
            let path = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
            self.text.push('\n');
            self.key(key, property, &format!("[{path}]"));
            self.table(&path, property, below);
        }
    }

    fn key(&mut self, key: &str, schema: &Json, line: &str) {
        let mut comment = String::new();
        let help = help(self.root, schema).unwrap_or_default();
        let names: Vec<String> =
            ALIASES.iter().filter(|(_, name)| *name == key).map(|(alias, _)| format!("`{alias}`")).collect();
        let also = if names.is_empty() { String::new() } else { format!(" Also: {}.", names.join(", ")) };
        for word in format!("{help}{also}").split_whitespace() {
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

/// The keys of a table, in the order of their struct; those of all its forms where there are several.
fn properties<'a>(root: &'a Json, schema: &'a Json) -> Vec<(&'a str, &'a Json)> {
    let schema = resolved(root, schema);
    let own = schema["properties"].as_object().into_iter().flatten();
    let own: Vec<_> = own.map(|(key, property)| (key.as_str(), property)).collect();
    let forms = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|form| schema[form].as_array()).flatten();
    let mut all: Vec<(&str, &Json)> = Vec::new();
    for (key, property) in own.into_iter().chain(forms.flat_map(|form| properties(root, form))) {
        if !all.iter().any(|(known, _)| *known == key) {
            all.push((key, property));
        }
    }
    all
}

fn help<'a>(root: &'a Json, schema: &'a Json) -> Option<&'a str> {
    schema["description"].as_str().or_else(|| resolved(root, schema)["description"].as_str())
}

/// What a reference such as `#/$defs/Limits` stands for.
fn resolved<'a>(root: &'a Json, schema: &'a Json) -> &'a Json {
    let path = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    path.and_then(|path| root.pointer(path)).unwrap_or(schema)
}
