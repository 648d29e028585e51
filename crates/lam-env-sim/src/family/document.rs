//! Families that format whole paragraphs.

use super::wording::{AMOUNT, PARAGRAPH, PARAGRAPHS, VALUE};
use super::{Family, Numbers, family, quoting};

/// The families of this topic.
pub static FAMILIES: [Family; 9] = [
    quoting("center", &["center", "centered", "middle alignment"], &PARAGRAPH, &["select {x}", "click Center"]),
    quoting(
        "align_right",
        &["align right", "right alignment", "flush right"],
        &PARAGRAPH,
        &["select {x}", "click Align Right"],
    ),
    quoting("justify", &["justify", "justified", "even edges"], &PARAGRAPH, &["select {x}", "click Justify"]),
    quoting("bullets", &["bullets", "bullet points", "dots"], &PARAGRAPH, &["select {x}", "click Bullets"]),
    quoting("numbering", &["numbering", "numbered list", "counting"], &PARAGRAPH, &["select {x}", "click Numbering"]),
    quoting(
        "line_spacing",
        &["line spacing", "space between lines", "row distance"],
        &VALUE,
        &["select {x}", "click Line Spacing", "click {o}"],
    )
    .options(crate::ribbon::LINE_SPACING.items),
    quoting("style", &["style", "paragraph style", "role"], &VALUE, &["select {x}", "click Styles", "click {o}"])
        .options(crate::ribbon::STYLES.items),
    quoting("indent", &["left indent", "indent", "inset"], &AMOUNT, &["select {x}", "type {a} in Indent Left"])
        .numbers(Numbers::One(1, 30)),
    family(
        "paragraphs",
        &["justified alignment", "even edges"],
        &PARAGRAPHS,
        &["choose paragraphs {a} to {b}", "click Justify"],
    )
    .numbers(Numbers::Paragraphs),
];
