//! Families that format whole paragraphs.

use super::wording::{AMOUNT, PARAGRAPH, PARAGRAPHS, VALUE};
use super::{Family, Numbers};
use crate::procedure::Move::{ChooseOption, Click, SelectParagraphs, SelectText, Type};
use crate::procedure::Slot;

/// The families of this topic.
pub static FAMILIES: [Family; 9] = [
    Family::new("center", &["center", "centered", "middle alignment"], &PARAGRAPH, &[SelectText, Click("Center")])
        .text(),
    Family::new(
        "align_right",
        &["align right", "right alignment", "flush right"],
        &PARAGRAPH,
        &[SelectText, Click("Align Right")],
    )
    .text(),
    Family::new("justify", &["justify", "justified", "even edges"], &PARAGRAPH, &[SelectText, Click("Justify")]).text(),
    Family::new("bullets", &["bullets", "bullet points", "dots"], &PARAGRAPH, &[SelectText, Click("Bullets")]).text(),
    Family::new(
        "numbering",
        &["numbering", "numbered list", "counting"],
        &PARAGRAPH,
        &[SelectText, Click("Numbering")],
    )
    .text(),
    Family::new(
        "line_spacing",
        &["line spacing", "space between lines", "row distance"],
        &VALUE,
        &[SelectText, Click("Line Spacing"), ChooseOption],
    )
    .text()
    .options(crate::ribbon::LINE_SPACING.items),
    Family::new("style", &["style", "paragraph style", "role"], &VALUE, &[SelectText, Click("Styles"), ChooseOption])
        .text()
        .options(crate::ribbon::STYLES.items),
    Family::new(
        "indent",
        &["left indent", "indent", "inset"],
        &AMOUNT,
        &[SelectText, Type("Indent Left", Slot::First)],
    )
    .text()
    .numbers(Numbers::One(1, 30)),
    Family::new(
        "paragraphs",
        &["justified alignment", "even edges"],
        &PARAGRAPHS,
        &[SelectParagraphs, Click("Justify")],
    )
    .numbers(Numbers::Paragraphs),
];
