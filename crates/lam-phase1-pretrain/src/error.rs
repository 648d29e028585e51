//! Why phase 1 stops.

use std::path::PathBuf;

use lam_data::DataError;
use lam_prompt::PromptError;
use lam_signal::{Details, Fault, FaultKind};
use lam_store::StoreError;
use lam_trainer::TrainerError;

/// Why phase 1 stops.
#[derive(Debug, thiserror::Error)]
pub enum PretrainError {
    /// The files hold nothing to train on.
    Nothing {
        /// The files.
        files: Vec<PathBuf>,
        /// What to do.
        hint: &'static str,
    },
    /// A row that no example can be made of.
    Data(#[from] DataError),
    /// The model's tokenizer cannot be used.
    Prompt(#[from] PromptError),
    /// Training stopped.
    Trainer(#[from] TrainerError),
    /// A file cannot be read.
    Store(#[from] StoreError),
}

impl Fault for PretrainError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Nothing { .. } => FaultKind::Data,
            Self::Data(error) => error.kind(),
            Self::Prompt(error) => error.kind(),
            Self::Trainer(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Nothing { files, hint } => Details::new("no row of the train split").at_files(files).hint(hint),
            Self::Data(error) => error.details(),
            Self::Prompt(error) => error.details(),
            Self::Trainer(error) => error.details(),
            Self::Store(error) => error.details(),
        }
    }
}

lam_signal::display_details!(PretrainError);
