//! Families that set up the page.

use super::super::goal::What;
use super::super::wording::{LENGTH, NUMBER, OPTION, SWITCH};
use super::super::{Choice, Family, Goal, Move, Numbers, Setup, Slot};

const STYLE: &str = "Format > Page Style...";
const LANDSCAPE: [Choice; 1] = [Choice::new("landscape", "Landscape", "landscape")];
const PORTRAIT: [Choice; 1] = [Choice::new("portrait", "Portrait", "portrait")];

/// The families of this topic.
pub static FAMILIES: [Family; 8] = [
    Family::new(
        "landscape",
        &["page orientation", "direction of the paper"],
        &OPTION,
        &[Move::Click(STYLE), Move::Click("Page"), Move::ClickChoice, Move::Click("OK")],
        &[Goal::Fact("page orientation", What::Choice), Goal::Fact("page size", What::Is("11.7 x 8.3 in"))],
    )
    .choices(&LANDSCAPE),
    Family::new(
        "portrait",
        &["orientation of the page", "way the paper lies"],
        &OPTION,
        &[Move::Click(STYLE), Move::Click("Page"), Move::ClickChoice, Move::Click("OK")],
        &[Goal::Fact("page orientation", What::Choice), Goal::Fact("page size", What::Is("8.3 x 11.7 in"))],
    )
    .choices(&PORTRAIT)
    .setup(Setup::Facts(&[("page orientation", "landscape"), ("page size", "11.7 x 8.3 in")])),
    Family::new(
        "margin_top",
        &["top margin", "upper edge of the page"],
        &LENGTH,
        &[Move::Click(STYLE), Move::Click("Page"), Move::Set("Top", Slot::First), Move::Click("OK")],
        &[Goal::Fact("page margin top", What::Inches)],
    )
    .numbers(Numbers::One(2, 4)),
    Family::new(
        "margin_bottom",
        &["bottom margin", "lower edge of the page"],
        &LENGTH,
        &[Move::Click(STYLE), Move::Click("Page"), Move::Set("Bottom", Slot::First), Move::Click("OK")],
        &[Goal::Fact("page margin bottom", What::Inches)],
    )
    .numbers(Numbers::One(2, 4)),
    Family::new(
        "margin_left",
        &["left margin", "left edge of the page"],
        &LENGTH,
        &[Move::Click(STYLE), Move::Click("Page"), Move::Set("Left", Slot::First), Move::Click("OK")],
        &[Goal::Fact("page margin left", What::Inches)],
    )
    .numbers(Numbers::One(2, 4)),
    Family::new(
        "margin_right",
        &["right margin", "right edge of the page"],
        &LENGTH,
        &[Move::Click(STYLE), Move::Click("Page"), Move::Set("Right", Slot::First), Move::Click("OK")],
        &[Goal::Fact("page margin right", What::Inches)],
    )
    .numbers(Numbers::One(2, 4)),
    Family::new(
        "columns",
        &["number of columns", "columns"],
        &NUMBER,
        &[Move::Click("Format > Columns..."), Move::Set("Columns", Slot::First), Move::Click("OK")],
        &[Goal::Fact("page columns", What::First)],
    )
    .numbers(Numbers::One(2, 5)),
    Family::new(
        "line_numbers",
        &["line numbers", "the count of lines"],
        &SWITCH,
        &[Move::Click("Tools > Line Numbering..."), Move::Click("Show numbering"), Move::Click("OK")],
        &[Goal::Fact("line numbers", What::Is("on"))],
    ),
];
