//! What can go wrong while generating.

use lam_signal::{Details, Fault, FaultKind};

/// Why nothing can be generated.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// A request that cannot be answered.
    Request {
        /// Field of the request.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The model's next-token scores are not finite.
    NotFinite {
        /// Position in the answer, from 0.
        position: usize,
    },
    /// A constraint that allows nothing although it is not done.
    DeadEnd {
        /// Position in the answer, from 0.
        position: usize,
        /// Why, where the constraint can say it, or "".
        reason: String,
    },
    /// A prompt or constraint cannot be made of the words.
    Prompt(#[from] lam_prompt::PromptError),
    /// The model failed.
    Model(#[from] lam_model::ModelError),
    /// A tensor operation failed.
    Tensor(#[from] candle_core::Error),
}

impl Fault for InferenceError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Model(error) => error.kind(),
            Self::Prompt(error) => error.kind(),
            _ => FaultKind::Runtime,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Request { field, reason } => Details::new(format!("`{field}` {reason}")).at("generation request"),
            Self::NotFinite { position } => {
                Details::new(format!("the model's scores for token {position} of an answer are not finite"))
                    .hint("the weights are damaged or training diverged")
            }
            Self::DeadEnd { position, reason } => Details::new(format!(
                "the constraint allows no token at position {position} of an answer, yet it is not complete"
            ))
            .because(reason),
            Self::Model(error) => error.details(),
            Self::Prompt(error) => error.details(),
            Self::Tensor(error) => Details::new(error),
        }
    }
}

lam_signal::display_details!(InferenceError);
