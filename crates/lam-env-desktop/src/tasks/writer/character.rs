//! Families that format characters.

use super::super::goal::{Letters, What};
use super::super::wording::{AMOUNT, FONT, LETTERS, MARK, UNMARK, VALUE};
use super::super::{Choice, Family, Goal, Numbers, Setup, quoting};

const ON: What = What::Is("on");
const FONTS: [Choice; 4] = [
    Choice::same("Liberation Sans"),
    Choice::same("Liberation Mono"),
    Choice::same("DejaVu Sans"),
    Choice::same("DejaVu Serif"),
];

/// The families of this topic.
pub static FAMILIES: [Family; 24] = [
    quoting(
        "bold",
        &["bold", "boldface", "heavy letters"],
        &MARK,
        &["select {x}", "click Bold"],
        &[Goal::Text("bold", ON)],
    ),
    quoting(
        "italic",
        &["italic", "italics", "slanted letters"],
        &MARK,
        &["select {x}", "click Italic"],
        &[Goal::Text("italic", ON)],
    ),
    quoting(
        "underline",
        &["underline", "a line below", "an underscore"],
        &MARK,
        &["select {x}", "click Format > Text > Single Underline"],
        &[Goal::Text("underline", What::Is("single"))],
    ),
    quoting(
        "double_underline",
        &["double underline", "two lines below"],
        &MARK,
        &["select {x}", "click Format > Text > Double Underline"],
        &[Goal::Text("underline", What::Is("double"))],
    ),
    quoting(
        "strikethrough",
        &["strikethrough", "a line through it", "crossed out letters"],
        &MARK,
        &["select {x}", "click Strikethrough"],
        &[Goal::Text("strikethrough", ON)],
    ),
    quoting(
        "superscript",
        &["superscript", "raised letters"],
        &MARK,
        &["select {x}", "click Superscript"],
        &[Goal::Text("position", What::Is("superscript"))],
    ),
    quoting(
        "subscript",
        &["subscript", "lowered letters"],
        &MARK,
        &["select {x}", "click Subscript"],
        &[Goal::Text("position", What::Is("subscript"))],
    ),
    quoting(
        "shadow",
        &["shadow", "a shade"],
        &MARK,
        &["select {x}", "click Format > Text > Shadow"],
        &[Goal::Text("shadow", ON)],
    ),
    quoting(
        "outline",
        &["outline", "hollow letters"],
        &MARK,
        &["select {x}", "click Format > Text > Outline Font Effect"],
        &[Goal::Text("outline", ON)],
    ),
    quoting(
        "small_capitals",
        &["small capitals", "small caps"],
        &MARK,
        &["select {x}", "click Format > Text > Small capitals"],
        &[Goal::Text("small capitals", ON)],
    ),
    quoting(
        "bold_italic",
        &["bold italic", "heavy slanted letters"],
        &MARK,
        &["select {x}", "click Bold", "click Italic"],
        &[Goal::Text("bold", ON), Goal::Text("italic", ON)],
    ),
    quoting(
        "emphasis",
        &["emphasis style", "the style emphasis"],
        &MARK,
        &["select {x}", "click Styles > Emphasis"],
        &[Goal::Text("character style", What::Is("emphasis"))],
    ),
    quoting(
        "strong_emphasis",
        &["strong emphasis style", "the style strong emphasis"],
        &MARK,
        &["select {x}", "click Styles > Strong Emphasis"],
        &[Goal::Text("character style", What::Is("strongemphasis"))],
    ),
    quoting(
        "source_text",
        &["source text style", "the style source text"],
        &MARK,
        &["select {x}", "click Styles > Source Text"],
        &[Goal::Text("character style", What::Is("sourcetext"))],
    ),
    quoting(
        "not_bold",
        &["bold", "boldface", "the heavy letters"],
        &UNMARK,
        &["select {x}", "click Bold"],
        &[Goal::PlainText("bold")],
    )
    .setup(Setup::Formatted(&[("bold", "on")])),
    quoting(
        "not_italic",
        &["italic", "italics"],
        &UNMARK,
        &["select {x}", "click Italic"],
        &[Goal::PlainText("italic")],
    )
    .setup(Setup::Formatted(&[("italic", "on")])),
    quoting(
        "not_struck",
        &["strikethrough", "the line through it"],
        &UNMARK,
        &["select {x}", "click Strikethrough"],
        &[Goal::PlainText("strikethrough")],
    )
    .setup(Setup::Formatted(&[("strikethrough", "on")])),
    quoting(
        "clear_formatting",
        &["all formats", "direct formatting", "every format"],
        &UNMARK,
        &["select {x}", "click Format > Clear Direct Formatting"],
        &[Goal::PlainText("bold"), Goal::PlainText("italic"), Goal::PlainText("size")],
    )
    .setup(Setup::Formatted(&[("bold", "on"), ("italic", "on"), ("size", "16")])),
    quoting(
        "uppercase",
        &["upper case", "capital letters", "large letters"],
        &LETTERS,
        &["select {x}", "click Format > Text > UPPERCASE"],
        &[Goal::Letters(Letters::Upper)],
    ),
    quoting(
        "title_case",
        &["title case", "words with a capital each"],
        &LETTERS,
        &["select {x}", "click Format > Text > Capitalize Every Word"],
        &[Goal::Letters(Letters::Title)],
    ),
    quoting(
        "sentence_case",
        &["sentence case", "a capital at the start"],
        &LETTERS,
        &["select {x}", "click Format > Text > Sentence case"],
        &[Goal::Letters(Letters::Sentence)],
    ),
    quoting(
        "font_size",
        &["font size", "text size", "letter height"],
        &AMOUNT,
        &["select {x}", "type {a} in Font Size"],
        &[Goal::Text("size", What::First)],
    )
    .numbers(Numbers::One(13, 40)),
    quoting(
        "font_name",
        &["font", "typeface", "lettering"],
        &VALUE,
        &["select {x}", "type {c} in Font Name"],
        &[Goal::Text("font", What::Choice)],
    )
    .choices(&FONTS),
    quoting(
        "font_and_size",
        &["font", "lettering"],
        &FONT,
        &["select {x}", "font {c} {a}"],
        &[Goal::Text("font", What::Choice), Goal::Text("size", What::First)],
    )
    .choices(&FONTS)
    .numbers(Numbers::One(13, 40)),
];
