//! The task families of a small text editor.

use super::goal::Letters;
use super::wording::{APPEND, DELETE, LAST, LETTERS, RETYPE};
use super::{Family, Goal, Move, Quote, Slot};

/// The families.
pub static FAMILIES: [Family; 5] = [
    Family::new(
        "note_retype",
        &["rewrite", "retype"],
        &RETYPE,
        &[Move::SelectText, Move::Write(Slot::New)],
        &[Goal::Retyped],
    )
    .quote(Quote::Words)
    .new_words(2),
    Family::new(
        "note_delete",
        &["delete", "remove", "erase"],
        &DELETE,
        &[Move::SelectText, Move::Click("Edit > Delete")],
        &[Goal::Deleted],
    )
    .quote(Quote::Words),
    Family::new(
        "note_append",
        &["add", "write"],
        &APPEND,
        &[Move::SelectText, Move::Press("{END}"), Move::Press("{SPACE}"), Move::Write(Slot::New)],
        &[Goal::Appended(" ")],
    )
    .quote(Quote::Paragraph)
    .new_words(2),
    Family::new(
        "note_last",
        &["add", "write"],
        &LAST,
        &[Move::Press("{VK_CONTROL}{END}"), Move::Press("{ENTER}"), Move::Write(Slot::New)],
        &[Goal::Last],
    )
    .new_words(3),
    Family::new(
        "note_uppercase",
        &["upper case", "capital letters"],
        &LETTERS,
        &[Move::SelectText, Move::Click("Edit > Convert > To Uppercase")],
        &[Goal::Letters(Letters::Upper)],
    )
    .quote(Quote::Words),
];
