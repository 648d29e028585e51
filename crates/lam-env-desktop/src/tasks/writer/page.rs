//! Families that set up the page.

use super::super::goal::What;
use super::super::wording::{LENGTH, NUMBER, OPTION, SWITCH};
use super::super::{Choice, Family, Goal, Numbers, Setup, family};

const LANDSCAPE: [Choice; 1] = [Choice::new("landscape", "Landscape", "landscape")];
const PORTRAIT: [Choice; 1] = [Choice::new("portrait", "Portrait", "portrait")];

/// The families of this topic.
pub static FAMILIES: [Family; 8] = [
    family(
        "landscape",
        &["page orientation", "direction of the paper"],
        &OPTION,
        &["click Format > Page Style...", "click Page", "click {c}", "click OK"],
        &[Goal::Fact("page orientation", What::Choice), Goal::Fact("page size", What::Is("11.7 x 8.3 in"))],
    )
    .choices(&LANDSCAPE),
    family(
        "portrait",
        &["orientation of the page", "way the paper lies"],
        &OPTION,
        &["click Format > Page Style...", "click Page", "click {c}", "click OK"],
        &[Goal::Fact("page orientation", What::Choice), Goal::Fact("page size", What::Is("8.3 x 11.7 in"))],
    )
    .choices(&PORTRAIT)
    .setup(Setup::Facts(&[("page orientation", "landscape"), ("page size", "11.7 x 8.3 in")])),
    family(
        "margin_top",
        &["top margin", "upper edge of the page"],
        &LENGTH,
        &["click Format > Page Style...", "click Page", "type {a} in Top", "click OK"],
        &[Goal::Fact("page margin top", What::Inches)],
    )
    .numbers(Numbers::One(2, 4)),
    family(
        "margin_bottom",
        &["bottom margin", "lower edge of the page"],
        &LENGTH,
        &["click Format > Page Style...", "click Page", "type {a} in Bottom", "click OK"],
        &[Goal::Fact("page margin bottom", What::Inches)],
    )
    .numbers(Numbers::One(2, 4)),
    family(
        "margin_left",
        &["left margin", "left edge of the page"],
        &LENGTH,
        &["click Format > Page Style...", "click Page", "type {a} in Left", "click OK"],
        &[Goal::Fact("page margin left", What::Inches)],
    )
    .numbers(Numbers::One(2, 4)),
    family(
        "margin_right",
        &["right margin", "right edge of the page"],
        &LENGTH,
        &["click Format > Page Style...", "click Page", "type {a} in Right", "click OK"],
        &[Goal::Fact("page margin right", What::Inches)],
    )
    .numbers(Numbers::One(2, 4)),
    family(
        "columns",
        &["number of columns", "columns"],
        &NUMBER,
        &["click Format > Columns...", "type {a} in Columns", "click OK"],
        &[Goal::Fact("page columns", What::First)],
    )
    .numbers(Numbers::One(2, 5)),
    family(
        "line_numbers",
        &["line numbers", "the count of lines"],
        &SWITCH,
        &["click Tools > Line Numbering...", "click Show numbering", "click OK"],
        &[Goal::Fact("line numbers", What::Is("on"))],
    ),
];
