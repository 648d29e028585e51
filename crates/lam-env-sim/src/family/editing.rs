//! Families that change the text itself, move the view, or write the file.

use super::wording::{APPEND, DELETE, DUPLICATE, REPLACE, RETYPE, SAVE, SCROLL, UNDO};
use super::{Choice, Family, Numbers, Quote, Setup, family};
use crate::functions::EXTENSIONS;

/// Which way the wheel turns: what stands before the notches.
static DIRECTIONS: [Choice; 2] = [Choice::new("down", "-", "-"), Choice::new("up", "", "")];

/// The families of this topic.
pub static FAMILIES: [Family; 8] = [
    family("delete_text", &["delete", "remove", "erase", "drop"], &DELETE, &["select {x}", "press DELETE"])
        .quote(Quote::Words),
    family(
        "replace_all",
        &["replace", "substitute", "swap", "exchange"],
        &REPLACE,
        &["click Replace", "type {x} in Find What", "type {y} in Replace With", "click Replace All"],
    )
    .quote(Quote::Words)
    .new_words(1, 3),
    family("retype", &["rewrite", "retype", "reword"], &RETYPE, &["select {x}", "press {y}"])
        .quote(Quote::Words)
        .new_words(1, 3),
    family(
        "duplicate",
        &["copy", "duplicate", "repeat"],
        &DUPLICATE,
        &["select {x}", "click Copy", "click Document", "click Paste"],
    )
    .quote(Quote::Words),
    family("append", &["append", "type", "write"], &APPEND, &["type {y} in Document"]).new_words(1, 3),
    family("undo", &["undo", "take back", "revert"], &UNDO, &["click Undo"]).setup(Setup::Edited),
    family("scroll", &["scroll", "move"], &SCROLL, &["scroll {c}{a}"])
        .choices(&DIRECTIONS)
        .numbers(Numbers::One(1, 20)),
    family("save_as", &["save", "store", "export"], &SAVE, &["save {y} as {o}"]).new_words(1, 3).options(&EXTENSIONS),
];
