//! Families that format characters.

use super::super::goal::{Letters, What};
use super::super::wording::{AMOUNT, FONT, LETTERS, MARK, UNMARK, VALUE};
use super::super::{Choice, Family, Goal, Move, Numbers, Quote, Setup, Slot, Wording};

const ON: What = What::Is("on");
const FONTS: [Choice; 4] = [
    Choice::same("Liberation Sans"),
    Choice::same("Liberation Mono"),
    Choice::same("DejaVu Sans"),
    Choice::same("DejaVu Serif"),
];

const fn words(
    name: &'static str,
    names: &'static [&'static str],
    wording: &'static Wording,
    moves: &'static [Move],
    goals: &'static [Goal],
) -> Family {
    Family::new(name, names, wording, moves, goals).quote(Quote::Words)
}

/// The families of this topic.
pub static FAMILIES: [Family; 24] = [
    words(
        "bold",
        &["bold", "boldface", "heavy letters"],
        &MARK,
        &[Move::SelectText, Move::Click("Bold")],
        &[Goal::Text("bold", ON)],
    ),
    words(
        "italic",
        &["italic", "italics", "slanted letters"],
        &MARK,
        &[Move::SelectText, Move::Click("Italic")],
        &[Goal::Text("italic", ON)],
    ),
    words(
        "underline",
        &["underline", "a line below", "an underscore"],
        &MARK,
        &[Move::SelectText, Move::Click("Format > Text > Single Underline")],
        &[Goal::Text("underline", What::Is("single"))],
    ),
    words(
        "double_underline",
        &["double underline", "two lines below"],
        &MARK,
        &[Move::SelectText, Move::Click("Format > Text > Double Underline")],
        &[Goal::Text("underline", What::Is("double"))],
    ),
    words(
        "strikethrough",
        &["strikethrough", "a line through it", "crossed out letters"],
        &MARK,
        &[Move::SelectText, Move::Click("Strikethrough")],
        &[Goal::Text("strikethrough", ON)],
    ),
    words(
        "superscript",
        &["superscript", "raised letters"],
        &MARK,
        &[Move::SelectText, Move::Click("Superscript")],
        &[Goal::Text("position", What::Is("superscript"))],
    ),
    words(
        "subscript",
        &["subscript", "lowered letters"],
        &MARK,
        &[Move::SelectText, Move::Click("Subscript")],
        &[Goal::Text("position", What::Is("subscript"))],
    ),
    words(
        "shadow",
        &["shadow", "a shade"],
        &MARK,
        &[Move::SelectText, Move::Click("Format > Text > Shadow")],
        &[Goal::Text("shadow", ON)],
    ),
    words(
        "outline",
        &["outline", "hollow letters"],
        &MARK,
        &[Move::SelectText, Move::Click("Format > Text > Outline Font Effect")],
        &[Goal::Text("outline", ON)],
    ),
    words(
        "small_capitals",
        &["small capitals", "small caps"],
        &MARK,
        &[Move::SelectText, Move::Click("Format > Text > Small capitals")],
        &[Goal::Text("small capitals", ON)],
    ),
    words(
        "bold_italic",
        &["bold italic", "heavy slanted letters"],
        &MARK,
        &[Move::SelectText, Move::Click("Bold"), Move::Click("Italic")],
        &[Goal::Text("bold", ON), Goal::Text("italic", ON)],
    ),
    words(
        "emphasis",
        &["emphasis style", "the style emphasis"],
        &MARK,
        &[Move::SelectText, Move::Click("Styles > Emphasis")],
        &[Goal::Text("character style", What::Is("emphasis"))],
    ),
    words(
        "strong_emphasis",
        &["strong emphasis style", "the style strong emphasis"],
        &MARK,
        &[Move::SelectText, Move::Click("Styles > Strong Emphasis")],
        &[Goal::Text("character style", What::Is("strongemphasis"))],
    ),
    words(
        "source_text",
        &["source text style", "the style source text"],
        &MARK,
        &[Move::SelectText, Move::Click("Styles > Source Text")],
        &[Goal::Text("character style", What::Is("sourcetext"))],
    ),
    words(
        "not_bold",
        &["bold", "boldface", "the heavy letters"],
        &UNMARK,
        &[Move::SelectText, Move::Click("Bold")],
        &[Goal::PlainText("bold")],
    )
    .setup(Setup::Formatted(&[("bold", "on")])),
    words(
        "not_italic",
        &["italic", "italics"],
        &UNMARK,
        &[Move::SelectText, Move::Click("Italic")],
        &[Goal::PlainText("italic")],
    )
    .setup(Setup::Formatted(&[("italic", "on")])),
    words(
        "not_struck",
        &["strikethrough", "the line through it"],
        &UNMARK,
        &[Move::SelectText, Move::Click("Strikethrough")],
        &[Goal::PlainText("strikethrough")],
    )
    .setup(Setup::Formatted(&[("strikethrough", "on")])),
    words(
        "clear_formatting",
        &["all formats", "direct formatting", "every format"],
        &UNMARK,
        &[Move::SelectText, Move::Click("Format > Clear Direct Formatting")],
        &[Goal::PlainText("bold"), Goal::PlainText("italic"), Goal::PlainText("size")],
    )
    .setup(Setup::Formatted(&[("bold", "on"), ("italic", "on"), ("size", "16")])),
    words(
        "uppercase",
        &["upper case", "capital letters", "large letters"],
        &LETTERS,
        &[Move::SelectText, Move::Click("Format > Text > UPPERCASE")],
        &[Goal::Letters(Letters::Upper)],
    ),
    words(
        "title_case",
        &["title case", "words with a capital each"],
        &LETTERS,
        &[Move::SelectText, Move::Click("Format > Text > Capitalize Every Word")],
        &[Goal::Letters(Letters::Title)],
    ),
    words(
        "sentence_case",
        &["sentence case", "a capital at the start"],
        &LETTERS,
        &[Move::SelectText, Move::Click("Format > Text > Sentence case")],
        &[Goal::Letters(Letters::Sentence)],
    ),
    words(
        "font_size",
        &["font size", "text size", "letter height"],
        &AMOUNT,
        &[Move::SelectText, Move::Set("Font Size", Slot::First)],
        &[Goal::Text("size", What::First)],
    )
    .numbers(Numbers::One(13, 40)),
    words(
        "font_name",
        &["font", "typeface", "lettering"],
        &VALUE,
        &[Move::SelectText, Move::Set("Font Name", Slot::Choice)],
        &[Goal::Text("font", What::Choice)],
    )
    .choices(&FONTS),
    words(
        "font_and_size",
        &["font", "lettering"],
        &FONT,
        &[Move::SelectText, Move::SetFont],
        &[Goal::Text("font", What::Choice), Goal::Text("size", What::First)],
    )
    .choices(&FONTS)
    .numbers(Numbers::One(13, 40)),
];
