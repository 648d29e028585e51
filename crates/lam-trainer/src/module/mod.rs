//! How a batch becomes a loss: the one thing that a phase hands to the loop.

pub(crate) mod decoder;
pub(crate) mod plan;
pub(crate) mod reward;
pub(crate) mod supervised;

use std::path::Path;

use candle_core::{Tensor, Var};
use serde_json::Value;

use crate::{MemoryPlan, Metrics, Sample, TrainerError};

/// The loss of one micro-batch, not yet divided by anything.
#[derive(Clone, Debug)]
pub struct BatchLoss {
    /// Weighted sum of the losses of the batch. Shape: [].
    pub loss_sum: Tensor,
    /// Sum of the weights: trained tokens, or scored samples. The step's loss is divided by the sum of these.
    pub weight: f64,
    /// What else is worth logging.
    pub metrics: Metrics,
}

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

/// The gradient of one micro-batch and what it was computed from.
pub struct BatchGradient {
    /// Value of [`BatchLoss::loss_sum`].
    pub loss_sum: f64,
    /// As [`BatchLoss::weight`].
    pub weight: f64,
    /// As [`BatchLoss::metrics`].
    pub metrics: Metrics,
    /// Gradient of the sum by each variable, in the order of [`TrainModule::variables`].
    pub gradients: Vec<Option<Tensor>>,
}

/// How a batch becomes a loss.
pub trait TrainModule {
    /// What it trains on.
    type Sample: Sample;

    /// The loss of a micro-batch.
    ///
    /// # Errors
    /// When the model fails, or a sample cannot be used.
    fn loss(&mut self, batch: &[Self::Sample], pass: Pass) -> Result<BatchLoss, TrainerError>;

    /// What is trained, by the names it has on disk, always in the same order.
    fn variables(&self) -> Vec<(String, Var)>;

    /// The gradient of a micro-batch: the tape's, unless the module has a better way.
    ///
    /// # Errors
    /// As [`TrainModule::loss`].
    fn gradient(&mut self, batch: &[Self::Sample], pass: Pass) -> Result<BatchGradient, TrainerError> {
        let loss = self.loss(batch, pass)?;
        let mut store = loss.loss_sum.backward()?;
        let gradients =
            self.variables().iter().map(|(_, variable)| store.remove(variable).map(|g| g.detach())).collect();
        let loss_sum = f64::from(loss.loss_sum.to_scalar::<f32>()?);
        Ok(BatchGradient { loss_sum, weight: loss.weight, metrics: loss.metrics, gradients })
    }

    /// Asks for activations to be computed again in the backward pass instead of being kept.
    fn set_gradient_checkpointing(&mut self, _on: bool) {}

    /// Keeps activations and takes matrix products in bf16 from now on.
    ///
    /// # Errors
    /// When the module knows no bf16.
    fn set_bf16(&mut self) -> Result<(), TrainerError> {
        let reason = "what is trained here knows f32 only".into();
        Err(TrainerError::Arguments { key: "bf16", value: "true".into(), reason })
    }

    /// Computes what the samples of a batch begin with alike once from now on; no sample has more than `max_length` tokens.
    ///
    /// # Errors
    /// When the module's samples share nothing, or the model cannot share rows of such lengths.
    fn share_prefixes(&mut self, _max_length: usize) -> Result<(), TrainerError> {
        let reason = "what is trained here shares no prefixes".into();
        Err(TrainerError::Arguments { key: "share_prefixes", value: "true".into(), reason })
    }

    /// Called after each optimizer step with the means over it.
    fn after_step(&mut self, _step: u64, _metrics: &Metrics) {}

    /// File of a checkpoint that the variables go into.
    fn weights_file(&self) -> &'static str {
        "model.safetensors"
    }

    /// Writes what belongs beside the weights, such as `config.json` or `adapter_config.json`.
    ///
    /// # Errors
    /// When the directory cannot be written.
    fn save_description(&self, _directory: &Path) -> Result<(), TrainerError> {
        Ok(())
    }

    /// What the following losses depend on besides the variables, such as a coefficient that adapts.
    fn state(&self) -> Value {
        Value::Null
    }

    /// Goes on from [`TrainModule::state`].
    ///
    /// # Errors
    /// When the state is not one of this module.
    fn restore(&mut self, _state: &Value) -> Result<(), TrainerError> {
        Ok(())
    }

    /// What one micro-batch at a time will need, were it the longest. The default knows the variables and what AdamW keeps of them.
    fn memory_plan(&self, _longest_batch: &[Self::Sample]) -> MemoryPlan {
        MemoryPlan::of_variables(&self.variables())
    }
}
