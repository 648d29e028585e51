//! Families that insert things into the text and around it.

use super::super::goal::What;
use super::super::wording::{ATTACH, BEFORE, BEHIND, FIELD, SAYING, TABLE, THING};
use super::super::{Choice, Family, Goal, Numbers, Quote, family, quoting};

const YES: What = What::Is("yes");
const FIELDS: [Choice; 7] = [
    Choice::new("page number", "Insert > Field > Page Number", "PAGE"),
    Choice::new("page count", "Insert > Field > Page Count", "NUMPAGES"),
    Choice::new("date", "Insert > Field > Date", "DATE"),
    Choice::new("time", "Insert > Field > Time", "TIME"),
    Choice::new("title", "Insert > Field > Title", "TITLE"),
    Choice::new("author", "Insert > Field > First Author", "AUTHOR"),
    Choice::new("subject", "Insert > Field > Subject", "SUBJECT"),
];

/// The families of this topic.
pub static FAMILIES: [Family; 17] = [
    family(
        "table",
        &["table", "grid of cells"],
        &TABLE,
        &["select {x}", "press HOME", "insert table {a} by {b}"],
        &[Goal::TableBefore],
    )
    .quote(Quote::Paragraph)
    .numbers(Numbers::Two(2, 7)),
    family(
        "page_break",
        &["page break", "new sheet"],
        &BEFORE,
        &["select {x}", "press HOME", "click Insert > Page Break"],
        &[Goal::EmptyBefore, Goal::MarkBefore("page break", YES)],
    )
    .quote(Quote::Paragraph),
    quoting(
        "footnote",
        &["footnote", "note at the foot"],
        &ATTACH,
        &["select {x}", "click Insert > Footnote and Endnote > Footnote", "press {y}"],
        &[Goal::Fact("footnote 1", What::New), Goal::Mark("footnote mark", YES)],
    )
    .new_words(3, 3),
    quoting(
        "endnote",
        &["endnote", "note at the end"],
        &ATTACH,
        &["select {x}", "click Insert > Footnote and Endnote > Endnote", "press {y}"],
        &[Goal::Fact("endnote 1", What::New), Goal::Mark("endnote mark", YES)],
    )
    .new_words(3, 3),
    quoting(
        "comment",
        &["comment", "remark"],
        &ATTACH,
        &["select {x}", "click Insert > Comment", "press {y}"],
        &[Goal::Fact("comment 1", What::New), Goal::Mark("comment", What::OfText)],
    )
    .new_words(2, 2),
    quoting(
        "bookmark",
        &["bookmark", "named place"],
        &ATTACH,
        &["select {x}", "click Insert > Bookmark...", "type {y} in Name", "click Insert"],
        &[Goal::Mark("bookmark", What::New)],
    )
    .new_words(1, 1),
    quoting(
        "hyperlink",
        &["link", "hyperlink", "web address"],
        &ATTACH,
        &["select {x}", "click Insert > Hyperlink...", "type {y} in Hyperlink Type", "click OK"],
        &[Goal::Mark("link", What::Link)],
    )
    .new_words(1, 1),
    family(
        "header",
        &["header", "head line"],
        &SAYING,
        &["click Insert > Header and Footer > Header > Default Page Style", "press {y}"],
        &[Goal::Fact("header", What::Quoted)],
    )
    .new_words(2, 2),
    family(
        "footer",
        &["footer", "foot line"],
        &SAYING,
        &["click Insert > Header and Footer > Footer > Default Page Style", "press {y}"],
        &[Goal::Fact("footer", What::Quoted)],
    )
    .new_words(2, 2),
    family(
        "page_number_below",
        &["footer with the page number", "page number at the bottom"],
        &THING,
        &["click Insert > Header and Footer > Footer > Default Page Style", "click Insert > Field > Page Number"],
        &[Goal::Fact("footer", What::Is("'[PAGE]'"))],
    ),
    family(
        "page_number_above",
        &["header with the page number", "page number at the top"],
        &THING,
        &["click Insert > Header and Footer > Header > Default Page Style", "click Insert > Field > Page Number"],
        &[Goal::Fact("header", What::Is("'[PAGE]'"))],
    ),
    family(
        "date_above",
        &["header with the date", "date at the top"],
        &THING,
        &["click Insert > Header and Footer > Header > Default Page Style", "click Insert > Field > Date"],
        &[Goal::Fact("header", What::Is("'[DATE]'"))],
    ),
    family(
        "field",
        &["field", "variable"],
        &FIELD,
        &["select {x}", "press END", "click {c}"],
        &[Goal::Mark("field", What::Choice)],
    )
    .quote(Quote::Paragraph)
    .choices(&FIELDS),
    family(
        "contents",
        &["table of contents", "list of headings"],
        &BEFORE,
        &[
            "select {x}",
            "press HOME",
            "click Insert > Table of Contents and Index > Table of Contents, Index or Bibliography...",
            "click OK",
        ],
        &[Goal::Fact("table of contents", YES)],
    )
    .quote(Quote::Paragraph),
    family(
        "hard_space",
        &["hard space", "non-breaking space"],
        &BEHIND,
        &["select {x}", "press END", "click Insert > Formatting Mark > Insert non-breaking space"],
        &[Goal::Suffix("\u{a0}")],
    )
    .quote(Quote::Paragraph),
    family(
        "column_break",
        &["column break", "jump to the next column"],
        &BEFORE,
        &["select {x}", "press HOME", "click Insert > More Breaks > Insert Column Break"],
        &[Goal::EmptyBefore, Goal::Mark("column break", YES)],
    )
    .quote(Quote::Paragraph),
    family(
        "line_break",
        &["line break", "soft return"],
        &BEHIND,
        &["select {x}", "press END", "click Insert > More Breaks > Insert Manual Row Break"],
        &[Goal::Suffix("\n")],
    )
    .quote(Quote::Paragraph),
];
