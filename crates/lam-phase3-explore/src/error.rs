//! Why exploration stops.

use std::path::PathBuf;

use lam_agent::AgentError;
use lam_signal::{Details, Fault, FaultKind};
use lam_store::StoreError;

/// Why exploration stops.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// There is nothing to explore.
    NoFailures {
        /// The file of failures.
        path: PathBuf,
        /// Failed tasks in all files.
        found: usize,
        /// How many of them the configuration passes over.
        skipped: usize,
    },
    /// Every try succeeded or every try failed to start.
    Agent(#[from] AgentError),
    /// A file cannot be read or written.
    Store(#[from] StoreError),
}

impl Fault for ExploreError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::NoFailures { .. } => FaultKind::Data,
            Self::Agent(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NoFailures { path, found, skipped } => Details::new(format!(
                "holds {found} tasks that failed, of which {skipped} are to be passed over: none is left"
            ))
            .at(path.display())
            .hint("phase 3 explores the tasks at which the expert failed; collect more of them"),
            Self::Agent(error) => error.details(),
            Self::Store(error) => error.details(),
        }
    }
}

lam_signal::display_details!(ExploreError);
