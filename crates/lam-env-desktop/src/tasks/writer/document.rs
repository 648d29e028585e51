//! Families about the document as a whole and its files.

use super::super::goal::What;
use super::super::wording::{SAVE, SAYING, SWITCH, UNSWITCH};
use super::super::{Choice, Family, Goal, Setup, family};

const FORMATS: [Choice; 4] = [
    Choice::new("odt", ".odt", ".odt"),
    Choice::new("docx", ".docx", ".docx"),
    Choice::new("rtf", ".rtf", ".rtf"),
    Choice::new("txt", ".txt", ".txt"),
];

/// The families of this topic.
pub static FAMILIES: [Family; 7] = [
    family(
        "title",
        &["document title", "title property"],
        &SAYING,
        &["click File > Properties...", "click Description", "type {y} in Title", "click OK"],
        &[Goal::Fact("property title", What::New)],
    )
    .new_words(2, 2),
    family(
        "subject",
        &["document subject", "subject property"],
        &SAYING,
        &["click File > Properties...", "click Description", "type {y} in Subject", "click OK"],
        &[Goal::Fact("property subject", What::New)],
    )
    .new_words(2, 2),
    family(
        "keywords",
        &["document keyword", "keyword property"],
        &SAYING,
        &["click File > Properties...", "click Description", "type {y} in Keywords", "click OK"],
        &[Goal::Fact("property keywords", What::New)],
    )
    .new_words(1, 1),
    family(
        "description",
        &["document description", "comments property"],
        &SAYING,
        &["click File > Properties...", "click Description", "type {y} in Comments", "click OK"],
        &[Goal::Fact("property comments", What::New)],
    )
    .new_words(3, 3),
    family(
        "track_changes",
        &["the tracking of changes", "the recording of changes"],
        &SWITCH,
        &["click Edit > Track Changes > Record"],
        &[Goal::Fact("track changes", What::Is("on"))],
    ),
    family(
        "stop_tracking",
        &["the tracking of changes", "the recording of changes"],
        &UNSWITCH,
        &["click Edit > Track Changes > Record"],
        &[Goal::NoFact("track changes")],
    )
    .setup(Setup::Facts(&[("track changes", "on")])),
    family("save_as", &["save", "store", "keep"], &SAVE, &["save {y} as {c}"], &[Goal::File])
        .choices(&FORMATS)
        .new_words(1, 1),
];
