//! The parts of a zipped document, bounded: no bomb fills the memory, no name climbs out. Nothing is written to disk.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::Path;

use super::DocumentError;
use super::xml::Element;

/// Largest file that is opened, in bytes.
const MOST_FILE_BYTES: u64 = 64 << 20;
/// Most bytes in one part, unpacked.
const MOST_PART_BYTES: u64 = 32 << 20;
/// Most bytes in all parts, unpacked.
const MOST_BYTES: u64 = 96 << 20;
/// Most parts.
const MOST_PARTS: usize = 4096;

/// The parts by name.
pub struct Archive {
    place: String,
    parts: BTreeMap<String, Vec<u8>>,
}

impl Archive {
    /// Opens a file.
    pub fn open(path: &Path) -> Result<Self, DocumentError> {
        let place = path.display().to_string();
        let unreadable =
            |error: std::io::Error| DocumentError::Unreadable { place: place.clone(), reason: error.to_string() };
        let size = std::fs::metadata(path).map_err(unreadable)?.len();
        if size > MOST_FILE_BYTES {
            return Err(DocumentError::TooLarge { place, what: format!("{size} bytes"), limit: MOST_FILE_BYTES });
        }
        Self::read(&place, &std::fs::read(path).map_err(unreadable)?)
    }

    /// Reads a file's bytes; `place` names it in errors.
    pub fn read(place: &str, bytes: &[u8]) -> Result<Self, DocumentError> {
        let place = place.to_owned();
        let damaged = |reason: String| DocumentError::Damaged { place: place.clone(), reason };
        let too_large = |what: String, limit| DocumentError::TooLarge { place: place.clone(), what, limit };
        let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(error.to_string()))?;
        if zip.len() > MOST_PARTS {
            return Err(too_large(format!("{} parts", zip.len()), MOST_PARTS as u64));
        }
        let (mut parts, mut total) = (BTreeMap::new(), 0);
        for index in 0..zip.len() {
            let part = zip.by_index(index).map_err(|error| damaged(error.to_string()))?;
            let name = part.name().map_err(|error| damaged(error.to_string()))?.into_owned();
            if name.starts_with('/') || name.contains('\\') || name.split('/').any(|step| step == "..") {
                return Err(damaged(format!("the part `{name}` climbs out of the document")));
            }
            // The size a part claims is not trusted: reading stops at the limit.
            let mut content = Vec::new();
            let read = part.take(MOST_PART_BYTES + 1).read_to_end(&mut content);
            total += read.map_err(|error| damaged(format!("`{name}`: {error}")))? as u64;
            if content.len() as u64 > MOST_PART_BYTES || total > MOST_BYTES {
                return Err(too_large(format!("`{name}` unpacked"), MOST_PART_BYTES));
            }
            parts.insert(name, content);
        }
        Ok(Self { place, parts })
    }

    /// A part's bytes.
    pub fn part(&self, name: &str) -> Option<&[u8]> {
        self.parts.get(name).map(Vec::as_slice)
    }

    /// A part as XML; `None` when the document has no such part.
    pub fn xml(&self, name: &str) -> Result<Option<Element>, DocumentError> {
        let Some(bytes) = self.part(name) else { return Ok(None) };
        Element::parse(bytes).map(Some).map_err(|reason| self.damaged(format!("`{name}`: {reason}")))
    }

    /// A part as XML that every document of its kind has.
    pub fn needed(&self, name: &str) -> Result<Element, DocumentError> {
        self.xml(name)?.ok_or_else(|| self.damaged(format!("there is no `{name}` in it")))
    }

    fn damaged(&self, reason: String) -> DocumentError {
        DocumentError::Damaged { place: self.place.clone(), reason }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn zipped(name: &str, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut zip = zip::ZipWriter::new(Cursor::new(&mut bytes));
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
        zip.finish().unwrap();
        bytes
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = zipped("word/document.xml", &vec![b' '; (MOST_PART_BYTES + 10) as usize]);
        assert!(bomb.len() < 1 << 20, "it is small on disk");
        let error = Archive::read("bomb.docx", &bomb).err().expect("refused");
        assert!(error.to_string().starts_with("bomb.docx: `word/document.xml` unpacked is more than"), "{error}");
    }

    #[test]
    fn a_climbing_path_is_refused() {
        let error = Archive::read("odd.docx", &zipped("../../etc/passwd", b"x")).err().expect("refused");
        assert!(error.to_string().contains("climbs out"), "{error}");
    }

    #[test]
    fn what_is_no_archive_is_named() {
        let error = Archive::read("note.docx", b"plain text").err().expect("refused");
        assert!(error.to_string().starts_with("note.docx: no readable document"), "{error}");
    }
}
