//! What can go wrong with a model, said so that a person can mend it.

use std::path::{Path, PathBuf};

use lam_signal::{Details, Fault, FaultKind, hint_of_io};

/// An error of the model crate.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The tensor library failed.
    Tensor(#[from] candle_core::Error),
    /// A CUDA device cannot be used, or failed.
    Cuda(#[from] lam_cuda::CudaError),
    /// A file cannot be read or written.
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
        /// What to do, or "".
        hint: &'static str,
    },
    /// Files of weights are not what they should be.
    Weights(#[from] lam_weights::WeightsError),
    /// A tensor is missing.
    MissingTensor {
        /// Where it was looked for.
        path: PathBuf,
        /// Its name.
        name: String,
    },
    /// A tensor has another shape than the config says.
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
    Config {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        reason: String,
    },
    /// An environment variable says what is not known.
    Environment {
        /// Its name.
        variable: &'static str,
        /// What it says.
        value: String,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// An adapter does not fit the model.
    Adapter {
        /// What does not fit.
        what: String,
        /// What to do, or "".
        hint: String,
    },
    /// Keys and values of generation do not fit on the device.
    Pages {
        /// Tokens that were to be read into a slot.
        tokens: usize,
        /// Pages that slots hold.
        pages: usize,
        /// Bytes of a page.
        bytes: usize,
        /// Bytes of the device in use.
        used: usize,
        /// Bytes of the device that are free, in pieces.
        free: usize,
    },
    /// A batch cannot be run.
    Batch {
        /// What is wrong with it.
        what: String,
        /// What to do, or "".
        hint: String,
    },
}

impl ModelError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }

    /// The same of a value that stands in a file.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Config { key, value, reason } => Self::file(path, format!("`{key}` = {value}: {reason}")),
            other => other,
        }
    }

    pub(crate) fn adapter(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Adapter { what: what.into(), hint: hint.into() }
    }

    pub(crate) fn batch(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Batch { what: what.into(), hint: hint.into() }
    }

    pub(crate) fn file(path: &Path, reason: impl ToString) -> Self {
        Self::file_with_hint(path, reason, "")
    }

    pub(crate) fn file_with_hint(path: &Path, reason: impl ToString, hint: &'static str) -> Self {
        Self::File { path: path.to_path_buf(), reason: reason.to_string(), hint }
    }
}

impl From<lam_gguf::GgufError> for ModelError {
    fn from(error: lam_gguf::GgufError) -> Self {
        match error {
            lam_gguf::GgufError::Io { path, source } => Self::Io { path, source },
            lam_gguf::GgufError::File { path, reason, hint } => Self::File { path, reason, hint },
        }
    }
}

impl Fault for ModelError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Tensor(_) | Self::Pages { .. } => FaultKind::Runtime,
            Self::Io { source, .. } => FaultKind::of_io(source),
            Self::Weights(error) => error.kind(),
            Self::Cuda(error) => error.kind(),
            Self::Environment { .. } => FaultKind::Config,
            _ => FaultKind::Data,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Tensor(error) => Details::new(error),
            Self::Weights(error) => error.details(),
            Self::Cuda(error) => error.details(),
            Self::Io { path, source } => Details::default().at(path.display()).because(source).hint(hint_of_io(source)),
            Self::File { path, reason, hint } => Details::default().at(path.display()).because(reason).hint(hint),
            Self::MissingTensor { path, name } => {
                let hint = "the file belongs to another architecture or is incomplete";
                Details::new(format!("tensor `{name}` is missing")).at(path.display()).hint(hint)
            }
            Self::Shape { path, name, expected, found } => {
                Details::new(format!("tensor `{name}` has shape {found:?}, expected {expected:?}")).at(path.display())
            }
            Self::Config { key, value, reason } => {
                Details::new(format!("`{key}`")).at("model config").found(value).because(reason)
            }
            Self::Environment { variable, value, reason, hint } => Details::new(format!("`{value}`"))
                .at(format!("environment variable {variable}"))
                .because(reason)
                .hint(hint),
            Self::Adapter { what, hint } => Details::new(what).at("adapter").hint(hint),
            Self::Pages { tokens, pages, bytes, used, free } => {
                let mib = |bytes: usize| format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20));
                Details::new(format!("no memory on the device for the keys and values of {tokens} more tokens"))
                    .because(format!(
                        "a page of 64 tokens takes {}, slots hold {pages} pages; {} of the device are in use, {} free",
                        mib(*bytes),
                        mib(*used),
                        mib(*free)
                    ))
                    .hint("fewer requests at a time or shorter texts need less")
            }
            Self::Batch { what, hint } => Details::new(what).at("batch").hint(hint),
        }
    }
}

lam_signal::display_details!(ModelError);
