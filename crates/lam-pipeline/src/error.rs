//! What stops a pipeline, told with the stage and the place in its file.

use std::fmt;
use std::path::PathBuf;

use lam_config::{ConfigError, Origin};
use lam_signal::{Details, Failure, Fault, FaultKind};
use lam_store::StoreError;
use thiserror::Error;

/// Why a pipeline cannot be loaded, or why its run stops.
#[derive(Debug, Error)]
pub enum PipelineError {
    /// A file's keys or values are wrong.
    Config(Box<ConfigError>),
    /// A stage's setting is wrong.
    Setting {
        /// The stage.
        stage: String,
        /// What is wrong.
        error: Box<ConfigError>,
    },
    /// The stages do not fit together.
    Definition {
        /// Where it was written.
        origin: Option<Origin>,
        /// What is wrong.
        what: String,
        /// What to do, or "".
        hint: String,
    },
    /// A file of the run cannot be read or written.
    Store(#[from] StoreError),
    /// Nothing can be read or written where the results are to be.
    Place {
        /// Why.
        error: StoreError,
        /// The option that names another place.
        option: &'static str,
    },
    /// A stage stopped.
    Stage {
        /// The stage.
        stage: String,
        /// Why.
        failure: Failure,
        /// Where its unfinished work is.
        kept: Option<PathBuf>,
    },
    /// Another process runs it now.
    Locked {
        /// The run directory.
        path: PathBuf,
        /// ` (process n)`, where known.
        owner: String,
    },
    /// Finished results would be replaced by others.
    Losses {
        /// The stages, and what differs.
        stages: Vec<(String, String)>,
        /// How another place for results is named.
        elsewhere: String,
    },
    /// A stage before `--from` has no result.
    NoResult {
        /// The stage.
        stage: String,
    },
}

impl PipelineError {
    pub(crate) fn definition(origin: Option<&Origin>, what: impl Into<String>, hint: impl Into<String>) -> Self {
        PipelineError::Definition { origin: origin.cloned(), what: what.into(), hint: hint.into() }
    }

    /// The same with the option that names another place, where the system refuses this one.
    pub(crate) fn with_place_option(self, option: &'static str) -> Self {
        match self {
            PipelineError::Store(error @ StoreError::Io { .. }) => PipelineError::Place { error, option },
            other => other,
        }
    }

    /// Where unfinished work is that somebody may want to know of.
    fn kept(&self) -> Option<&PathBuf> {
        match self {
            PipelineError::Stage { failure, kept, .. } => kept.as_ref().filter(|_| failure.kind() != FaultKind::Config),
            _ => None,
        }
    }
}

impl Fault for PipelineError {
    fn kind(&self) -> FaultKind {
        match self {
            PipelineError::Config(error) | PipelineError::Setting { error, .. } => error.kind(),
            PipelineError::Definition { .. } | PipelineError::NoResult { .. } => FaultKind::Config,
            PipelineError::Store(error) | PipelineError::Place { error, .. } => error.kind(),
            PipelineError::Stage { failure, .. } => failure.kind(),
            PipelineError::Locked { .. } => FaultKind::Runtime,
            PipelineError::Losses { .. } => FaultKind::Resume,
        }
    }

    fn details(&self) -> Details {
        match self {
            PipelineError::Config(error) => error.details(),
            PipelineError::Setting { stage, error } => {
                let mut details = error.details();
                let written = std::mem::take(&mut details.place);
                details.at(format!("stage `{stage}`")).at(written)
            }
            PipelineError::Definition { origin, what, hint } => {
                Details::new(what).at(origin.as_ref().map(Origin::to_string).unwrap_or_default()).hint(hint)
            }
            PipelineError::Store(error) => error.details(),
            PipelineError::Place { error, option } => error.details().hint(format!("{option} says where results go")),
            PipelineError::Stage { stage, failure, .. } => failure.details().at(format!("stage `{stage}`")),
            PipelineError::Locked { path, owner } => {
                Details::new(format!("{} is in use by another run{owner}", path.display()))
                    .hint("wait for it, or stop it; what it has done is kept")
            }
            PipelineError::Losses { stages, elsewhere } => {
                let each = stages.iter().map(|(stage, why)| format!("`{stage}` ({why})"));
                let force = stages.iter().map(|(stage, _)| format!("--force {stage}")).collect::<Vec<_>>().join(" ");
                Details::new("finished results were made otherwise, and would be lost")
                    .because(each.collect::<Vec<_>>().join(", "))
                    .hint(format!("replace them with `{force}`, or keep them and write elsewhere: {elsewhere}"))
            }
            PipelineError::NoResult { stage } => {
                Details::new(format!("stage `{stage}` has no result, and `--from` leaves it out"))
                    .hint(format!("run without --from, or from `{stage}` on"))
            }
        }
    }
}

impl fmt::Display for PipelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.details().fmt(f)?;
        match self.kept() {
            Some(path) => {
                write!(f, "\nits unfinished work is kept in {}; the next run goes on from there", path.display())
            }
            None => Ok(()),
        }
    }
}

impl From<ConfigError> for PipelineError {
    fn from(error: ConfigError) -> Self {
        PipelineError::Config(Box::new(error))
    }
}
