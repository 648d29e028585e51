//! Families that format paragraphs.

use super::super::goal::What;
use super::super::wording::{PARAGRAPH, PARAGRAPH_LENGTH, PARAGRAPH_VALUE, PARAGRAPHS, UNPARAGRAPH, WHOLE};
use super::super::{Choice, Family, Goal, Move, Numbers, Quote, Setup, Slot, Wording};

const SPACINGS: [Choice; 3] = [
    Choice::new("1.15", "Format > Spacing > Line Spacing: 1.15", "1.15"),
    Choice::new("1.5", "Format > Spacing > Line Spacing: 1.5", "1.5"),
    Choice::new("double", "Format > Spacing > Line Spacing: 2", "2"),
];
const STYLES: [Choice; 6] = [
    Choice::new("title", "Styles > Title", "title"),
    Choice::new("subtitle", "Styles > Subtitle", "subtitle"),
    Choice::new("heading 1", "Styles > Heading 1", "heading 1"),
    Choice::new("heading 2", "Styles > Heading 2", "heading 2"),
    Choice::new("heading 3", "Styles > Heading 3", "heading 3"),
    Choice::new("quotations", "Styles > Quotations", "quotations"),
];
const BOX_STYLES: [Choice; 3] = [
    Choice::new("signature", "Signature", "signature"),
    Choice::new("list heading", "List Heading", "list heading"),
    Choice::new("salutation", "Complimentary Close", "salutation"),
];
const DIALOG: &str = "Format > Paragraph...";

const fn whole(
    name: &'static str,
    names: &'static [&'static str],
    wording: &'static Wording,
    moves: &'static [Move],
    goals: &'static [Goal],
) -> Family {
    Family::new(name, names, wording, moves, goals).quote(Quote::Words)
}

/// The families of this topic.
pub static FAMILIES: [Family; 23] = [
    whole(
        "center",
        &["centered", "in the middle"],
        &PARAGRAPH,
        &[Move::SelectText, Move::Click("Center")],
        &[Goal::Paragraph("alignment", What::Is("center"))],
    ),
    whole(
        "align_right",
        &["right aligned", "at the right margin"],
        &PARAGRAPH,
        &[Move::SelectText, Move::Click("Right")],
        &[Goal::Paragraph("alignment", What::Is("right"))],
    ),
    whole(
        "justify",
        &["justified", "flush on both sides"],
        &PARAGRAPH,
        &[Move::SelectText, Move::Click("Justified")],
        &[Goal::Paragraph("alignment", What::Is("justified"))],
    ),
    whole(
        "align_left",
        &["left aligned", "at the left margin"],
        &PARAGRAPH,
        &[Move::SelectText, Move::Click("Left")],
        &[Goal::PlainParagraph("alignment")],
    )
    .setup(Setup::Paragraph(&[("alignment", "center")])),
    whole(
        "line_spacing",
        &["line spacing", "distance of lines"],
        &PARAGRAPH_VALUE,
        &[Move::SelectText, Move::ClickChoice],
        &[Goal::Paragraph("line spacing", What::Choice)],
    )
    .choices(&SPACINGS),
    whole(
        "single_spacing",
        &["extra line spacing", "the wide lines"],
        &UNPARAGRAPH,
        &[Move::SelectText, Move::Click("Format > Spacing > Line Spacing: 1")],
        &[Goal::PlainParagraph("line spacing")],
    )
    .setup(Setup::Paragraph(&[("line spacing", "2")])),
    whole(
        "style",
        &["style", "paragraph style", "look"],
        &PARAGRAPH_VALUE,
        &[Move::SelectText, Move::ClickChoice],
        &[Goal::Paragraph("style", What::Choice)],
    )
    .choices(&STYLES),
    whole(
        "rare_style",
        &["special style", "uncommon style"],
        &PARAGRAPH_VALUE,
        &[Move::SelectText, Move::Set("Paragraph Style", Slot::Choice)],
        &[Goal::Paragraph("style", What::Choice)],
    )
    .choices(&BOX_STYLES),
    whole(
        "bullets",
        &["a bulleted list", "bullets", "dots in front"],
        &PARAGRAPH,
        &[Move::SelectText, Move::Click("Format > Lists > Unordered List")],
        &[Goal::Paragraph("list", What::Is("bullet"))],
    ),
    whole(
        "numbering",
        &["a numbered list", "numbering", "numbers in front"],
        &PARAGRAPH,
        &[Move::SelectText, Move::Click("Format > Lists > Ordered List")],
        &[Goal::Paragraph("list", What::Is("decimal"))],
    ),
    whole(
        "no_list",
        &["list", "bullets", "the dots in front"],
        &UNPARAGRAPH,
        &[Move::SelectText, Move::Click("Format > Lists > No List")],
        &[Goal::PlainParagraph("list")],
    )
    .setup(Setup::Everywhere(&[("list", "bullet")])),
    whole(
        "space_above",
        &["space above", "gap above"],
        &PARAGRAPH_LENGTH,
        &[Move::SelectText, Move::Click(DIALOG), Move::Set("Above paragraph", Slot::First), Move::Click("OK")],
        &[Goal::Paragraph("space before", What::First)],
    )
    .numbers(Numbers::One(1, 3)),
    whole(
        "space_below",
        &["space below", "gap below"],
        &PARAGRAPH_LENGTH,
        &[Move::SelectText, Move::Click(DIALOG), Move::Set("Below paragraph", Slot::First), Move::Click("OK")],
        &[Goal::Paragraph("space after", What::First)],
    )
    .numbers(Numbers::One(1, 3)),
    whole(
        "indent_before",
        &["indent", "left indent", "distance from the margin"],
        &PARAGRAPH_LENGTH,
        &[Move::SelectText, Move::Click(DIALOG), Move::Set("Before text", Slot::First), Move::Click("OK")],
        &[Goal::Paragraph("indent", What::First)],
    )
    .numbers(Numbers::One(1, 3)),
    whole(
        "indent_after",
        &["right indent", "distance from the right margin"],
        &PARAGRAPH_LENGTH,
        &[Move::SelectText, Move::Click(DIALOG), Move::Set("After text", Slot::First), Move::Click("OK")],
        &[Goal::Paragraph("right indent", What::First)],
    )
    .numbers(Numbers::One(1, 3)),
    whole(
        "first_line",
        &["first line indent", "step of the first line"],
        &PARAGRAPH_LENGTH,
        &[Move::SelectText, Move::Click(DIALOG), Move::Set("First line", Slot::First), Move::Click("OK")],
        &[Goal::Paragraph("first line", What::First)],
    )
    .numbers(Numbers::One(1, 3)),
    Family::new(
        "center_paragraphs",
        &["centered", "in the middle"],
        &PARAGRAPHS,
        &[Move::SelectParagraphs, Move::Click("Center")],
        &[Goal::Paragraphs("alignment", What::Is("center"))],
    )
    .numbers(Numbers::Paragraphs),
    Family::new(
        "bullet_paragraphs",
        &["a bulleted list", "bullets"],
        &PARAGRAPHS,
        &[Move::SelectParagraphs, Move::Click("Format > Lists > Unordered List")],
        &[Goal::Paragraphs("list", What::Is("bullet"))],
    )
    .numbers(Numbers::Paragraphs),
    Family::new(
        "number_paragraphs",
        &["a numbered list", "numbering"],
        &PARAGRAPHS,
        &[Move::SelectParagraphs, Move::Click("Format > Lists > Ordered List")],
        &[Goal::Paragraphs("list", What::Is("decimal"))],
    )
    .numbers(Numbers::Paragraphs),
    Family::new(
        "space_paragraphs",
        &["double spaced", "spaced out"],
        &PARAGRAPHS,
        &[Move::SelectParagraphs, Move::Click("Format > Spacing > Line Spacing: 2")],
        &[Goal::Paragraphs("line spacing", What::Is("2"))],
    )
    .numbers(Numbers::Paragraphs),
    Family::new(
        "justify_all",
        &["justified", "flush on both sides"],
        &WHOLE,
        &[Move::Press("{VK_CONTROL}a"), Move::Click("Justified")],
        &[Goal::Everywhere("alignment", What::Is("justified"))],
    ),
    Family::new(
        "number_all",
        &["a numbered list", "numbering"],
        &WHOLE,
        &[Move::Press("{VK_CONTROL}a"), Move::Click("Format > Lists > Ordered List")],
        &[Goal::Everywhere("list", What::Is("decimal"))],
    ),
    Family::new(
        "space_all",
        &["one and a half spaced", "more airy"],
        &WHOLE,
        &[Move::Press("{VK_CONTROL}a"), Move::Click("Format > Spacing > Line Spacing: 1.5")],
        &[Goal::Everywhere("line spacing", What::Is("1.5"))],
    ),
];
