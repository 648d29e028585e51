//! Why the base stage stops.

use std::path::PathBuf;

use lam_model::ModelError;
use lam_prompt::PromptError;
use lam_store::StoreError;
use lam_trainer::TrainerError;

/// Why the base stage stops.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// A setting that cannot be meant.
    #[error("`{key}` = {value}: {reason}")]
    Config {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is wrong, with a hint.
        reason: String,
    },
    /// A file that cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The model cannot be made or written.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The tokenizer cannot be made or written.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// Training stopped.
    #[error(transparent)]
    Trainer(#[from] TrainerError),
    /// A file cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
