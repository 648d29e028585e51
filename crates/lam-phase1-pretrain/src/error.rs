//! Why phase 1 stops.

use std::path::PathBuf;

use lam_data::DataError;
use lam_prompt::PromptError;
use lam_store::StoreError;
use lam_trainer::TrainerError;

/// Why phase 1 stops.
#[derive(Debug, thiserror::Error)]
pub enum PretrainError {
    /// The files hold nothing to train on.
    #[error("{}: no row of the train split\nhint: {hint}", files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", "))]
    Nothing {
        /// The files.
        files: Vec<PathBuf>,
        /// What to do.
        hint: &'static str,
    },
    /// A row that no example can be made of.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model's tokenizer cannot be used.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// Training stopped.
    #[error(transparent)]
    Trainer(#[from] TrainerError),
    /// A file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
