//! Families that format a piece of text.

use super::wording::{AMOUNT, CLEAR, FONT, MARK, VALUE};
use super::{Family, Numbers, Setup, quoting};
use crate::ribbon::FONTS;

/// The families of this topic.
pub static FAMILIES: [Family; 12] = [
    quoting("bold", &["bold", "boldface", "heavy letters"], &MARK, &["select {x}", "click Bold"]),
    quoting("italic", &["italic", "italics", "slanted"], &MARK, &["select {x}", "click Italic"]),
    quoting("underline", &["underline", "underlined", "a line below"], &MARK, &["select {x}", "click Underline"]),
    quoting("strikethrough", &["strikethrough", "crossed out"], &MARK, &["select {x}", "click Strikethrough"]),
    quoting(
        "subscript",
        &["subscript", "lowered letters"],
        &MARK,
        &["select {x}", "click Font Dialog", "click Subscript", "click OK"],
    ),
    quoting(
        "superscript",
        &["superscript", "raised letters"],
        &MARK,
        &["select {x}", "click Font Dialog", "click Superscript", "click OK"],
    ),
    quoting("clear_formatting", &["clear", "reset", "drop"], &CLEAR, &["select {x}", "click Clear Formatting"])
        .setup(Setup::Formatted),
    quoting(
        "highlight",
        &["highlight", "marker color", "highlight color"],
        &VALUE,
        &["select {x}", "click Highlight", "click {o}"],
    )
    .options(crate::ribbon::HIGHLIGHT.items),
    quoting(
        "font_color",
        &["font color", "text color", "ink"],
        &VALUE,
        &["select {x}", "click Font Color", "click {o}"],
    )
    .options(crate::ribbon::FONT_COLOR.items),
    quoting(
        "font_size",
        &["font size", "text size", "letter height"],
        &AMOUNT,
        &["select {x}", "type {a} in Font Size"],
    )
    .numbers(Numbers::One(8, 72)),
    quoting("font_name", &["font", "typeface", "lettering"], &VALUE, &["select {x}", "type {o} in Font"])
        .options(&FONTS),
    quoting("font_and_size", &["font and size", "lettering"], &FONT, &["select {x}", "font {o} {a}"])
        .options(&FONTS)
        .numbers(Numbers::One(8, 72)),
];
