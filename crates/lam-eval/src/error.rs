//! Why an evaluation stops. A wrong or unreadable answer does not stop it: it is a wrong answer.

use lam_agent::{AgentError, PolicyError};
use lam_signal::{Details, Fault, FaultKind};
use lam_store::StoreError;

/// Why an evaluation stops.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// There is nothing to evaluate on.
    Nothing(String),
    /// There are trajectories, so many, and all of them are of the training set.
    OnlyTraining(usize),
    /// The policy, planner or judge cannot continue.
    Policy(#[from] PolicyError),
    /// The episodes cannot continue.
    Agent(#[from] AgentError),
    /// A file cannot be read or written.
    Store(#[from] StoreError),
    /// Somebody asked to stop.
    Cancelled,
}

impl Fault for EvalError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Nothing(_) | Self::OnlyTraining(_) => FaultKind::Data,
            Self::Policy(error) => error.kind(),
            Self::Agent(error) => error.kind(),
            Self::Store(error) => error.kind(),
            Self::Cancelled => FaultKind::Cancelled,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Nothing(what) => Details::new(what),
            Self::OnlyTraining(count) => {
                let what = format!("step evaluation: all {count} successful trajectories are of the training set");
                Details::new(what).because("a model is not measured on what it was trained on").hint(
                    "give trajectories of the test set (imported recordings are, below a folder called `test`), or set \
                     `allow_train = true`: then the rows say so",
                )
            }
            Self::Policy(error) => error.details(),
            Self::Agent(error) => error.details(),
            Self::Store(error) => error.details(),
            Self::Cancelled => Details::new("stopped on request"),
        }
    }
}

lam_signal::display_details!(EvalError);
