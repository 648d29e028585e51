//! Families about page setup and design.

use super::wording::{OPTION, SIDE};
use super::{Family, Numbers};
use crate::procedure::Move::{Choose, ChooseOption, Click, Confirm, FillOption};
use crate::procedure::Slot;
use crate::ribbon::{COLUMNS, HYPHENATION, LINE_NUMBERS, MARGINS, ORIENTATION, PAGE_COLOR, SIZE, WATERMARK};

/// The families of this topic.
pub static FAMILIES: [Family; 9] = [
    Family::new("margins", &["margins", "page margins", "page edges"], &OPTION, &[Click("Margins"), ChooseOption])
        .options(MARGINS.items),
    Family::new(
        "one_margin",
        &["margin", "page edge"],
        &SIDE,
        &[Click("Margins"), Choose("Custom Margins"), FillOption(Slot::First), Confirm("OK")],
    )
    .options(&["Top", "Bottom", "Left", "Right"])
    .numbers(Numbers::One(1, 12)),
    Family::new(
        "orientation",
        &["orientation", "page orientation", "paper direction"],
        &OPTION,
        &[Click("Orientation"), ChooseOption],
    )
    .options(ORIENTATION.items),
    Family::new("paper_size", &["paper size", "page size", "sheet format"], &OPTION, &[Click("Size"), ChooseOption])
        .options(SIZE.items),
    Family::new(
        "columns",
        &["columns", "number of columns", "vertical strips"],
        &OPTION,
        &[Click("Columns"), ChooseOption],
    )
    .options(COLUMNS.items),
    Family::new(
        "line_numbers",
        &["line numbers", "line numbering", "line count"],
        &OPTION,
        &[Click("Line Numbers"), ChooseOption],
    )
    .options(LINE_NUMBERS.items),
    Family::new("hyphenation", &["hyphenation", "word breaking"], &OPTION, &[Click("Hyphenation"), ChooseOption])
        .options(HYPHENATION.items),
    Family::new(
        "watermark",
        &["watermark", "page watermark", "back print"],
        &OPTION,
        &[Click("Watermark"), ChooseOption],
    )
    .options(WATERMARK.items),
    Family::new(
        "page_color",
        &["page color", "background color", "paper tint"],
        &OPTION,
        &[Click("Page Color"), ChooseOption],
    )
    .options(PAGE_COLOR.items),
];
