//! WordprocessingML (.docx) as a document: the parts of the archive, read one after the other.

mod body;
mod formats;
mod notes;
mod page;
mod parts;

pub use formats::TWIPS_PER_INCH;

use super::archive::Archive;
use super::xml::Element;
use super::{Document, DocumentError};
use parts::Parts;

/// Reads a document.
pub fn read(archive: &Archive) -> Result<Document, DocumentError> {
    let main = archive.needed("word/document.xml")?;
    let parts = Parts::read(archive)?;
    let mut document = Document::default();
    let empty = Element::default();
    let content = main.child("body").unwrap_or(&empty);
    body::read(content, &parts, &mut document);
    if let Some(section) = content.child("sectPr") {
        page::read(section, &parts, archive, &mut document.facts)?;
    }
    if let Some(color) = main.child("background").and_then(|background| background.attribute("color")) {
        document.facts.insert("page color".into(), color.to_lowercase());
    }
    notes::read(archive, &mut document.facts)?;
    Ok(document)
}
