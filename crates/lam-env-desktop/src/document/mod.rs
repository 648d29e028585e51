//! Documents on disk: read, compared, and made as templates. Knows the formats, and no application.

mod archive;
mod docx;
mod model;
mod odt;
mod template;
mod xml;

use std::path::Path;

use lam_signal::{Details, Fault, FaultKind};

pub use model::{Document, Facts, Paragraph, Table, difference};
pub use template::write_docx;

/// Why a file cannot be read as a document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The system does not give it.
    Unreadable {
        /// The file.
        place: String,
        /// What the system said.
        reason: String,
    },
    /// It is larger than any document of a task.
    TooLarge {
        /// The file.
        place: String,
        /// What is too large.
        what: String,
        /// The limit.
        limit: u64,
    },
    /// It is no document of its kind.
    Damaged {
        /// The file.
        place: String,
        /// What is wrong.
        reason: String,
    },
}

impl Fault for DocumentError {
    fn kind(&self) -> FaultKind {
        FaultKind::Data
    }

    fn details(&self) -> Details {
        match self {
            Self::Unreadable { place, reason } => Details::default().at(place).because(reason),
            Self::TooLarge { place, what, limit } => Details::new(format!("{what} is more than {limit} allows"))
                .at(place)
                .hint("the file is damaged, or made to fill the memory"),
            Self::Damaged { place, reason } => Details::new("no readable document").at(place).because(reason),
        }
    }
}

lam_signal::display_details!(DocumentError);

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
