//! Families that insert things into the text and around it.

use super::super::goal::What;
use super::super::wording::{ATTACH, BEFORE, BEHIND, FIELD, SAYING, TABLE, THING};
use super::super::{Choice, Family, Goal, Move, Numbers, Quote, Slot};

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
const HEADER: &str = "Insert > Header and Footer > Header > Default Page Style";
const FOOTER: &str = "Insert > Header and Footer > Footer > Default Page Style";

/// The families of this topic.
pub static FAMILIES: [Family; 17] = [
    Family::new(
        "table",
        &["table", "grid of cells"],
        &TABLE,
        &[Move::SelectText, Move::Press("{HOME}"), Move::InsertTable],
        &[Goal::TableBefore],
    )
    .quote(Quote::Paragraph)
    .numbers(Numbers::Two(2, 7)),
    Family::new(
        "page_break",
        &["page break", "new sheet"],
        &BEFORE,
        &[Move::SelectText, Move::Press("{HOME}"), Move::Click("Insert > Page Break")],
        &[Goal::EmptyBefore, Goal::MarkBefore("page break", YES)],
    )
    .quote(Quote::Paragraph),
    Family::new(
        "footnote",
        &["footnote", "note at the foot"],
        &ATTACH,
        &[Move::SelectText, Move::Click("Insert > Footnote and Endnote > Footnote"), Move::Write(Slot::New)],
        &[Goal::Fact("footnote 1", What::New), Goal::Mark("footnote mark", YES)],
    )
    .quote(Quote::Words)
    .new_words(3),
    Family::new(
        "endnote",
        &["endnote", "note at the end"],
        &ATTACH,
        &[Move::SelectText, Move::Click("Insert > Footnote and Endnote > Endnote"), Move::Write(Slot::New)],
        &[Goal::Fact("endnote 1", What::New), Goal::Mark("endnote mark", YES)],
    )
    .quote(Quote::Words)
    .new_words(3),
    Family::new(
        "comment",
        &["comment", "remark"],
        &ATTACH,
        &[Move::SelectText, Move::Click("Insert > Comment"), Move::Write(Slot::New)],
        &[Goal::Fact("comment 1", What::New), Goal::Mark("comment", What::OfText)],
    )
    .quote(Quote::Words)
    .new_words(2),
    Family::new(
        "bookmark",
        &["bookmark", "named place"],
        &ATTACH,
        &[Move::SelectText, Move::Click("Insert > Bookmark..."), Move::Set("Name", Slot::New), Move::Click("Insert")],
        &[Goal::Mark("bookmark", What::New)],
    )
    .quote(Quote::Words)
    .new_words(1),
    Family::new(
        "hyperlink",
        &["link", "hyperlink", "web address"],
        &ATTACH,
        &[
            Move::SelectText,
            Move::Click("Insert > Hyperlink..."),
            Move::Set("Hyperlink Type", Slot::New),
            Move::Click("OK"),
        ],
        &[Goal::Mark("link", What::Link)],
    )
    .quote(Quote::Words)
    .new_words(1),
    Family::new(
        "header",
        &["header", "head line"],
        &SAYING,
        &[Move::Click(HEADER), Move::Write(Slot::New)],
        &[Goal::Fact("header", What::Quoted)],
    )
    .new_words(2),
    Family::new(
        "footer",
        &["footer", "foot line"],
        &SAYING,
        &[Move::Click(FOOTER), Move::Write(Slot::New)],
        &[Goal::Fact("footer", What::Quoted)],
    )
    .new_words(2),
    Family::new(
        "page_number_below",
        &["footer with the page number", "page number at the bottom"],
        &THING,
        &[Move::Click(FOOTER), Move::Click("Insert > Field > Page Number")],
        &[Goal::Fact("footer", What::Is("'[PAGE]'"))],
    ),
    Family::new(
        "page_number_above",
        &["header with the page number", "page number at the top"],
        &THING,
        &[Move::Click(HEADER), Move::Click("Insert > Field > Page Number")],
        &[Goal::Fact("header", What::Is("'[PAGE]'"))],
    ),
    Family::new(
        "date_above",
        &["header with the date", "date at the top"],
        &THING,
        &[Move::Click(HEADER), Move::Click("Insert > Field > Date")],
        &[Goal::Fact("header", What::Is("'[DATE]'"))],
    ),
    Family::new(
        "field",
        &["field", "variable"],
        &FIELD,
        &[Move::SelectText, Move::Press("{END}"), Move::ClickChoice],
        &[Goal::Mark("field", What::Choice)],
    )
    .quote(Quote::Paragraph)
    .choices(&FIELDS),
    Family::new(
        "contents",
        &["table of contents", "list of headings"],
        &BEFORE,
        &[
            Move::SelectText,
            Move::Press("{HOME}"),
            Move::Click("Insert > Table of Contents and Index > Table of Contents, Index or Bibliography..."),
            Move::Click("OK"),
        ],
        &[Goal::Fact("table of contents", YES)],
    )
    .quote(Quote::Paragraph),
    Family::new(
        "hard_space",
        &["hard space", "non-breaking space"],
        &BEHIND,
        &[Move::SelectText, Move::Press("{END}"), Move::Click("Insert > Formatting Mark > Insert non-breaking space")],
        &[Goal::Suffix("\u{a0}")],
    )
    .quote(Quote::Paragraph),
    Family::new(
        "column_break",
        &["column break", "jump to the next column"],
        &BEFORE,
        &[Move::SelectText, Move::Press("{HOME}"), Move::Click("Insert > More Breaks > Insert Column Break")],
        &[Goal::EmptyBefore, Goal::Mark("column break", YES)],
    )
    .quote(Quote::Paragraph),
    Family::new(
        "line_break",
        &["line break", "soft return"],
        &BEHIND,
        &[Move::SelectText, Move::Press("{END}"), Move::Click("Insert > More Breaks > Insert Manual Row Break")],
        &[Goal::Suffix("\n")],
    )
    .quote(Quote::Paragraph),
];
