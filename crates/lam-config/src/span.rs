//! Where in a TOML text each key stands.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One key of a document: its dotted path (list items by index) and where it stands.
#[derive(Clone, Debug)]
pub(super) struct KeySpan {
    pub path: String,
    pub key: Range<usize>,
}

/// Every key of `text`, parents before children; empty when it is not TOML.
pub(super) fn key_spans(text: &str) -> Vec<KeySpan> {
    let mut spans = Vec::new();
    if let Ok(table) = DeTable::parse(text) {
        visit_table(table.get_ref(), "", &mut spans);
    }
    spans
}

/// The line of a byte, from 1.
pub(super) fn line_of(text: &str, byte: usize) -> usize {
    let before = text.get(..byte).unwrap_or(text);
    before.matches('\n').count() + 1
}

fn visit_table(table: &DeTable<'_>, prefix: &str, spans: &mut Vec<KeySpan>) {
    for (key, value) in table {
        visit(join(prefix, key.get_ref()), key.span(), value, spans);
    }
}

fn visit(path: String, key: Range<usize>, value: &Spanned<DeValue<'_>>, spans: &mut Vec<KeySpan>) {
    spans.push(KeySpan { path: path.clone(), key });
    match value.get_ref() {
        DeValue::Table(table) => visit_table(table, &path, spans),
        DeValue::Array(array) => {
            for (index, item) in array.iter().enumerate() {
                visit(format!("{path}.{index}"), item.span(), item, spans);
            }
        }
        _ => {}
    }
}

/// `prefix.key`, or `key` at the top.
pub(super) fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_string() } else { format!("{prefix}.{key}") }
}
