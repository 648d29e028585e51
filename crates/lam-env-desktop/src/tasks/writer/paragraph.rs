//! Families that format paragraphs.

use super::super::goal::What;
use super::super::wording::{PARAGRAPH, PARAGRAPH_LENGTH, PARAGRAPH_VALUE, PARAGRAPHS, UNPARAGRAPH, WHOLE};
use super::super::{Choice, Family, Goal, Numbers, Setup, family, quoting};

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

/// The families of this topic.
pub static FAMILIES: [Family; 23] = [
    quoting(
        "center",
        &["centered", "in the middle"],
        &PARAGRAPH,
        &["select {x}", "click Center"],
        &[Goal::Paragraph("alignment", What::Is("center"))],
    ),
    quoting(
        "align_right",
        &["right aligned", "at the right margin"],
        &PARAGRAPH,
        &["select {x}", "click Right"],
        &[Goal::Paragraph("alignment", What::Is("right"))],
    ),
    quoting(
        "justify",
        &["justified", "flush on both sides"],
        &PARAGRAPH,
        &["select {x}", "click Justified"],
        &[Goal::Paragraph("alignment", What::Is("justified"))],
    ),
    quoting(
        "align_left",
        &["left aligned", "at the left margin"],
        &PARAGRAPH,
        &["select {x}", "click Left"],
        &[Goal::PlainParagraph("alignment")],
    )
    .setup(Setup::Paragraph(&[("alignment", "center")])),
    quoting(
        "line_spacing",
        &["line spacing", "distance of lines"],
        &PARAGRAPH_VALUE,
        &["select {x}", "click {c}"],
        &[Goal::Paragraph("line spacing", What::Choice)],
    )
    .choices(&SPACINGS),
    quoting(
        "single_spacing",
        &["extra line spacing", "the wide lines"],
        &UNPARAGRAPH,
        &["select {x}", "click Format > Spacing > Line Spacing: 1"],
        &[Goal::PlainParagraph("line spacing")],
    )
    .setup(Setup::Paragraph(&[("line spacing", "2")])),
    quoting(
        "style",
        &["style", "paragraph style", "look"],
        &PARAGRAPH_VALUE,
        &["select {x}", "click {c}"],
        &[Goal::Paragraph("style", What::Choice)],
    )
    .choices(&STYLES),
    quoting(
        "rare_style",
        &["special style", "uncommon style"],
        &PARAGRAPH_VALUE,
        &["select {x}", "type {c} in Paragraph Style"],
        &[Goal::Paragraph("style", What::Choice)],
    )
    .choices(&BOX_STYLES),
    quoting(
        "bullets",
        &["a bulleted list", "bullets", "dots in front"],
        &PARAGRAPH,
        &["select {x}", "click Format > Lists > Unordered List"],
        &[Goal::Paragraph("list", What::Is("bullet"))],
    ),
    quoting(
        "numbering",
        &["a numbered list", "numbering", "numbers in front"],
        &PARAGRAPH,
        &["select {x}", "click Format > Lists > Ordered List"],
        &[Goal::Paragraph("list", What::Is("decimal"))],
    ),
    quoting(
        "no_list",
        &["list", "bullets", "the dots in front"],
        &UNPARAGRAPH,
        &["select {x}", "click Format > Lists > No List"],
        &[Goal::PlainParagraph("list")],
    )
    .setup(Setup::Everywhere(&[("list", "bullet")])),
    quoting(
        "space_above",
        &["space above", "gap above"],
        &PARAGRAPH_LENGTH,
        &["select {x}", "click Format > Paragraph...", "type {a} in Above paragraph", "click OK"],
        &[Goal::Paragraph("space before", What::First)],
    )
    .numbers(Numbers::One(1, 3)),
    quoting(
        "space_below",
        &["space below", "gap below"],
        &PARAGRAPH_LENGTH,
        &["select {x}", "click Format > Paragraph...", "type {a} in Below paragraph", "click OK"],
        &[Goal::Paragraph("space after", What::First)],
    )
    .numbers(Numbers::One(1, 3)),
    quoting(
        "indent_before",
        &["indent", "left indent", "distance from the margin"],
        &PARAGRAPH_LENGTH,
        &["select {x}", "click Format > Paragraph...", "type {a} in Before text", "click OK"],
        &[Goal::Paragraph("indent", What::First)],
    )
    .numbers(Numbers::One(1, 3)),
    quoting(
        "indent_after",
        &["right indent", "distance from the right margin"],
        &PARAGRAPH_LENGTH,
        &["select {x}", "click Format > Paragraph...", "type {a} in After text", "click OK"],
        &[Goal::Paragraph("right indent", What::First)],
    )
    .numbers(Numbers::One(1, 3)),
    quoting(
        "first_line",
        &["first line indent", "step of the first line"],
        &PARAGRAPH_LENGTH,
        &["select {x}", "click Format > Paragraph...", "type {a} in First line", "click OK"],
        &[Goal::Paragraph("first line", What::First)],
    )
    .numbers(Numbers::One(1, 3)),
    family(
        "center_paragraphs",
        &["centered", "in the middle"],
        &PARAGRAPHS,
        &["choose paragraphs {a} to {b}", "click Center"],
        &[Goal::Paragraphs("alignment", What::Is("center"))],
    )
    .numbers(Numbers::Paragraphs),
    family(
        "bullet_paragraphs",
        &["a bulleted list", "bullets"],
        &PARAGRAPHS,
        &["choose paragraphs {a} to {b}", "click Format > Lists > Unordered List"],
        &[Goal::Paragraphs("list", What::Is("bullet"))],
    )
    .numbers(Numbers::Paragraphs),
    family(
        "number_paragraphs",
        &["a numbered list", "numbering"],
        &PARAGRAPHS,
        &["choose paragraphs {a} to {b}", "click Format > Lists > Ordered List"],
        &[Goal::Paragraphs("list", What::Is("decimal"))],
    )
    .numbers(Numbers::Paragraphs),
    family(
        "space_paragraphs",
        &["double spaced", "spaced out"],
        &PARAGRAPHS,
        &["choose paragraphs {a} to {b}", "click Format > Spacing > Line Spacing: 2"],
        &[Goal::Paragraphs("line spacing", What::Is("2"))],
    )
    .numbers(Numbers::Paragraphs),
    family(
        "justify_all",
        &["justified", "flush on both sides"],
        &WHOLE,
        &["press {VK_CONTROL}a", "click Justified"],
        &[Goal::Everywhere("alignment", What::Is("justified"))],
    ),
    family(
        "number_all",
        &["a numbered list", "numbering"],
        &WHOLE,
        &["press {VK_CONTROL}a", "click Format > Lists > Ordered List"],
        &[Goal::Everywhere("list", What::Is("decimal"))],
    ),
    family(
        "space_all",
        &["one and a half spaced", "more airy"],
        &WHOLE,
        &["press {VK_CONTROL}a", "click Format > Spacing > Line Spacing: 1.5"],
        &[Goal::Everywhere("line spacing", What::Is("1.5"))],
    ),
];
