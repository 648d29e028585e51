//! Families about the document as a whole and its files.

use super::super::goal::What;
use super::super::wording::{SAVE, SAYING, SWITCH, UNSWITCH};
use super::super::{Choice, Family, Goal, Move, Setup, Slot};

const PROPERTIES: &str = "File > Properties...";
const RECORD: &str = "Edit > Track Changes > Record";
const FORMATS: [Choice; 4] = [
    Choice::new("odt", ".odt", ".odt"),
    Choice::new("docx", ".docx", ".docx"),
    Choice::new("rtf", ".rtf", ".rtf"),
    Choice::new("txt", ".txt", ".txt"),
];

/// The families of this topic.
pub static FAMILIES: [Family; 7] = [
    Family::new(
        "title",
        &["document title", "title property"],
        &SAYING,
        &[Move::Click(PROPERTIES), Move::Click("Description"), Move::Set("Title", Slot::New), Move::Click("OK")],
        &[Goal::Fact("property title", What::New)],
    )
    .new_words(2),
    Family::new(
        "subject",
        &["document subject", "subject property"],
        &SAYING,
        &[Move::Click(PROPERTIES), Move::Click("Description"), Move::Set("Subject", Slot::New), Move::Click("OK")],
        &[Goal::Fact("property subject", What::New)],
    )
    .new_words(2),
    Family::new(
        "keywords",
        &["document keyword", "keyword property"],
        &SAYING,
        &[Move::Click(PROPERTIES), Move::Click("Description"), Move::Set("Keywords", Slot::New), Move::Click("OK")],
        &[Goal::Fact("property keywords", What::New)],
    )
    .new_words(1),
    Family::new(
        "description",
        &["document description", "comments property"],
        &SAYING,
        &[Move::Click(PROPERTIES), Move::Click("Description"), Move::Set("Comments", Slot::New), Move::Click("OK")],
        &[Goal::Fact("property comments", What::New)],
    )
    .new_words(3),
    Family::new(
        "track_changes",
        &["the tracking of changes", "the recording of changes"],
        &SWITCH,
        &[Move::Click(RECORD)],
        &[Goal::Fact("track changes", What::Is("on"))],
    ),
    Family::new(
        "stop_tracking",
        &["the tracking of changes", "the recording of changes"],
        &UNSWITCH,
        &[Move::Click(RECORD)],
        &[Goal::NoFact("track changes")],
    )
    .setup(Setup::Facts(&[("track changes", "on")])),
    Family::new("save_as", &["save", "store", "keep"], &SAVE, &[Move::SaveAs], &[Goal::File])
        .choices(&FORMATS)
        .new_words(1),
];
