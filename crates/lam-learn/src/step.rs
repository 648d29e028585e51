//! What a step of AdamW is given, wherever the parameters are.

/// Settings of the optimizer; the learning rate comes with each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// First moment's decay.
    pub beta1: f64,
    /// Second moment's decay.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub eps: f64,
    /// Decoupled decay of matrices. Vectors (norms, biases) never decay.
    pub weight_decay: f64,
}

/// A step of [`crate::AdamW`], for parameters elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWStep {
    /// The optimizer's settings. Weight decay is for matrices only.
    pub config: AdamWConfig,
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// 1 − β₁ᵗ and 1 − β₂ᵗ.
    pub corrections: (f64, f64),
    /// What the sums of the gradients are multiplied by: one over the weight of their losses, and clipping.
    pub scale: f64,
}
