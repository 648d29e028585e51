//! What can go wrong with files, told so that the reader knows which file, where in it, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// An error of a file, a table or a manifest.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}{}", path.display(), io_hint(source))]
    Io {
        /// What was tried, such as `write`.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A newer program wrote it.
    #[error(
        "{}: format version {found} is newer than {supported}, the newest this program reads\n\
         hint: use the version of lam-train that wrote it, or write to another directory",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: u32,
        /// Newest version that can be read.
        supported: u32,
    },
    /// It cannot be read at all.
    #[error("{}: damaged: {reason}\nhint: {hint}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// A column is missing or of another type.
    #[error("{}: column `{column}`: {reason}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// Its column, nested fields with dots.
        column: String,
        /// What is wrong.
        reason: String,
    },
    /// One value cannot be used.
    #[error("{}: row {row}, column `{column}`: {reason}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// Row, counted from 0.
        row: usize,
        /// Its column, nested fields with dots.
        column: String,
        /// What is wrong.
        reason: String,
    },
}

impl StoreError {
    /// Whether the fault lies in what was read, not in the machine (exit code 3 against 1).
    pub fn is_data(&self) -> bool {
        match self {
            StoreError::Io { source, .. } => source.kind() == io::ErrorKind::NotFound,
            _ => true,
        }
    }

    /// For `map_err`: the system refused `action` on `path`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.to_path_buf();
        move |source| StoreError::Io { action, path, source }
    }
}

/// What to do about the common refusals.
fn io_hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "\nhint: the disk is full; free some space and run again, what was done is kept"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "\nhint: the directory must be writable; choose another with --output-dir"
        }
        io::ErrorKind::NotFound => "\nhint: check the path",
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "\nhint: a file stands where a directory is needed; choose another directory"
        }
        _ => "",
    }
}
