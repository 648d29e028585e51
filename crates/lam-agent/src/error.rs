//! Why a run of episodes stops. What one episode meets is data in its trajectory, not an error.

use std::path::PathBuf;

use lam_env::EnvError;
use lam_store::StoreError;

use crate::PolicyError;

/// Why a run of episodes stops.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The policy cannot continue.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The environment cannot draw the tasks that are asked for.
    #[error("{0}")]
    Draw(EnvError),
    /// A task that the environment does not know.
    #[error("{0}\nhint: the tasks were drawn from another version of the environment; draw them again")]
    Task(EnvError),
    /// No instance of the environment can be opened any more.
    #[error("{0}")]
    Environment(EnvError),
    /// The journal belongs to another run.
    #[error("{}: begun by another run: {field} was {found}, is now {expected}\nhint: remove the file to start over", path.display())]
    Resume {
        /// The journal.
        path: PathBuf,
        /// What differs.
        field: &'static str,
        /// In the journal.
        found: String,
        /// In this run.
        expected: String,
    },
    /// The journal cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody asked to stop.
    #[error("stopped after {finished} of {total} episodes")]
    Cancelled {
        /// Episodes that are complete (and in the journal, if there is one).
        finished: usize,
        /// Episodes asked for.
        total: usize,
    },
}
