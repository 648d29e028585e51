//! Families that format a piece of text.

use super::wording::{AMOUNT, CLEAR, FONT, MARK, VALUE};
use super::{Family, Numbers, Quote, Setup, family};
use crate::ribbon::FONTS;

/// The families of this topic.
pub static FAMILIES: [Family; 12] = [
    family("bold", &["bold", "boldface", "heavy letters"], &MARK, &["select {x}", "click Bold"]).quote(Quote::Words),
    family("italic", &["italic", "italics", "slanted"], &MARK, &["select {x}", "click Italic"]).quote(Quote::Words),
    family("underline", &["underline", "underlined", "a line below"], &MARK, &["select {x}", "click Underline"])
        .quote(Quote::Words),
    family("strikethrough", &["strikethrough", "crossed out"], &MARK, &["select {x}", "click Strikethrough"])
        .quote(Quote::Words),
    family(
        "subscript",
        &["subscript", "lowered letters"],
        &MARK,
        &["select {x}", "click Font Dialog", "click Subscript", "click OK"],
    )
    .quote(Quote::Words),
    family(
        "superscript",
        &["superscript", "raised letters"],
        &MARK,
        &["select {x}", "click Font Dialog", "click Superscript", "click OK"],
    )
    .quote(Quote::Words),
    family("clear_formatting", &["clear", "reset", "drop"], &CLEAR, &["select {x}", "click Clear Formatting"])
        .quote(Quote::Words)
        .setup(Setup::Formatted),
    family(
        "highlight",
        &["highlight", "marker color", "highlight color"],
        &VALUE,
        &["select {x}", "click Highlight", "click {o}"],
    )
    .quote(Quote::Words)
    .options(crate::ribbon::HIGHLIGHT.items),
    family(
        "font_color",
        &["font color", "text color", "ink"],
        &VALUE,
        &["select {x}", "click Font Color", "click {o}"],
    )
    .quote(Quote::Words)
    .options(crate::ribbon::FONT_COLOR.items),
    family(
        "font_size",
        &["font size", "text size", "letter height"],
        &AMOUNT,
        &["select {x}", "type {a} in Font Size"],
    )
    .quote(Quote::Words)
    .numbers(Numbers::One(8, 72)),
    family("font_name", &["font", "typeface", "lettering"], &VALUE, &["select {x}", "type {o} in Font"])
        .quote(Quote::Words)
        .options(&FONTS),
    family("font_and_size", &["font and size", "lettering"], &FONT, &["select {x}", "font {o} {a}"])
        .quote(Quote::Words)
        .options(&FONTS)
        .numbers(Numbers::One(8, 72)),
];
