//! What can go wrong with a model, said so that a person can mend it.

use std::path::{Path, PathBuf};

/// An error of the model crate.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The tensor library failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is there but is not what it should be.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A tensor is missing.
    #[error("{path}: tensor `{name}` is missing; hint: the file belongs to another architecture or is incomplete")]
    MissingTensor {
        /// Where it was looked for.
        path: PathBuf,
        /// Its name.
        name: String,
    },
    /// A tensor has another shape than the config says.
    #[error("{path}: tensor `{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        /// Where it stands.
        path: PathBuf,
        /// Its name.
        name: String,
        /// By the config.
        expected: Vec<usize>,
        /// In the file.
        found: Vec<usize>,
    },
    /// A config value cannot be used.
    #[error("model config: `{key}` = {value}: {reason}")]
    Config {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        reason: String,
    },
    /// An adapter does not fit the model.
    #[error("adapter: {0}")]
    Adapter(String),
    /// A batch cannot be run.
    #[error("batch: {0}")]
    Batch(String),
}

impl ModelError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn file(path: &Path, reason: impl ToString) -> Self {
        Self::File { path: path.to_path_buf(), reason: reason.to_string() }
    }
}
