//! Families that format a piece of text.

use super::wording::{AMOUNT, CLEAR, FONT, MARK, VALUE};
use super::{Family, Numbers, Setup};
use crate::procedure::Move::{Choose, ChooseOption, Click, Confirm, SelectText, SetFont, Type};
use crate::procedure::Slot;
use crate::ribbon::FONTS;

/// The families of this topic.
pub static FAMILIES: [Family; 12] = [
    Family::new("bold", &["bold", "boldface", "heavy letters"], &MARK, &[SelectText, Click("Bold")]).text(),
    Family::new("italic", &["italic", "italics", "slanted"], &MARK, &[SelectText, Click("Italic")]).text(),
    Family::new("underline", &["underline", "underlined", "a line below"], &MARK, &[SelectText, Click("Underline")])
        .text(),
    Family::new("strikethrough", &["strikethrough", "crossed out"], &MARK, &[SelectText, Click("Strikethrough")])
        .text(),
    Family::new(
        "subscript",
        &["subscript", "lowered letters"],
        &MARK,
        &[SelectText, Click("Font Dialog"), Choose("Subscript"), Confirm("OK")],
    )
    .text(),
    Family::new(
        "superscript",
        &["superscript", "raised letters"],
        &MARK,
        &[SelectText, Click("Font Dialog"), Choose("Superscript"), Confirm("OK")],
    )
    .text(),
    Family::new("clear_formatting", &["clear", "reset", "drop"], &CLEAR, &[SelectText, Click("Clear Formatting")])
        .text()
        .setup(Setup::Formatted),
    Family::new(
        "highlight",
        &["highlight", "marker color", "highlight color"],
        &VALUE,
        &[SelectText, Click("Highlight"), ChooseOption],
    )
    .text()
    .options(crate::ribbon::HIGHLIGHT.items),
    Family::new(
        "font_color",
        &["font color", "text color", "ink"],
        &VALUE,
        &[SelectText, Click("Font Color"), ChooseOption],
    )
    .text()
    .options(crate::ribbon::FONT_COLOR.items),
    Family::new(
        "font_size",
        &["font size", "text size", "letter height"],
        &AMOUNT,
        &[SelectText, Type("Font Size", Slot::First)],
    )
    .text()
    .numbers(Numbers::One(8, 72)),
    Family::new("font_name", &["font", "typeface", "lettering"], &VALUE, &[SelectText, Type("Font", Slot::Option)])
        .text()
        .options(&FONTS),
    Family::new("font_and_size", &["font and size", "lettering"], &FONT, &[SelectText, SetFont])
        .text()
        .options(&FONTS)
        .numbers(Numbers::One(8, 72)),
];
