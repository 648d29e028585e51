//! Families about page setup and design.

use super::wording::{OPTION, SIDE};
use super::{Family, Numbers, family};
use crate::ribbon::{COLUMNS, HYPHENATION, LINE_NUMBERS, MARGINS, ORIENTATION, PAGE_COLOR, SIZE, WATERMARK};

/// The families of this topic.
pub static FAMILIES: [Family; 9] = [
    family("margins", &["margins", "page margins", "page edges"], &OPTION, &["click Margins", "click {o}"])
        .options(MARGINS.items),
    family(
        "one_margin",
        &["margin", "page edge"],
        &SIDE,
        &["click Margins", "click Custom Margins", "type {a} in {o}", "click OK"],
    )
    .options(&["Top", "Bottom", "Left", "Right"])
    .numbers(Numbers::One(1, 12)),
    family(
        "orientation",
        &["orientation", "page orientation", "paper direction"],
        &OPTION,
        &["click Orientation", "click {o}"],
    )
    .options(ORIENTATION.items),
    family("paper_size", &["paper size", "page size", "sheet format"], &OPTION, &["click Size", "click {o}"])
        .options(SIZE.items),
    family("columns", &["columns", "number of columns", "vertical strips"], &OPTION, &["click Columns", "click {o}"])
        .options(COLUMNS.items),
    family(
        "line_numbers",
        &["line numbers", "line numbering", "line count"],
        &OPTION,
        &["click Line Numbers", "click {o}"],
    )
    .options(LINE_NUMBERS.items),
    family("hyphenation", &["hyphenation", "word breaking"], &OPTION, &["click Hyphenation", "click {o}"])
        .options(HYPHENATION.items),
    family("watermark", &["watermark", "page watermark", "back print"], &OPTION, &["click Watermark", "click {o}"])
        .options(WATERMARK.items),
    family(
        "page_color",
        &["page color", "background color", "paper tint"],
        &OPTION,
        &["click Page Color", "click {o}"],
    )
    .options(PAGE_COLOR.items),
];
