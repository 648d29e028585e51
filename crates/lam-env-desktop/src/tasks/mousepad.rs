//! The task families of a small text editor.

use super::goal::Letters;
use super::wording::{APPEND, DELETE, LAST, LETTERS, RETYPE};
use super::{Family, Goal, Quote, family, quoting};

/// The families.
pub static FAMILIES: [Family; 5] = [
    quoting("note_retype", &["rewrite", "retype"], &RETYPE, &["select {x}", "press {y}"], &[Goal::Retyped])
        .new_words(2, 2),
    quoting(
        "note_delete",
        &["delete", "remove", "erase"],
        &DELETE,
        &["select {x}", "click Edit > Delete"],
        &[Goal::Deleted],
    ),
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
    quoting(
        "note_uppercase",
        &["upper case", "capital letters"],
        &LETTERS,
        &["select {x}", "click Edit > Convert > To Uppercase"],
        &[Goal::Letters(Letters::Upper)],
    ),
];
