//! Where in a TOML text each key stands.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One key of a document: its dotted path (list items by index) and where it and its value stand.
#[derive(Clone, Debug)]
pub(super) struct KeySpan {
    pub path: String,
    pub key: Range<usize>,
    pub value: Range<usize>,
}

/// Every key of `text`, parents before children; empty when it is not TOML.
pub(super) fn key_spans(text: &str) -> Vec<KeySpan> {
    let mut spans = Vec::new();
    if let Ok(table) = DeTable::parse(text) {
        visit_table(table.get_ref(), "", &mut spans);
    }
    spans
}

/// The key that an error at these bytes is about: the exact one, else the innermost around it.
pub(super) fn key_at<'a>(spans: &'a [KeySpan], bytes: &Range<usize>) -> Option<&'a KeySpan> {
    let exact = spans.iter().rev().find(|span| span.key == *bytes || span.value == *bytes);
    exact.or_else(|| {
        let around = |span: &&KeySpan| span.value.start <= bytes.start && bytes.end <= span.value.end;
        spans.iter().rfind(around)
    })
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
    spans.push(KeySpan { path: path.clone(), key, value: value.span() });
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
