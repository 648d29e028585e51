//! The words of a card, the README.md beside what is given away: Markdown, YAML's strings, and settings without places of
//! this machine, which are nobody else's business. Knows no model and no data set.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

/// Stands for an address, which may be of somebody's own network.
const ADDRESS: &str = "(an address)";

/// Adds a heading of the second level and what stands under it.
pub fn section(text: &mut String, title: &str, body: &str) {
    paragraph(text, &format!("## {title}"));
    paragraph(text, body);
}

/// Adds a paragraph, and the empty line after it.
pub fn paragraph(text: &mut String, body: &str) {
    write!(text, "{body}\n\n").expect("writing to a string cannot fail");
}

/// Adds a line.
pub fn line(text: &mut String, body: &str) {
    writeln!(text, "{body}").expect("writing to a string cannot fail");
}

/// A double-quoted YAML string; JSON's escapes are YAML's.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// Settings without what only means something on the machine that used them: of each path its last name is left, and of
/// an address nothing.
pub fn without_places(settings: &Value) -> Value {
    match settings {
        Value::String(text) if text.contains("://") => Value::from(ADDRESS),
        Value::String(text) => Value::from(without_folders(text)),
        Value::Array(values) => values.iter().map(without_places).collect(),
        Value::Object(values) => values.iter().map(|(key, value)| (key.clone(), without_places(value))).collect(),
        other => other.clone(),
    }
}

/// The last name of a path of this machine, or of another system's; any other text as it is, such as OWNER/NAME on the hub.
pub fn without_folders(text: &str) -> String {
    let path = Path::new(text);
    let is_absolute = path.is_absolute() || text.starts_with(['/', '\\']) || text.get(1..3) == Some(":\\");
    let is_path = is_absolute || text.starts_with(['.', '~']) || (text.contains('/') && path.exists());
    let last = text.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default();
    if is_path && !last.is_empty() { last.to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_of_this_machine_become_names() {
        let here = tempfile::tempdir().unwrap();
        let file = here.path().join("own.jsonl");
        let config = json!({"model_name_or_path": "acme/tiny", "data": [file.display().to_string(), "./a/b.txt"],
            "text": "a/b or c", "lora": {"r": 8}});
        let shown = json!({"model_name_or_path": "acme/tiny", "data": ["own.jsonl", "b.txt"], "text": "a/b or c",
            "lora": {"r": 8}});
        assert_eq!(without_places(&config), shown);
    }

    #[test]
    fn settings_are_told_without_places() {
        let settings = json!({
            "plans": { "sources": [{ "kind": "wikihow", "path": "/home/ada/wiki/all.json", "licence": "x/y" }] },
            "teacher": { "remote": { "base_url": "https://secret.example/v1", "model": "gpt" } },
            "number": 3,
            "more": ["~/x", "C:\\Users\\ada\\y"],
        });
        let expected = json!({
            "plans": { "sources": [{ "kind": "wikihow", "path": "all.json", "licence": "x/y" }] },
            "teacher": { "remote": { "base_url": "(an address)", "model": "gpt" } },
            "number": 3,
            "more": ["x", "y"],
        });
        assert_eq!(without_places(&settings), expected);
    }

    #[test]
    fn a_folder_keeps_its_name_and_what_has_none_stays() {
        assert_eq!(["/home/ada/docs/", "/", "..", "plain"].map(without_folders), ["docs", "/", "..", "plain"]);
    }

    #[test]
    fn sections_are_markdown_and_names_stand_in_quotes() {
        let mut text = String::new();
        section(&mut text, "Title", "Body.");
        line(&mut text, &quoted("a \"b\""));
        assert_eq!(text, "## Title\n\nBody.\n\n\"a \\\"b\\\"\"\n");
    }
}
