//! Why phase 4 stops.

use std::path::PathBuf;

use lam_inference::InferenceError;
use lam_model::ModelError;
use lam_prompt::PromptError;
use lam_store::StoreError;
use lam_trainer::TrainerError;

/// Why phase 4 stops.
#[derive(Debug, thiserror::Error)]
pub enum ReinforceError {
    /// A set that must not be empty is.
    #[error("{}: holds no {what} of the train split\nhint: {hint}", files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", "))]
    Nothing {
        /// The files.
        files: Vec<PathBuf>,
        /// What is missing.
        what: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A file of rollouts that cannot be read.
    #[error("{}: {reason}\nhint: remove the file; the rollouts are made again", path.display())]
    Rollouts {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Somebody asked to stop.
    #[error("stopped on request")]
    Cancelled,
    /// Training stopped.
    #[error(transparent)]
    Trainer(#[from] TrainerError),
    /// The model failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Generation failed.
    #[error(transparent)]
    Inference(#[from] InferenceError),
    /// The tokenizer cannot be used.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}
