//! Which token may come next, so that an answer is always executable: a valid form, a function that exists, a
//! control on the screen with its own label and name, arguments of the right kind. Knows no model.

mod calls;
mod compact;
mod grammar;
mod json;
mod patience;
mod schema;
mod structured;

pub use calls::CallFormat;
pub(crate) use grammar::Grammar;
pub use structured::{OutputFormat, StructuredConstraint, StructuredOutputs};

/// Says, token by token, what may follow.
pub trait TokenConstraint: Send {
    /// The ids that may come next, ascending and without repetition; empty once the answer is done.
    fn allowed(&mut self) -> &[u32];

    /// The token that must come next, if there is only one and it is known without computing the whole mask.
    fn forced(&mut self) -> Option<u32> {
        match self.allowed() {
            [only] => Some(*only),
            _ => None,
        }
    }

    /// Whether [`TokenConstraint::allowed`] takes long the first time and keeps what it found, so that it is worth
    /// asking while the model still reads.
    fn is_costly(&self) -> bool {
        false
    }

    /// Takes the token that was chosen. Behind one that was not allowed, or with which the constraint fails, nothing is
    /// allowed, and the answer is never done.
    fn advance(&mut self, token: u32);

    /// Whether the answer is complete, its end of sequence included: one that was broken off is not.
    fn is_done(&self) -> bool;

    /// Why nothing is allowed although the answer is not done, if the constraint knows.
    fn failure(&self) -> Option<&str> {
        None
    }
}

/// Limits on the free parts of a constrained answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerLimits {
    /// Most tokens in the thought.
    pub thought_tokens: usize,
    /// Most steps in the plan.
    pub plan_steps: usize,
    /// Most tokens in one step of the plan.
    pub step_tokens: usize,
    /// Most tokens in one text argument.
    pub text_tokens: usize,
}

impl Default for AnswerLimits {
    fn default() -> Self {
        Self { thought_tokens: 48, plan_steps: 16, step_tokens: 32, text_tokens: 48 }
    }
}
