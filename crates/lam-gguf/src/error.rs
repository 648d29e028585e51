//! What can be wrong with a GGUF file.

use std::path::{Path, PathBuf};

/// Why a GGUF file is refused. Whoever opens one tells it in errors of its own.
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// It cannot be read.
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It is there but is not what it should be.
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it: the place, key or tensor, and the value.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
}

impl GgufError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn file(path: &Path, reason: impl ToString, hint: &'static str) -> Self {
        Self::File { path: path.to_path_buf(), reason: reason.to_string(), hint }
    }
}

impl std::fmt::Display for GgufError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io { path, source } => write!(out, "{}: {source}", path.display()),
            Self::File { path, reason, .. } => write!(out, "{}: {reason}", path.display()),
        }
    }
}
