//! Where in a TOML text each key stands.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One key of a document: its dotted path (list items by index) and where it and its value stand.
#[derive(Clone, Debug)]
pub(super) struct KeyPlace {
    pub path: String,
    pub key: Range<usize>,
    pub value: Range<usize>,
}

/// Every key of `text`, parents before children; empty when it is not TOML.
pub(super) fn key_places(text: &str) -> Vec<KeyPlace> {
    let mut places = Vec::new();
    if let Ok(table) = DeTable::parse(text) {
        visit_table(table.get_ref(), "", &mut places);
    }
    places
}

/// The key that an error with this span is about: the exact one, else the innermost around it.
pub(super) fn key_at<'a>(places: &'a [KeyPlace], span: &Range<usize>) -> Option<&'a KeyPlace> {
    let exact = places.iter().rev().find(|place| place.key == *span || place.value == *span);
    exact.or_else(|| {
        let around = |place: &&KeyPlace| place.value.start <= span.start && span.end <= place.value.end;
        places.iter().rfind(around)
    })
}

/// The line of a byte, from 1.
pub(super) fn line_of(text: &str, byte: usize) -> usize {
    let before = text.get(..byte).unwrap_or(text);
    before.matches('\n').count() + 1
}

fn visit_table(table: &DeTable<'_>, prefix: &str, places: &mut Vec<KeyPlace>) {
    for (key, value) in table {
        visit(join(prefix, key.get_ref()), key.span(), value, places);
    }
}

fn visit(path: String, key: Range<usize>, value: &Spanned<DeValue<'_>>, places: &mut Vec<KeyPlace>) {
    places.push(KeyPlace { path: path.clone(), key, value: value.span() });
    match value.get_ref() {
        DeValue::Table(table) => visit_table(table, &path, places),
        DeValue::Array(array) => {
            for (index, item) in array.iter().enumerate() {
                visit(format!("{path}.{index}"), item.span(), item, places);
            }
        }
        _ => {}
    }
}

/// `prefix.key`, or `key` at the top.
pub(super) fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_string() } else { format!("{prefix}.{key}") }
}
