//! A cross-entropy as a loss: what candle's tape needs of it at once, and its value, which may come later.

use std::sync::Arc;

use candle_core::Tensor;
use lam_learn::Awaited;

use crate::ModelError;
use crate::backend::ops::cross_entropy::Statistics;

/// Sum over targets of weight × cross-entropy, with the number of targets whose token was the most probable one.
#[derive(Clone, Debug)]
pub struct CrossEntropy {
    tape: Tensor,
    value: Value,
}

/// Where the value is.
#[derive(Clone, Debug)]
enum Value {
    /// On the tape; and what else is known of the targets.
    Known(Statistics),
    /// On a device, with the hits behind it.
    Late(Arc<dyn Awaited>),
}

impl CrossEntropy {
    pub(crate) fn known(tape: Tensor, statistics: Statistics) -> Self {
        Self { tape, value: Value::Known(statistics) }
    }

    pub(crate) fn late(tape: Tensor, numbers: Arc<dyn Awaited>) -> Self {
        Self { tape, value: Value::Late(numbers) }
    }

    /// The loss on candle's tape, for its backward. Its value is not a number where a device still computes it.
    /// Shape: [].
    pub fn tape(&self) -> &Tensor {
        &self.tape
    }

    /// Whether [`Self::wait`] does not wait.
    pub fn is_known(&self) -> bool {
        matches!(self.value, Value::Known(_))
    }

    /// Sum over the targets of the entropies of what may follow, in nats; none on a device, which does not compute them.
    pub fn entropy(&self) -> Option<f64> {
        match &self.value {
            Value::Known(known) => Some(known.entropy),
            Value::Late(_) => None,
        }
    }

    /// The loss and the hits. Waits for the device that computes them: for a step of training, after all of it was asked for.
    ///
    /// # Errors
    /// When the device fails.
    pub fn wait(&self) -> Result<(f64, usize), ModelError> {
        match &self.value {
            Value::Known(known) => Ok((f64::from(self.tape.to_scalar::<f32>()?), known.correct)),
            Value::Late(numbers) => {
                let numbers = numbers.wait()?;
                Ok((f64::from(numbers[0]), numbers[1] as usize))
            }
        }
    }
}
