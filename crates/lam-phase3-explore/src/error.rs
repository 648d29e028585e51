//! Why exploration stops.

use std::path::PathBuf;

use lam_agent::AgentError;
use lam_store::StoreError;

/// Why exploration stops.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// There is nothing to explore.
    #[error("{}: holds {found} tasks that failed, of which {skipped} are to be passed over: none is left\nhint: phase 3 explores the tasks at which the expert failed; collect more of them", path.display())]
    NoFailures {
        /// The file of failures.
        path: PathBuf,
        /// Failed tasks in all files.
        found: usize,
        /// How many of them the configuration passes over.
        skipped: usize,
    },
    /// Every try succeeded or every try failed to start.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
