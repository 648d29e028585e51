//! Why an export is refused. An export that does not reload to the same numbers is never left behind as done.

use std::path::{Path, PathBuf};

/// An error of the export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A part of the model that this kind of export needs is not there.
    #[error("{}: no {what}\nhint: {hint}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is there but is not what it should be.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What was written does not give the same numbers.
    #[error("{}: the {what} differ by {difference:e}, more than {tolerance:e}\nhint: nothing was left at this place; check that adapter and base belong together", path.display())]
    Differs {
        /// Where it was to be.
        path: PathBuf,
        /// What was compared.
        what: &'static str,
        /// Largest absolute difference of two logits.
        difference: f32,
        /// Largest difference allowed.
        tolerance: f32,
    },
    /// The adapter changes nothing.
    #[error("{}: with this adapter the model gives the same logits as without it\nhint: it was not trained, or it belongs to another base model", path.display())]
    NoEffect {
        /// The adapter.
        path: PathBuf,
    },
    /// The model cannot be read or run.
    #[error(transparent)]
    Model(#[from] lam_model::ModelError),
    /// The tokenizer cannot be read.
    #[error(transparent)]
    Prompt(#[from] lam_prompt::PromptError),
    /// The store refused.
    #[error(transparent)]
    Store(#[from] lam_store::StoreError),
    /// The tensor library failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl ExportError {
    /// For `map_err`: `action` on `path` failed.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    /// A file that is not what it should be.
    pub(crate) fn file(path: &Path, reason: impl ToString) -> Self {
        Self::File { path: path.to_path_buf(), reason: reason.to_string() }
    }
}
