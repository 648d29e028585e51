//! Families that format characters.

use super::super::goal::{Letters, What};
use super::super::wording::{AMOUNT, FONT, LETTERS, MARK, UNMARK, VALUE};
use super::super::{Choice, Family, Goal, Numbers, Quote, Setup, Wording, family};

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
    steps: &'static [&'static str],
    goals: &'static [Goal],
) -> Family {
    family(name, names, wording, steps, goals).quote(Quote::Words)
}

/// The families of this topic.
pub static FAMILIES: [Family; 24] = [
    words(
        "bold",
        &["bold", "boldface", "heavy letters"],
        &MARK,
        &["select {x}", "click Bold"],
        &[Goal::Text("bold", ON)],
    ),
    words(
        "italic",
        &["italic", "italics", "slanted letters"],
        &MARK,
        &["select {x}", "click Italic"],
        &[Goal::Text("italic", ON)],
    ),
    words(
        "underline",
        &["underline", "a line below", "an underscore"],
        &MARK,
        &["select {x}", "click Format > Text > Single Underline"],
        &[Goal::Text("underline", What::Is("single"))],
    ),
    words(
        "double_underline",
        &["double underline", "two lines below"],
        &MARK,
        &["select {x}", "click Format > Text > Double Underline"],
        &[Goal::Text("underline", What::Is("double"))],
    ),
    words(
        "strikethrough",
        &["strikethrough", "a line through it", "crossed out letters"],
        &MARK,
        &["select {x}", "click Strikethrough"],
        &[Goal::Text("strikethrough", ON)],
    ),
    words(
        "superscript",
        &["superscript", "raised letters"],
        &MARK,
        &["select {x}", "click Superscript"],
        &[Goal::Text("position", What::Is("superscript"))],
    ),
    words(
        "subscript",
        &["subscript", "lowered letters"],
        &MARK,
        &["select {x}", "click Subscript"],
        &[Goal::Text("position", What::Is("subscript"))],
    ),
    words(
        "shadow",
        &["shadow", "a shade"],
        &MARK,
        &["select {x}", "click Format > Text > Shadow"],
        &[Goal::Text("shadow", ON)],
    ),
    words(
        "outline",
        &["outline", "hollow letters"],
        &MARK,
        &["select {x}", "click Format > Text > Outline Font Effect"],
        &[Goal::Text("outline", ON)],
    ),
    words(
        "small_capitals",
        &["small capitals", "small caps"],
        &MARK,
        &["select {x}", "click Format > Text > Small capitals"],
        &[Goal::Text("small capitals", ON)],
    ),
    words(
        "bold_italic",
        &["bold italic", "heavy slanted letters"],
        &MARK,
        &["select {x}", "click Bold", "click Italic"],
        &[Goal::Text("bold", ON), Goal::Text("italic", ON)],
    ),
    words(
        "emphasis",
        &["emphasis style", "the style emphasis"],
        &MARK,
        &["select {x}", "click Styles > Emphasis"],
        &[Goal::Text("character style", What::Is("emphasis"))],
    ),
    words(
        "strong_emphasis",
        &["strong emphasis style", "the style strong emphasis"],
        &MARK,
        &["select {x}", "click Styles > Strong Emphasis"],
        &[Goal::Text("character style", What::Is("strongemphasis"))],
    ),
    words(
        "source_text",
        &["source text style", "the style source text"],
        &MARK,
        &["select {x}", "click Styles > Source Text"],
        &[Goal::Text("character style", What::Is("sourcetext"))],
    ),
    words(
        "not_bold",
        &["bold", "boldface", "the heavy letters"],
        &UNMARK,
        &["select {x}", "click Bold"],
        &[Goal::PlainText("bold")],
    )
    .setup(Setup::Formatted(&[("bold", "on")])),
    words("not_italic", &["italic", "italics"], &UNMARK, &["select {x}", "click Italic"], &[Goal::PlainText("italic")])
        .setup(Setup::Formatted(&[("italic", "on")])),
    words(
        "not_struck",
        &["strikethrough", "the line through it"],
        &UNMARK,
        &["select {x}", "click Strikethrough"],
        &[Goal::PlainText("strikethrough")],
    )
    .setup(Setup::Formatted(&[("strikethrough", "on")])),
    words(
        "clear_formatting",
        &["all formats", "direct formatting", "every format"],
        &UNMARK,
        &["select {x}", "click Format > Clear Direct Formatting"],
        &[Goal::PlainText("bold"), Goal::PlainText("italic"), Goal::PlainText("size")],
    )
    .setup(Setup::Formatted(&[("bold", "on"), ("italic", "on"), ("size", "16")])),
    words(
        "uppercase",
        &["upper case", "capital letters", "large letters"],
        &LETTERS,
        &["select {x}", "click Format > Text > UPPERCASE"],
        &[Goal::Letters(Letters::Upper)],
    ),
    words(
        "title_case",
        &["title case", "words with a capital each"],
        &LETTERS,
        &["select {x}", "click Format > Text > Capitalize Every Word"],
        &[Goal::Letters(Letters::Title)],
    ),
    words(
        "sentence_case",
        &["sentence case", "a capital at the start"],
        &LETTERS,
        &["select {x}", "click Format > Text > Sentence case"],
        &[Goal::Letters(Letters::Sentence)],
    ),
    words(
        "font_size",
        &["font size", "text size", "letter height"],
        &AMOUNT,
        &["select {x}", "type {a} in Font Size"],
        &[Goal::Text("size", What::First)],
    )
    .numbers(Numbers::One(13, 40)),
    words(
        "font_name",
        &["font", "typeface", "lettering"],
        &VALUE,
        &["select {x}", "type {c} in Font Name"],
        &[Goal::Text("font", What::Choice)],
    )
    .choices(&FONTS),
    words(
        "font_and_size",
        &["font", "lettering"],
        &FONT,
        &["select {x}", "font {c} {a}"],
        &[Goal::Text("font", What::Choice), Goal::Text("size", What::First)],
    )
    .choices(&FONTS)
    .numbers(Numbers::One(13, 40)),
];
