//! Families that change the text itself, move the view, or write the file.

use super::wording::{APPEND, DELETE, DUPLICATE, REPLACE, RETYPE, SAVE, SCROLL, UNDO};
use super::{Choice, Family, Numbers, Setup, family, quoting};
use crate::functions::EXTENSIONS;

/// Which way the wheel turns: what stands before the notches.
static DIRECTIONS: [Choice; 2] = [Choice::new("down", "-", "-"), Choice::new("up", "", "")];

/// The families of this topic.
pub static FAMILIES: [Family; 8] = [
    quoting("delete_text", &["delete", "remove", "erase", "drop"], &DELETE, &["select {x}", "press DELETE"]),
    quoting(
        "replace_all",
        &["replace", "substitute", "swap", "exchange"],
        &REPLACE,
        &["click Replace", "type {x} in Find What", "type {y} in Replace With", "click Replace All"],
    )
    .new_words(1, 3),
    quoting("retype", &["rewrite", "retype", "reword"], &RETYPE, &["select {x}", "press {y}"]).new_words(1, 3),
    quoting(
        "duplicate",
        &["copy", "duplicate", "repeat"],
        &DUPLICATE,
        &["select {x}", "click Copy", "click Document", "click Paste"],
    ),
    family("append", &["append", "type", "write"], &APPEND, &["type {y} in Document"]).new_words(1, 3),
    family("undo", &["undo", "take back", "revert"], &UNDO, &["click Undo"]).setup(Setup::Edited),
    family("scroll", &["scroll", "move"], &SCROLL, &["scroll {c}{a}"])
        .choices(&DIRECTIONS)
        .numbers(Numbers::One(1, 20)),
    family("save_as", &["save", "store", "export"], &SAVE, &["save {y} as {o}"]).new_words(1, 3).options(&EXTENSIONS),
];
