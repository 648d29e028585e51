//! Why an evaluation stops. A wrong or unreadable answer does not stop it: it is a wrong answer.

use lam_agent::{AgentError, PolicyError};
use lam_store::StoreError;

/// Why an evaluation stops.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// There is nothing to evaluate on.
    #[error("{0}")]
    Nothing(String),
    /// The policy, planner or judge cannot continue.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The episodes cannot continue.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Somebody asked to stop.
    #[error("stopped")]
    Cancelled,
}
