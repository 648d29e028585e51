//! What a policy is: states in, decisions out, many live episodes at once. Knows no model and no environment.

use lam_http::HttpError;
use lam_signal::{Details, Fault, FaultKind};
use lam_types::{Action, PolicyId, State, Tokens};

/// One question to a policy: the state, and where it stands.
///
/// Only [`Request::state`] is what the policy is told of the task; the rest says which question this is, so
/// that sampling can be seeded and a recorded answer found, whatever else is in the batch.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What the policy is told.
    pub state: &'a State,
    /// Id of the task.
    pub task_id: &'a str,
    /// Which try at this task, from 0.
    pub attempt: u32,
    /// Position in the episode, from 0.
    pub step_index: u32,
    /// Seed for sampling: a function of run seed, task, attempt and step, and of nothing else.
    pub seed: u64,
}

/// An answer that is not an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// What the policy wrote.
    pub text: String,
    /// Why it cannot be read.
    pub reason: String,
}

/// What a policy answered to one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The action, or the text that is not one.
    pub answer: Result<Action, Unreadable>,
    /// What our own model read and wrote.
    pub tokens: Option<Tokens>,
    /// Seconds from the request to its answer; those of the whole batch where a batch is answered at once.
    pub seconds: f64,
}

/// Why a policy cannot continue at all. A bad answer is not an error: it is an [`Unreadable`].
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The policy is set up wrongly.
    Config {
        /// Name of the policy.
        policy: String,
        /// What is wrong.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// Its endpoint cannot be asked from here.
    Http {
        /// Name of the policy.
        policy: String,
        /// Why not.
        error: Box<HttpError>,
    },
    /// Somebody asked to stop.
    Cancelled {
        /// Name of the policy.
        policy: String,
    },
    /// The money is spent.
    Budget {
        /// Name of the policy.
        policy: String,
        /// The limit.
        max_usd: f64,
        /// What was spent.
        spent_usd: f64,
    },
    /// The model or its endpoint failed.
    Failed {
        /// Name of the policy.
        policy: String,
        /// What happened.
        reason: String,
        /// What to do, or "".
        hint: &'static str,
    },
}

impl PolicyError {
    /// The model or its endpoint failed, and there is nothing to advise.
    pub fn failed(policy: impl Into<String>, reason: impl ToString) -> Self {
        Self::Failed { policy: policy.into(), reason: reason.to_string(), hint: "" }
    }
}

impl Fault for PolicyError {
    fn kind(&self) -> FaultKind {
        match self {
            PolicyError::Config { .. } => FaultKind::Config,
            PolicyError::Http { error, .. } => error.kind(),
            PolicyError::Cancelled { .. } => FaultKind::Cancelled,
            PolicyError::Budget { .. } => FaultKind::Budget,
            PolicyError::Failed { .. } => FaultKind::Runtime,
        }
    }

    fn details(&self) -> Details {
        match self {
            PolicyError::Config { policy, reason, hint } => {
                Details::new(format!("policy `{policy}`")).because(reason).hint(hint)
            }
            PolicyError::Http { policy, error } => error.details().at(format!("policy `{policy}`")),
            PolicyError::Cancelled { policy } => Details::new("stopped on request").at(format!("policy `{policy}`")),
            PolicyError::Budget { policy, max_usd, spent_usd } => Details::new(format!("policy `{policy}`"))
                .because(format!("budget of {max_usd} USD is spent ({spent_usd:.4} USD)"))
                .hint("raise `max_usd`; answers already paid for are cached"),
            PolicyError::Failed { policy, reason, hint } => {
                Details::new(format!("policy `{policy}` failed")).because(reason).hint(hint)
            }
        }
    }
}

lam_signal::display_details!(PolicyError);

/// Whoever answers states with actions: our model, an endpoint, a scripted expert, a recording.
pub trait Policy {
    /// Who it is; recorded with every trajectory.
    fn id(&self) -> PolicyId;

    /// One decision for each request, in their order. An answer depends on its own request only.
    ///
    /// # Errors
    /// Only when the policy cannot continue at all; the run stops there and keeps its finished episodes.
    fn decide(&mut self, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError>;
}

impl<P: Policy + ?Sized> Policy for Box<P> {
    fn id(&self) -> PolicyId {
        (**self).id()
    }

    fn decide(&mut self, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError> {
        (**self).decide(requests)
    }
}
