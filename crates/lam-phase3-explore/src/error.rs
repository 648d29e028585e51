//! Why exploration stops.

use std::path::PathBuf;

use lam_agent::AgentError;
use lam_store::StoreError;

/// Why exploration stops.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// There is nothing to explore.
    #[error("{}: holds no failed trajectory\nhint: phase 3 explores the tasks at which the expert failed; collect more of them", path.display())]
    NoFailures {
        /// The file of failures.
        path: PathBuf,
    },
    /// Every try succeeded or every try failed to start.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}
