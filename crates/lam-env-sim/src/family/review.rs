//! Families about references, reviewing and the view.

use super::Family;
use super::wording::{ATTACH, COMMAND, ENTRY, OBJECT, OPTION, RUN, SAYING};
use crate::procedure::Move::{ChooseOption, Click, ClickOption, Confirm, Fill, SelectText};
use crate::procedure::Slot;
use crate::ribbon::{BIBLIOGRAPHY, TABLE_OF_CONTENTS, ZOOM};

/// Families about references.
pub static REFERENCES: [Family; 5] = [
    Family::new(
        "contents",
        &["table of contents", "contents list", "chapter list"],
        &OBJECT,
        &[Click("Table of Contents"), ChooseOption],
    )
    .options(TABLE_OF_CONTENTS.items),
    Family::new(
        "footnote",
        &["footnote", "foot note", "small note"],
        &ATTACH,
        &[SelectText, Click("Insert Footnote"), Fill("Footnote Text", Slot::NewText), Confirm("OK")],
    )
    .text()
    .new_text(),
    Family::new(
        "caption",
        &["caption", "figure caption", "picture label"],
        &SAYING,
        &[Click("Caption"), Fill("Caption Text", Slot::NewText), Confirm("OK")],
    )
    .new_text(),
    Family::new("bibliography", &["bibliography", "list of sources"], &OBJECT, &[Click("Bibliography"), ChooseOption])
        .options(BIBLIOGRAPHY.items),
    Family::new("index_entry", &["index entry", "entry of the index"], &ENTRY, &[SelectText, Click("Mark Entry")])
        .text(),
];

/// Families about reviewing and viewing.
pub static FAMILIES: [Family; 8] = [
    Family::new(
        "comment",
        &["comment", "review comment", "remark"],
        &ATTACH,
        &[SelectText, Click("New Comment"), Fill("Comment Text", Slot::NewText), Confirm("Post")],
    )
    .text()
    .new_text(),
    Family::new(
        "track_changes",
        &["track changes", "change tracking", "recording of edits"],
        &COMMAND,
        &[Click("Track Changes")],
    ),
    Family::new("spelling", &["spelling check", "spell check", "typo hunt"], &RUN, &[Click("Spelling")]),
    Family::new("word_count", &["word count", "count of words", "length check"], &RUN, &[Click("Word Count")]),
    Family::new("view_mode", &["view", "view mode", "display"], &OPTION, &[ClickOption]).options(&[
        "Read Mode",
        "Print Layout",
        "Web Layout",
        "Outline",
        "Draft",
    ]),
    Family::new("zoom", &["zoom", "zoom level", "magnification"], &OPTION, &[Click("Zoom"), ChooseOption])
        .options(ZOOM.items),
    Family::new("ruler", &["ruler", "measuring strip"], &COMMAND, &[Click("Ruler")]),
    Family::new("split", &["split view", "split", "two halves"], &COMMAND, &[Click("Split")]),
];
