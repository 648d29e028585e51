//! What stops a pipeline, with its exit code.

use std::path::PathBuf;

use lam_config::{ConfigError, Origin};
use lam_store::StoreError;
use thiserror::Error;

use crate::StageError;

/// Why a pipeline cannot be loaded or does not go on.
#[derive(Debug, Error)]
pub enum PipelineError {
    /// A file's keys or values are wrong.
    #[error(transparent)]
    Config(Box<ConfigError>),
    /// The stages do not fit together.
    #[error("{}{reason}{}", place(origin.as_ref()), hint_line(hint))]
    Definition {
        /// Where it was written.
        origin: Option<Origin>,
        /// What is wrong.
        reason: String,
        /// What to do, or "".
        hint: String,
    },
    /// A file of the run cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stage stopped.
    #[error("stage `{stage}`: {source}{}", kept_line(source, kept))]
    Stage {
        /// The stage.
        stage: String,
        /// Why.
        source: StageError,
        /// Where its unfinished work is.
        kept: Option<PathBuf>,
    },
    /// Another process runs it now.
    #[error(
        "{} is in use by another run{owner}\nhint: wait for it, or stop it; what it has done is kept",
        path.display()
    )]
    Locked {
        /// The run directory.
        path: PathBuf,
        /// ` (process n)`, where known.
        owner: String,
    },
    /// A stage before `--from` has no result.
    #[error(
        "stage `{stage}` has no result, and `--from` leaves it out\nhint: run without --from, or from `{stage}` on"
    )]
    NoResult {
        /// The stage.
        stage: String,
    },
}

impl PipelineError {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            PipelineError::Stage { source, .. } => source.exit_code(),
            PipelineError::Store(error) if error.is_data() => 3,
            PipelineError::Store(_) => 1,
            PipelineError::Config(error) if error.is_missing() => 3,
            PipelineError::Config(error) if matches!(**error, ConfigError::Read { .. }) => 1,
            PipelineError::Config(_) | PipelineError::Definition { .. } | PipelineError::NoResult { .. } => 2,
            PipelineError::Locked { .. } => 1,
        }
    }

    pub(crate) fn definition(origin: Option<&Origin>, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        PipelineError::Definition { origin: origin.cloned(), reason: reason.into(), hint: hint.into() }
    }
}

impl From<ConfigError> for PipelineError {
    fn from(error: ConfigError) -> Self {
        PipelineError::Config(Box::new(error))
    }
}

fn place(origin: Option<&Origin>) -> String {
    origin.map(|origin| format!("{origin}: ")).unwrap_or_default()
}

fn hint_line(hint: &str) -> String {
    if hint.is_empty() { String::new() } else { format!("\nhint: {hint}") }
}

fn kept_line(source: &StageError, kept: &Option<PathBuf>) -> String {
    match (source, kept) {
        (StageError::Config(_), _) | (_, None) => String::new(),
        (_, Some(path)) => {
            format!("\nits unfinished work is kept in {}; the next run goes on from there", path.display())
        }
    }
}
