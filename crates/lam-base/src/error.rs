//! Why the base stage stops.

use std::path::PathBuf;

use lam_model::ModelError;
use lam_prompt::PromptError;
use lam_signal::{Details, Fault, FaultKind};
use lam_store::StoreError;
use lam_trainer::TrainerError;

/// Why the base stage stops.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// A setting that makes no sense.
    Config {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is wrong.
        reason: String,
        /// What to do, or "".
        hint: String,
    },
    /// A file that cannot be read.
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The model cannot be made or written.
    Model(#[from] ModelError),
    /// The tokenizer cannot be made or written.
    Prompt(#[from] PromptError),
    /// Training stopped.
    Trainer(#[from] TrainerError),
    /// A file cannot be written.
    Store(#[from] StoreError),
}

impl Fault for BaseError {
    fn kind(&self) -> FaultKind {
        match self {
            BaseError::Config { .. } => FaultKind::Config,
            BaseError::File { source, .. } => FaultKind::of_io(source),
            BaseError::Model(error) => error.kind(),
            BaseError::Prompt(error) => error.kind(),
            BaseError::Trainer(error) => error.kind(),
            BaseError::Store(error) => error.kind(),
        }
    }

    fn details(&self) -> Details {
        match self {
            BaseError::Config { key, value, reason, hint } => {
                Details::new(format!("`{key}`")).found(value).because(reason).hint(hint)
            }
            BaseError::File { path, source } => Details::default().at(path.display()).because(source),
            BaseError::Model(error) => error.details(),
            BaseError::Prompt(error) => error.details(),
            BaseError::Trainer(error) => error.details(),
            BaseError::Store(error) => error.details(),
        }
    }
}

lam_signal::display_details!(BaseError);
