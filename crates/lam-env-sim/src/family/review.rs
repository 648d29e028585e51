//! Families about references, reviewing and the view.

use super::wording::{ATTACH, COMMAND, ENTRY, OBJECT, OPTION, RUN, SAYING};
use super::{Family, family, quoting};
use crate::ribbon::{BIBLIOGRAPHY, TABLE_OF_CONTENTS, ZOOM};

/// Families about references.
pub static REFERENCES: [Family; 5] = [
    family(
        "contents",
        &["table of contents", "contents list", "chapter list"],
        &OBJECT,
        &["click Table of Contents", "click {o}"],
    )
    .options(TABLE_OF_CONTENTS.items),
    quoting(
        "footnote",
        &["footnote", "foot note", "small note"],
        &ATTACH,
        &["select {x}", "click Insert Footnote", "type {y} in Footnote Text", "click OK"],
    )
    .new_words(1, 3),
    family(
        "caption",
        &["caption", "figure caption", "picture label"],
        &SAYING,
        &["click Caption", "type {y} in Caption Text", "click OK"],
    )
    .new_words(1, 3),
    family("bibliography", &["bibliography", "list of sources"], &OBJECT, &["click Bibliography", "click {o}"])
        .options(BIBLIOGRAPHY.items),
    quoting("index_entry", &["index entry", "entry of the index"], &ENTRY, &["select {x}", "click Mark Entry"]),
];

/// Families about reviewing and viewing.
pub static FAMILIES: [Family; 8] = [
    quoting(
        "comment",
        &["comment", "review comment", "remark"],
        &ATTACH,
        &["select {x}", "click New Comment", "type {y} in Comment Text", "click Post"],
    )
    .new_words(1, 3),
    family(
        "track_changes",
        &["track changes", "change tracking", "recording of edits"],
        &COMMAND,
        &["click Track Changes"],
    ),
    family("spelling", &["spelling check", "spell check", "typo hunt"], &RUN, &["click Spelling"]),
    family("word_count", &["word count", "count of words", "length check"], &RUN, &["click Word Count"]),
    family("view_mode", &["view", "view mode", "display"], &OPTION, &["click {o}"]).options(&[
        "Read Mode",
        "Print Layout",
        "Web Layout",
        "Outline",
        "Draft",
    ]),
    family("zoom", &["zoom", "zoom level", "magnification"], &OPTION, &["click Zoom", "click {o}"]).options(ZOOM.items),
    family("ruler", &["ruler", "measuring strip"], &COMMAND, &["click Ruler"]),
    family("split", &["split view", "split", "two halves"], &COMMAND, &["click Split"]),
];
