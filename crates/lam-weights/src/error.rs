//! What can be wrong with files of weights.

use std::path::{Path, PathBuf};

use lam_signal::{Details, Fault, FaultKind};

/// Why files of weights are refused.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// A file cannot be read.
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is there but is not what it should be.
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
}

impl WeightsError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn file(path: &Path, reason: impl ToString, hint: &'static str) -> Self {
        Self::File { path: path.to_path_buf(), reason: reason.to_string(), hint }
    }
}

impl Fault for WeightsError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Io { source, .. } => FaultKind::of_io(source),
            Self::File { .. } => FaultKind::Data,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Io { path, source } => Details::default().at(path.display()).because(source),
            Self::File { path, reason, hint } => Details::default().at(path.display()).because(reason).hint(hint),
        }
    }
}

lam_signal::display_details!(WeightsError);
