//! What can go wrong with files, told so that the reader knows which file, where in it, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use lam_signal::{Details, Fault, FaultKind, hint_of_io};
use thiserror::Error;

/// An error of a file, a table or a manifest.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The operating system refused.
    Io {
        /// What was tried, such as `write`.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A directory that somebody else made would be written into or removed.
    Foreign {
        /// The directory.
        path: PathBuf,
    },
    /// Another process is at work in it.
    Busy {
        /// The directory.
        path: PathBuf,
    },
    /// A newer program wrote it.
    Newer {
        /// The file.
        path: PathBuf,
        /// Version in the file.
        found: u32,
        /// Newest version that can be read.
        supported: u32,
    },
    /// It cannot be read at all.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        reason: String,
        /// What to do about it.
        hint: &'static str,
    },
    /// A column is missing or of another type.
    Column {
        /// The file.
        path: PathBuf,
        /// Its column, nested fields with dots.
        column: String,
        /// What is wrong.
        reason: String,
        /// What to do, or "".
        hint: String,
    },
    /// One value cannot be used.
    Value {
        /// The file.
        path: PathBuf,
        /// Row, counted from 0.
        row: usize,
        /// Its column, nested fields with dots.
        column: String,
        /// What is wrong.
        reason: String,
        /// What to do, or "".
        hint: String,
    },
}

impl StoreError {
    /// For `map_err`: the system refused `action` on `path`.
    pub fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
        let path = path.to_path_buf();
        move |source| StoreError::Io { action, path, source }
    }
}

impl Fault for StoreError {
    fn kind(&self) -> FaultKind {
        match self {
            StoreError::Io { source, .. } => FaultKind::of_io(source),
            StoreError::Foreign { .. } => FaultKind::Config,
            StoreError::Busy { .. } => FaultKind::Runtime,
            _ => FaultKind::Data,
        }
    }

    fn details(&self) -> Details {
        match self {
            StoreError::Io { action, path, source } => {
                Details::new(format!("cannot {action} {}", path.display())).because(source).hint(hint_of_io(source))
            }
            StoreError::Foreign { path } => Details::new("not a directory that lam-train made, and not empty")
                .at(path.display())
                .hint("choose another directory, or move what is in it somewhere else"),
            StoreError::Busy { path } => Details::new("a run stores a result there, or takes one, at this moment")
                .at(path.display())
                .hint("try again when it is done with that"),
            StoreError::Newer { path, found, supported } => {
                let what = format!("format version {found} is newer than {supported}, the newest this program reads");
                let hint = "use the version of lam-train that wrote it, or write to another directory";
                Details::new(what).at(path.display()).hint(hint)
            }
            StoreError::Damaged { path, reason, hint } => {
                Details::new("damaged").at(path.display()).because(reason).hint(hint)
            }
            StoreError::Column { path, column, reason, hint } => {
                Details::new(format!("column `{column}`")).at(path.display()).because(reason).hint(hint)
            }
            StoreError::Value { path, row, column, reason, hint } => {
                Details::new(format!("row {row}, column `{column}`")).at(path.display()).because(reason).hint(hint)
            }
        }
    }
}

lam_signal::display_details!(StoreError);
