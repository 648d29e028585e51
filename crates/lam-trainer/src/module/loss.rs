//! The sum of a batch's losses: a value, or one that a device is still computing.

use candle_core::Tensor;
use lam_model::CrossEntropy;

use crate::TrainerError;

/// Weighted sum of the losses of a batch.
#[derive(Clone, Debug)]
pub enum LossSum {
    /// Of any kind, with its value. Shape: [].
    Known(Tensor),
    /// Cross-entropy, each target of weight 1; its value may come later than its backward.
    CrossEntropy(CrossEntropy),
}

impl From<Tensor> for LossSum {
    fn from(tensor: Tensor) -> Self {
        Self::Known(tensor)
    }
}

impl LossSum {
    /// The sum on candle's tape, for its backward; its value is [`LossSum::wait`]'s to tell. Shape: [].
    pub fn tape(&self) -> &Tensor {
        match self {
            Self::Known(tensor) => tensor,
            Self::CrossEntropy(loss) => loss.tape(),
        }
    }

    /// Whether [`LossSum::wait`] does not wait.
    pub fn is_known(&self) -> bool {
        match self {
            Self::Known(_) => true,
            Self::CrossEntropy(loss) => loss.is_known(),
        }
    }

    /// Sum over the targets of the entropies of what may follow, in nats, where they were computed.
    pub fn entropy(&self) -> Option<f64> {
        match self {
            Self::Known(_) => None,
            Self::CrossEntropy(loss) => loss.entropy(),
        }
    }

    /// The value, and of how many targets the token was the most probable one, where that was counted. Waits for a device
    /// that computes them.
    ///
    /// # Errors
    /// When the device fails.
    pub fn wait(&self) -> Result<(f64, Option<usize>), TrainerError> {
        match self {
            Self::Known(tensor) => Ok((f64::from(tensor.to_scalar::<f32>()?), None)),
            Self::CrossEntropy(loss) => {
                let (sum, hits) = loss.wait()?;
                Ok((sum, Some(hits)))
            }
        }
    }
}
