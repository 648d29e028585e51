//! Why a collection stops. A bad record does not stop it: it is counted and kept aside.

use lam_agent::AgentError;
use lam_store::StoreError;

/// Why a collection stops.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// A value of the configuration that cannot be used.
    #[error("collect: {key} = {value}: {reason}")]
    Config {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is wrong, with a hint.
        reason: String,
    },
    /// The collection would be empty.
    #[error("{0}")]
    Nothing(String),
    /// The episodes had to stop.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stop was requested.
    #[error("stopped")]
    Cancelled,
}
