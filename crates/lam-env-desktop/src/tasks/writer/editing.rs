//! Families that change the text itself.

use super::super::wording::{APPEND, DELETE, LAST, REPLACE, RETYPE};
use super::super::{Family, Goal, Quote, family, quoting};

/// The families of this topic.
pub static FAMILIES: [Family; 5] = [
    family(
        "replace_all",
        &["replace", "exchange", "swap"],
        &REPLACE,
        &["click Find and Replace", "type {x} in Search For", "type {y} in Replace With", "click Replace All"],
        &[Goal::Replaced],
    )
    .quote(Quote::Word)
    .new_words(1, 1),
    quoting("delete_text", &["delete", "remove", "erase"], &DELETE, &["select {x}", "press DELETE"], &[Goal::Deleted]),
    quoting("retype", &["rewrite", "retype"], &RETYPE, &["select {x}", "press {y}"], &[Goal::Retyped]).new_words(2, 2),
    family(
        "append",
        &["add", "write"],
        &APPEND,
        &["select {x}", "press END", "press SPACE", "press {y}"],
        &[Goal::Appended(" ")],
    )
    .quote(Quote::Paragraph)
    .new_words(2, 2),
    family(
        "last_paragraph",
        &["add", "write"],
        &LAST,
        &["press {VK_CONTROL}{END}", "press ENTER", "press {y}"],
        &[Goal::Last],
    )
    .new_words(3, 3),
];
