//! Families that format whole paragraphs.

use super::wording::{AMOUNT, PARAGRAPH, PARAGRAPHS, VALUE};
use super::{Family, Numbers, Quote, family};

/// The families of this topic.
pub static FAMILIES: [Family; 9] = [
    family("center", &["center", "centered", "middle alignment"], &PARAGRAPH, &["select {x}", "click Center"])
        .quote(Quote::Words),
    family(
        "align_right",
        &["align right", "right alignment", "flush right"],
        &PARAGRAPH,
        &["select {x}", "click Align Right"],
    )
    .quote(Quote::Words),
    family("justify", &["justify", "justified", "even edges"], &PARAGRAPH, &["select {x}", "click Justify"])
        .quote(Quote::Words),
    family("bullets", &["bullets", "bullet points", "dots"], &PARAGRAPH, &["select {x}", "click Bullets"])
        .quote(Quote::Words),
    family("numbering", &["numbering", "numbered list", "counting"], &PARAGRAPH, &["select {x}", "click Numbering"])
        .quote(Quote::Words),
    family(
        "line_spacing",
        &["line spacing", "space between lines", "row distance"],
        &VALUE,
        &["select {x}", "click Line Spacing", "click {o}"],
    )
    .quote(Quote::Words)
    .options(crate::ribbon::LINE_SPACING.items),
    family("style", &["style", "paragraph style", "role"], &VALUE, &["select {x}", "click Styles", "click {o}"])
        .quote(Quote::Words)
        .options(crate::ribbon::STYLES.items),
    family("indent", &["left indent", "indent", "inset"], &AMOUNT, &["select {x}", "type {a} in Indent Left"])
        .quote(Quote::Words)
        .numbers(Numbers::One(1, 30)),
    family(
        "paragraphs",
        &["justified alignment", "even edges"],
        &PARAGRAPHS,
        &["choose paragraphs {a} to {b}", "click Justify"],
    )
    .numbers(Numbers::Paragraphs),
];
