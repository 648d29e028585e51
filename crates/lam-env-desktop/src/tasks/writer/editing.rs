//! Families that change the text itself.

use super::super::wording::{APPEND, DELETE, LAST, REPLACE, RETYPE};
use super::super::{Family, Goal, Move, Quote, Slot};

/// The families of this topic.
pub static FAMILIES: [Family; 5] = [
    Family::new(
        "replace_all",
        &["replace", "exchange", "swap"],
        &REPLACE,
        &[
            Move::Click("Find and Replace"),
            Move::Set("Search For", Slot::Text),
            Move::Set("Replace With", Slot::New),
            Move::Click("Replace All"),
        ],
        &[Goal::Replaced],
    )
    .quote(Quote::Word)
    .new_words(1),
    Family::new(
        "delete_text",
        &["delete", "remove", "erase"],
        &DELETE,
        &[Move::SelectText, Move::Press("{DELETE}")],
        &[Goal::Deleted],
    )
    .quote(Quote::Words),
    Family::new(
        "retype",
        &["rewrite", "retype"],
        &RETYPE,
        &[Move::SelectText, Move::Write(Slot::New)],
        &[Goal::Retyped],
    )
    .quote(Quote::Words)
    .new_words(2),
    Family::new(
        "append",
        &["add", "write"],
        &APPEND,
        &[Move::SelectText, Move::Press("{END}"), Move::Press("{SPACE}"), Move::Write(Slot::New)],
        &[Goal::Appended(" ")],
    )
    .quote(Quote::Paragraph)
    .new_words(2),
    Family::new(
        "last_paragraph",
        &["add", "write"],
        &LAST,
        &[Move::Press("{VK_CONTROL}{END}"), Move::Press("{ENTER}"), Move::Write(Slot::New)],
        &[Goal::Last],
    )
    .new_words(3),
];
