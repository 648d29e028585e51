//! Families whose tasks have several parts, each drawn from other families.

use super::wording::JOINED;
use super::{Family, Parts, Setup};

const FORMATS: &[&str] = &["bold", "italic", "underline", "strikethrough", "highlight", "font_color", "font_size"];
const SETTINGS: &[&str] = &["margins", "orientation", "columns", "zoom", "view_mode", "paper_size", "page_number"];
const TEXTS: &[&str] = &["header", "footer", "link", "comment", "footnote", "caption"];

const fn combined(name: &'static str, parts: Parts) -> Family {
    Family::new(name, &[], &JOINED, &[], Setup::Plain, parts)
}

/// The families of this topic.
pub static FAMILIES: [Family; 4] = [
    combined("two_formats", &[FORMATS, FORMATS]),
    combined("format_and_setting", &[FORMATS, SETTINGS]),
    combined("setting_and_text", &[SETTINGS, TEXTS]),
    combined("three_parts", &[FORMATS, SETTINGS, TEXTS]),
];
