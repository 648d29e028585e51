//! Loss and backward of one micro-batch, and one optimizer step's gradient: the sum over its micro-batches, divided once
//! by the weight of all of them.

use std::collections::BTreeSet;

use candle_core::{Tensor, Var};

use crate::{BatchLoss, Metrics, Pass, TrainModule, TrainerError};

/// The gradient of one micro-batch and what it was computed from.
pub struct BatchGradient {
    /// Value of the loss's [`loss_sum`](crate::BatchLoss::loss_sum).
    pub loss_sum: f64,
    /// The loss's [`weight`](crate::BatchLoss::weight).
    pub weight: f64,
    /// The loss's [`metrics`](crate::BatchLoss::metrics).
    pub metrics: Metrics,
    /// Gradient of the sum by each variable whose gradient is not on a device, in the order of
    /// [`TrainModule::variables`].
    pub gradients: Vec<Option<Tensor>>,
}

impl BatchGradient {
    /// The gradient of a module's loss, with its value: waits for a device that computes it.
    ///
    /// # Errors
    /// As [`TrainModule::loss`].
    pub fn of<M: TrainModule>(module: &M, batch: &[M::Sample], pass: Pass) -> Result<Self, TrainerError> {
        QueuedBatch::of(module, batch, pass)?.wait()
    }
}

/// A micro-batch whose backward was asked for: what it came to may still be on a device.
pub(crate) struct QueuedBatch {
    loss: BatchLoss,
    gradients: Vec<Option<Tensor>>,
}

impl QueuedBatch {
    pub(crate) fn of<M: TrainModule>(module: &M, batch: &[M::Sample], pass: Pass) -> Result<Self, TrainerError> {
        let loss = module.loss(batch, pass)?;
        let mut store = loss.loss_sum.tape().backward()?;
        let gradients =
            host_variables(module).iter().map(|(_, variable)| store.remove(variable).map(|g| g.detach())).collect();
        Ok(Self { loss, gradients })
    }

    /// Whether [`QueuedBatch::wait`] does not wait.
    pub(crate) fn is_known(&self) -> bool {
        self.loss.loss_sum.is_known()
    }

    pub(crate) fn wait(self) -> Result<BatchGradient, TrainerError> {
        let (loss_sum, metrics) = self.loss.wait()?;
        Ok(BatchGradient { loss_sum, weight: self.loss.weight, metrics, gradients: self.gradients })
    }
}

/// The variables whose gradients candle's tape gives; those of the others are added up on their device.
pub(crate) fn host_variables<M: TrainModule>(module: &M) -> Vec<(String, Var)> {
    let mut variables = module.variables();
    if let Some(device) = module.device_parameters() {
        let there: BTreeSet<String> = device.names().into_iter().collect();
        variables.retain(|(name, _)| !there.contains(name));
    }
    variables
}

/// The sum of micro-batches.
#[derive(Default)]
pub(crate) struct GradientAccumulator {
    gradients: Vec<Option<Tensor>>,
    loss_sum: f64,
    weight: f64,
    late: Vec<(BatchLoss, Vec<String>)>,
    /// Metrics of all the micro-batches.
    pub(crate) metrics: Metrics,
    /// Their samples, for errors.
    pub(crate) sample_ids: Vec<String>,
}

impl GradientAccumulator {
    /// Adds a micro-batch.
    pub(crate) fn add(&mut self, batch: BatchGradient, sample_ids: Vec<String>) -> Result<(), TrainerError> {
        self.add_value(batch.loss_sum, &batch.metrics);
        self.add_gradients(batch.weight, batch.gradients, sample_ids)
    }

    /// Adds a micro-batch whose value comes later: it is among [`GradientAccumulator::take_late`].
    pub(crate) fn add_late(&mut self, batch: QueuedBatch, sample_ids: Vec<String>) -> Result<(), TrainerError> {
        let weight = batch.loss.weight;
        self.late.push((batch.loss, sample_ids.clone()));
        self.add_gradients(weight, batch.gradients, sample_ids)
    }

    /// The losses of micro-batches whose values are not among the sums, with the names of their samples.
    pub(crate) fn take_late(&mut self) -> Vec<(BatchLoss, Vec<String>)> {
        std::mem::take(&mut self.late)
    }

    /// Adds a micro-batch's value.
    pub(crate) fn add_value(&mut self, loss_sum: f64, metrics: &Metrics) {
        self.loss_sum += loss_sum;
        self.metrics.merge(metrics);
    }

    fn add_gradients(
        &mut self,
        weight: f64,
        gradients: Vec<Option<Tensor>>,
        sample_ids: Vec<String>,
    ) -> Result<(), TrainerError> {
        self.weight += weight;
        self.sample_ids.extend(sample_ids);
        if self.gradients.is_empty() {
            self.gradients = gradients;
            return Ok(());
        }
        for (sum, gradient) in self.gradients.iter_mut().zip(gradients) {
            *sum = match (sum.take(), gradient) {
                (Some(sum), Some(gradient)) => Some((sum + gradient)?),
                (sum, gradient) => sum.or(gradient),
            };
        }
        Ok(())
    }

    /// Mean loss a trained token.
    pub(crate) fn loss(&self) -> f64 {
        self.loss_sum / self.weight
    }

    /// What the loss is divided by.
    pub(crate) fn weight(&self) -> f64 {
        self.weight
    }

    /// Gradients of the mean loss, in the order of the variables.
    pub(crate) fn mean_gradients(&mut self, variables: &[(String, Var)]) -> Result<Vec<Tensor>, TrainerError> {
        let gradients = std::mem::take(&mut self.gradients);
        let mean = |((name, _), gradient): (&(String, Var), Option<Tensor>)| {
            let gradient = gradient.ok_or_else(|| TrainerError::NoGradient { name: name.clone() })?;
            Ok((gradient / self.weight)?)
        };
        variables.iter().zip(gradients).map(mean).collect()
    }
}
