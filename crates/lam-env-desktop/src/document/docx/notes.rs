//! What stands beside the body: footnotes, endnotes, comments, settings, properties.

use super::super::DocumentError;
use super::super::archive::Archive;
use super::super::model::Facts;
use super::body::paragraphs_text;

/// Reads them into facts.
pub fn read(archive: &Archive, facts: &mut Facts) -> Result<(), DocumentError> {
    for (part, kind) in [("footnotes", "footnote"), ("endnotes", "endnote"), ("comments", "comment")] {
        let Some(notes) = archive.xml(&format!("word/{part}.xml"))? else { continue };
        let own = notes
            .elements()
            .filter(|note| note.name == kind && note.attribute("type").is_none_or(|kind| kind == "normal"));
        for (place, note) in own.enumerate() {
            facts.insert(format!("{kind} {}", place + 1), paragraphs_text(note).trim().to_owned());
        }
    }
    if let Some(settings) = archive.xml("word/settings.xml")? {
        let recording = settings.child("trackRevisions");
        if recording.is_some_and(|value| !matches!(value.attribute("val"), Some("0" | "false" | "off"))) {
            facts.insert("track changes".into(), "on".into());
        }
    }
    if let Some(properties) = archive.xml("docProps/core.xml")? {
        for (name, key) in
            [("title", "title"), ("subject", "subject"), ("keywords", "keywords"), ("comments", "description")]
        {
            let value = properties.child(key).map(|value| value.text()).unwrap_or_default();
            if !value.trim().is_empty() {
                facts.insert(format!("property {name}"), value.trim().to_owned());
            }
        }
    }
    Ok(())
}
