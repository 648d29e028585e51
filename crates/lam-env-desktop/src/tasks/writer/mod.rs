//! The task families of LibreOffice Writer.

mod character;
mod document;
mod editing;
mod insert;
mod page;
mod paragraph;
mod table;

use super::Family;

/// The families by topic, in the order in which they take turns.
pub fn topics() -> Vec<(&'static str, &'static [Family])> {
    vec![
        ("Formatting characters", &character::FAMILIES),
        ("Formatting paragraphs", &paragraph::FAMILIES),
        ("Editing text", &editing::FAMILIES),
        ("Inserting things", &insert::FAMILIES),
        ("Working with tables", &table::FAMILIES),
        ("Setting up pages", &page::FAMILIES),
        ("Documents and files", &document::FAMILIES),
    ]
}
