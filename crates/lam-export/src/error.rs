//! Why an export is refused. An export that does not reload to the same numbers is never left behind as done.

use std::path::{Path, PathBuf};

use lam_signal::{Details, Fault, FaultKind, hint_of_io};

/// An error of the export.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A part of the model that this kind of export needs is not there.
    Missing {
        /// Where it was looked for.
        path: PathBuf,
        /// What is missing.
        what: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A file cannot be read or written.
    Io {
        /// What was tried.
        action: &'static str,
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
    },
    /// What was written does not give the same numbers.
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
    NoEffect {
        /// The adapter.
        path: PathBuf,
    },
    /// The model cannot be read or run.
    Model(#[from] lam_model::ModelError),
    /// The tokenizer cannot be read.
    Prompt(#[from] lam_prompt::PromptError),
    /// The store refused.
    Store(#[from] lam_store::StoreError),
    /// The tensor library failed.
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

impl Fault for ExportError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Missing { .. } | Self::File { .. } | Self::NoEffect { .. } => FaultKind::Data,
            Self::Io { .. } | Self::Differs { .. } | Self::Tensor(_) => FaultKind::Runtime,
            Self::Model(error) => error.kind(),
            Self::Prompt(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Missing { path, what, hint } => Details::new(format!("no {what}")).at(path.display()).hint(hint),
            Self::Io { action, path, source } => {
                Details::new(format!("cannot {action} {}", path.display())).because(source).hint(hint_of_io(source))
            }
            Self::File { path, reason } => Details::default().at(path.display()).because(reason),
            Self::Differs { path, what, difference, tolerance } => {
                Details::new(format!("the {what} differ by {difference:e}, more than {tolerance:e}"))
                    .at(path.display())
                    .hint(
                        "nothing was left at this place; check that adapter, base and evaluated model belong together",
                    )
            }
            Self::NoEffect { path } => Details::new("with this adapter the model gives the same logits as without it")
                .at(path.display())
                .hint("it was not trained, or it belongs to another base model"),
            Self::Model(error) => error.details(),
            Self::Prompt(error) => error.details(),
            Self::Store(error) => error.details(),
            Self::Tensor(error) => Details::new(error),
        }
    }
}

lam_signal::display_details!(ExportError);
