//! In which numbers a run computes.

use safetensors::Dtype;
use serde::{Deserialize, Serialize};

/// Precision of a run's activations and matrix products. Sums, norms, the residual stream, gradients of weights and
/// master weights are f32 in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// Everything in f32.
    #[default]
    F32,
    /// Activations are kept, and products taken, in bf16. As fast as f32 only where the processor multiplies bf16.
    Bf16,
}

impl Precision {
    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }

    /// Its name in safetensors files.
    pub(crate) fn dtype(self) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::Bf16 => Dtype::BF16,
        }
    }
}
