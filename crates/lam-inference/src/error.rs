//! What can go wrong while generating.

/// Why nothing can be generated.
#[derive(Debug, thiserror::Error)]
pub enum InferenceError {
    /// A request that cannot be answered.
    #[error("generation request: `{field}` {reason}")]
    Request {
        /// Field of the request.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The model's next-token scores are not finite.
    #[error(
        "the model's scores for token {position} of an answer are not finite\nhint: the weights are damaged or training diverged"
    )]
    NotFinite {
        /// Position in the answer, from 0.
        position: usize,
    },
    /// A constraint that allows nothing although it is not done.
    #[error(
        "the constraint allows no token at position {position} of an answer, yet it is not complete{}",
        because(reason)
    )]
    DeadEnd {
        /// Position in the answer, from 0.
        position: usize,
        /// Why, where the constraint can say it, or "".
        reason: String,
    },
    /// The model failed.
    #[error(transparent)]
    Model(#[from] lam_model::ModelError),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {reason}") }
}
