//! Why a run of episodes stops. What one episode meets is data in its trajectory, not an error.

use std::path::PathBuf;

use lam_env::EnvError;
use lam_signal::{Details, Fault, FaultKind};
use lam_store::StoreError;
use lam_types::Trajectory;

use crate::PolicyError;

/// Why a run of episodes stops.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The policy cannot continue.
    Policy(#[from] PolicyError),
    /// The environment cannot draw the tasks that are asked for.
    Draw(EnvError),
    /// A task that the environment does not know.
    Task(EnvError),
    /// No instance of the environment can be opened any more.
    Environment(EnvError),
    /// Every episode was ended by its environment: nothing was learned of the policy.
    AllDied {
        /// The episodes, as far as they came.
        trajectories: Vec<Trajectory>,
        /// What ended the last one.
        error: EnvError,
    },
    /// The journal belongs to another run.
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
    Store(#[from] StoreError),
    /// Somebody asked to stop.
    Cancelled {
        /// Episodes that are complete (and in the journal, if there is one).
        finished: usize,
        /// Episodes asked for.
        total: usize,
    },
}

impl Fault for AgentError {
    fn kind(&self) -> FaultKind {
        match self {
            AgentError::Policy(error) => error.kind(),
            AgentError::Draw(error) => error.kind(),
            AgentError::Task(_) => FaultKind::Data,
            AgentError::Environment(_) | AgentError::AllDied { .. } => FaultKind::Runtime,
            AgentError::Resume { .. } => FaultKind::Resume,
            AgentError::Store(error) => error.kind(),
            AgentError::Cancelled { .. } => FaultKind::Cancelled,
        }
    }

    fn details(&self) -> Details {
        match self {
            AgentError::Policy(error) => error.details(),
            AgentError::Draw(error) | AgentError::Environment(error) => error.details(),
            AgentError::AllDied { trajectories, error } => {
                let details = error.details();
                match trajectories.len() {
                    1 => details,
                    count => details.at(format!("{count} of {count} episodes")),
                }
            }
            AgentError::Task(error) => {
                error.details().hint("the tasks were drawn from another version of the environment; draw them again")
            }
            AgentError::Resume { path, field, found, expected } => {
                Details::new(format!("begun by another run: {field} was {found}, is now {expected}"))
                    .at(path.display())
                    .hint("remove the file to start over")
            }
            AgentError::Store(error) => error.details(),
            AgentError::Cancelled { finished, total } => {
                Details::new(format!("stopped after {finished} of {total} episodes"))
            }
        }
    }
}

lam_signal::display_details!(AgentError);
