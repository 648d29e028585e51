//! The task families of a small text editor.

use super::goal::Letters;
use super::wording::{APPEND, DELETE, LAST, LETTERS, RETYPE};
use super::{Family, Goal, Quote, family};

/// The families.
pub static FAMILIES: [Family; 5] = [
    family("note_retype", &["rewrite", "retype"], &RETYPE, &["select {x}", "press {y}"], &[Goal::Retyped])
        .quote(Quote::Words)
        .new_words(2, 2),
    family(
        "note_delete",
        &["delete", "remove", "erase"],
        &DELETE,
        &["select {x}", "click Edit > Delete"],
        &[Goal::Deleted],
    )
    .quote(Quote::Words),
    family(
        "note_append",
        &["add", "write"],
        &APPEND,
        &["select {x}", "press END", "press SPACE", "press {y}"],
        &[Goal::Appended(" ")],
    )
    .quote(Quote::Paragraph)
    .new_words(2, 2),
    family(
        "note_last",
        &["add", "write"],
        &LAST,
        &["press {VK_CONTROL}{END}", "press ENTER", "press {y}"],
        &[Goal::Last],
    )
    .new_words(3, 3),
    family(
        "note_uppercase",
        &["upper case", "capital letters"],
        &LETTERS,
        &["select {x}", "click Edit > Convert > To Uppercase"],
        &[Goal::Letters(Letters::Upper)],
    )
    .quote(Quote::Words),
];
