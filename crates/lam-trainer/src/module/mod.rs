//! How a batch becomes a loss: the one thing that a phase hands to the loop.

pub(crate) mod backbone;
pub(crate) mod loss;
pub(crate) mod pass;
pub(crate) mod plan;
pub(crate) mod reward;
pub(crate) mod supervised;

use std::sync::Arc;

use candle_core::Var;
use lam_learn::DeviceParameters;
use serde_json::Value;

use crate::{Backbone, ForeignState, LossSum, Metrics, Pass, Sample, TrainerError};

/// The loss of one micro-batch, not yet divided by anything.
#[derive(Clone, Debug)]
pub struct BatchLoss {
    /// Weighted sum of the losses of the batch.
    pub loss_sum: LossSum,
    /// Sum of the weights: trained tokens, or scored samples. The step's loss is divided by the sum of these.
    pub weight: f64,
    /// What else is worth logging, as far as it is known already: see [`BatchLoss::wait`].
    pub metrics: Metrics,
}

impl BatchLoss {
    /// The value of the sum, and all that is worth logging. Waits for a device that computes it.
    ///
    /// # Errors
    /// When the device fails.
    pub fn wait(&self) -> Result<(f64, Metrics), TrainerError> {
        let (loss_sum, hits) = self.loss_sum.wait()?;
        let mut metrics = self.metrics.clone();
        if let Some(hits) = hits {
            metrics.add("mean_token_accuracy", hits as f64, self.weight);
        }
        if let Some(entropy) = self.loss_sum.entropy() {
            metrics.add("entropy", entropy, self.weight);
        }
        Ok((loss_sum, metrics))
    }
}

/// How a batch becomes a loss.
pub trait TrainModule {
    /// What it trains on.
    type Sample: Sample;

    /// The loss of a micro-batch. It depends on the variables, the module's state and the arguments, and changes nothing.
    ///
    /// # Errors
    /// When the model fails, or a sample cannot be used.
    fn loss(&self, batch: &[Self::Sample], pass: Pass) -> Result<BatchLoss, TrainerError>;

    /// What is trained, by the names it has on disk, always in the same order.
    fn variables(&self) -> Vec<(String, Var)>;

    /// The decoder that is trained, if it is one.
    fn backbone(&self) -> Option<&Backbone> {
        None
    }

    /// The decoder that is trained, for the loop to set up.
    fn backbone_mut(&mut self) -> Option<&mut Backbone> {
        None
    }

    /// Those of the variables whose values, gradients and moments are on a device.
    fn device_parameters(&self) -> Option<Arc<dyn DeviceParameters>> {
        self.backbone().and_then(|backbone| backbone.decoder().device_parameters())
    }

    /// Called before the loss of each micro-batch of training. Here alone may the state change. Returns what is worth
    /// logging of that.
    ///
    /// # Errors
    /// When the model fails.
    fn before_batch(&mut self, _batch: &[Self::Sample]) -> Result<Metrics, TrainerError> {
        Ok(Metrics::default())
    }

    /// What the following losses depend on besides the variables, such as a coefficient that adapts.
    fn state(&self) -> Value {
        Value::Null
    }

    /// Resumes from [`TrainModule::state`].
    ///
    /// # Errors
    /// When the state is not one of this module.
    fn restore(&mut self, _state: &Value) -> Result<(), ForeignState> {
        Ok(())
    }
}
