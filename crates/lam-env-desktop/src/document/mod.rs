//! Documents on disk: read, compared, and made as templates. Knows the formats, and no application.

mod archive;
mod docx;
mod model;
mod odt;
mod template;
mod xml;

use std::path::Path;

pub use model::{Document, Facts, Paragraph, Table, difference};
pub use template::write_docx;

/// Why a file cannot be read as a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The system does not give it.
    #[error("{place}: {reason}")]
    Unreadable {
        /// The file.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// It is larger than any document of a task.
    #[error("{place}: {what} is more than {limit} allows\nhint: the file is damaged, or made to fill the memory")]
    TooLarge {
        /// The file.
        place: String,
        /// What is too large.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// It is no document of its kind.
    #[error("{place}: no readable document: {reason}")]
    Damaged {
        /// The file.
        place: String,
        /// What is wrong.
        reason: String,
    },
}

/// Reads a document by its extension: `.docx` or `.odt`.
///
/// # Errors
/// A file that is missing, too large, or no document.
pub fn read(path: &Path) -> Result<Document, DocumentError> {
    let archive = archive::Archive::open(path)?;
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("odt") => odt::read(&archive),
        _ => docx::read(&archive),
    }
}

/// Reads a document's bytes; `place` names it in errors.
///
/// # Errors
/// Bytes that are too many, or no document.
pub fn read_docx(place: &str, bytes: &[u8]) -> Result<Document, DocumentError> {
    docx::read(&archive::Archive::read(place, bytes)?)
}
