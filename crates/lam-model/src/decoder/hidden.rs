//! Hidden states, where the decoder computed them. What is made of them is small and goes on candle's tape.

use candle_core::Tensor;

use super::on_cuda::CudaHidden;
use crate::ModelError;

/// Hidden states of a batch after the final norm. Shape: [T, D].
#[derive(Clone, Debug)]
pub struct Hidden {
    pub(crate) states: States,
}

/// On which device they are.
#[derive(Clone, Debug)]
pub(crate) enum States {
    /// On candle's tape.
    Cpu(Tensor),
    /// On a CUDA device, with a thread on candle's tape.
    Cuda(CudaHidden),
}

impl Hidden {
    pub(crate) fn on_cpu(tensor: Tensor) -> Self {
        Self { states: States::Cpu(tensor) }
    }

    /// Number of tokens.
    pub fn tokens(&self) -> usize {
        match &self.states {
            States::Cpu(tensor) => tensor.dims()[0],
            States::Cuda(hidden) => hidden.tokens(),
        }
    }

    /// The values in the processor's memory; on the tape where they were computed there. Shape: [T, D].
    ///
    /// # Errors
    /// When they cannot be fetched.
    pub fn to_tensor(&self) -> Result<Tensor, ModelError> {
        match &self.states {
            States::Cpu(tensor) => Ok(tensor.clone()),
            States::Cuda(hidden) => Ok(hidden.to_tensor()?),
        }
    }

    /// Refuses positions outside.
    pub(crate) fn check(&self, positions: &[usize]) -> Result<(), ModelError> {
        let count = self.tokens();
        match positions.iter().find(|&&position| position >= count) {
            None => Ok(()),
            Some(position) => {
                Err(ModelError::batch(format!("position {position} is outside the {count} hidden states"), ""))
            }
        }
    }
}
