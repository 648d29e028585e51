//! What a forward pass of training is for. Knows no model.

/// What the loss is computed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// For a gradient; dropout draws from this seed.
    Train {
        /// Differs for every micro-batch.
        seed: u64,
    },
    /// For its value only.
    Evaluate,
}
