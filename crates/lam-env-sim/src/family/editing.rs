//! Families that change the text itself, move the view, or write the file.

use super::wording::{APPEND, DELETE, DUPLICATE, REPLACE, RETYPE, SAVE, SCROLL, UNDO};
use super::{Family, Numbers, Setup};
use crate::functions::EXTENSIONS;
use crate::procedure::Move::{Click, Confirm, Fill, Press, SaveAs, Scroll, SelectText, Type, Write};
use crate::procedure::Slot;

/// The families of this topic.
pub static FAMILIES: [Family; 8] = [
    Family::new("delete_text", &["delete", "remove", "erase", "drop"], &DELETE, &[SelectText, Press("{DELETE}")])
        .text(),
    Family::new(
        "replace_all",
        &["replace", "substitute", "swap", "exchange"],
        &REPLACE,
        &[Click("Replace"), Fill("Find What", Slot::Text), Fill("Replace With", Slot::NewText), Confirm("Replace All")],
    )
    .text()
    .new_text(),
    Family::new("retype", &["rewrite", "retype", "reword"], &RETYPE, &[SelectText, Write]).text().new_text(),
    Family::new(
        "duplicate",
        &["copy", "duplicate", "repeat"],
        &DUPLICATE,
        &[SelectText, Click("Copy"), Click("Document"), Click("Paste")],
    )
    .text(),
    Family::new("append", &["append", "type", "write"], &APPEND, &[Type("Document", Slot::NewText)]).new_text(),
    Family::new("undo", &["undo", "take back", "revert"], &UNDO, &[Click("Undo")]).setup(Setup::Edited),
    Family::new("scroll", &["scroll", "move"], &SCROLL, &[Scroll])
        .options(&["down", "up"])
        .numbers(Numbers::One(1, 20)),
    Family::new("save_as", &["save", "store", "export"], &SAVE, &[SaveAs]).new_text().options(&EXTENSIONS),
];
