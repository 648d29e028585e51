//! Why a collection stops. A bad record does not stop it: it is counted and kept aside.

use lam_agent::AgentError;
use lam_signal::{Details, Fault, FaultKind};
use lam_store::StoreError;

/// Why a collection stops.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// A value of the configuration that cannot be used.
    Config {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is wrong.
        reason: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// The collection would be empty.
    Nothing {
        /// What was looked for in vain.
        what: String,
        /// What to do.
        hint: String,
    },
    /// The episodes had to stop.
    Agent(#[from] AgentError),
    /// A file cannot be read or written.
    Store(#[from] StoreError),
    /// A stop was requested.
    Cancelled,
}

impl Fault for CollectError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Config { .. } => FaultKind::Config,
            Self::Nothing { .. } => FaultKind::Data,
            Self::Agent(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Cancelled => FaultKind::Cancelled,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Config { key, value, reason, hint } => {
                Details::new(format!("`{key}`")).found(value).because(reason).hint(hint)
            }
            Self::Nothing { what, hint } => Details::new(what).hint(hint),
            Self::Agent(error) => error.details(),
            Self::Store(error) => error.details(),
            Self::Cancelled => Details::new("stopped on request"),
        }
    }
}

lam_signal::display_details!(CollectError);
