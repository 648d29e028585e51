//! What a text that is not TOML looks like, so that whoever wrote it in another language is told.

use std::path::Path;

/// What to write instead; "" where the text looks like TOML with a mistake.
pub(super) fn hint_of_language(path: &Path, text: &str) -> &'static str {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let is_said = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let first = text.lines().map(str::trim).find(is_said).unwrap_or_default();
    if ending == "json" || first.starts_with('{') {
        "this looks like JSON; write TOML: `key = value`, and `[table]` above the keys of a table"
    } else if ["yaml", "yml"].contains(&ending) || is_yaml(first) {
        "this looks like YAML; write TOML: `key = value`, and `[table]` above the keys of a table"
    } else {
        ""
    }
}

/// Whether a line begins a document, an item of a list, or a mapping of YAML.
fn is_yaml(line: &str) -> bool {
    let key = |(key, value): (&str, &str)| {
        !key.is_empty() && !key.contains(['=', '[', '"']) && (value.is_empty() || value.starts_with(' '))
    };
    line == "---" || line.starts_with("- ") || line.split_once(':').is_some_and(key)
}
