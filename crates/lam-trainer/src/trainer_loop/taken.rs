//! A step whose work was asked for: what it came to is checked, logged and shown when it is known.
//!
//! A device is asked for a step's whole work, and for its figures behind that, before anybody waits: the loop prepares the
//! next step meanwhile, asks for that, and then waits for the figures of the one before. Nothing that was not checked is
//! written: before an evaluation, a checkpoint or a stop, the last step is settled. A step whose gradient is not finite has
//! moved nothing, on a device as here; one that was asked for behind it goes with the run, which ends.

use std::sync::Arc;

use lam_learn::Awaited;

use super::TrainerLoop;
use crate::gradient_accumulator::GradientAccumulator;
use crate::{TrainModule, TrainerError};

/// A step that was taken, and what it stood at then.
pub(super) struct TakenStep {
    /// Its number, from 1.
    pub(super) step: u64,
    /// Epochs given out.
    pub(super) epoch: f32,
    /// Input tokens read.
    pub(super) num_tokens: u64,
    pub(super) learning_rate: f64,
    pub(super) sum: GradientAccumulator,
    pub(super) norm: Norm,
    /// Whether a record is due.
    pub(super) is_recorded: bool,
}

/// The gradient's global norm, before clipping.
pub(super) enum Norm {
    Known(f64),
    /// The sum of the squares of what is still to be multiplied by `scale`.
    Late {
        squares: Arc<dyn Awaited>,
        scale: f64,
    },
}

impl Norm {
    fn wait(&self) -> Result<f64, TrainerError> {
        match self {
            Self::Known(norm) => Ok(*norm),
            Self::Late { squares, scale } => Ok((f64::from(squares.wait()?[0]) * scale * scale).sqrt()),
        }
    }
}

impl TakenStep {
    /// Whether a device may still be at it.
    pub(super) fn is_late(&self) -> bool {
        matches!(self.norm, Norm::Late { .. })
    }

    /// Waits for the figures and checks them; returns the norm.
    fn wait(&mut self) -> Result<f64, TrainerError> {
        // It was asked for last: with it, the losses are there.
        let norm = self.norm.wait()?;
        add_late_values(&mut self.sum, self.step)?;
        refuse_not_finite(self.step, "loss", self.sum.loss(), &self.sum.sample_ids)?;
        refuse_not_finite(self.step, "grad_norm", norm, &self.sum.sample_ids)?;
        Ok(norm)
    }
}

/// Adds the values of micro-batches that come later, in their order; refuses the first that is not finite.
pub(super) fn add_late_values(sum: &mut GradientAccumulator, step: u64) -> Result<(), TrainerError> {
    for (loss, sample_ids) in sum.take_late() {
        let (value, metrics) = loss.wait()?;
        refuse_not_finite(step, "loss", value, &sample_ids)?;
        sum.add_value(value, &metrics);
    }
    Ok(())
}

/// Refuses a figure of a step that is not finite.
pub(super) fn refuse_not_finite(
    step: u64,
    what: &'static str,
    value: f64,
    sample_ids: &[String],
) -> Result<(), TrainerError> {
    if value.is_finite() {
        return Ok(());
    }
    Err(TrainerError::NotFinite { step, what, value, sample_ids: sample_ids.to_vec() })
}

impl<M: TrainModule> TrainerLoop<'_, M> {
    /// Waits for the figures of the last step, checks, counts, shows and records them.
    pub(super) fn settle(&mut self) -> Result<(), TrainerError> {
        let Some(mut taken) = self.unsettled.take() else { return Ok(()) };
        let norm = taken.wait();
        let norm = norm.inspect_err(|error| self.tell_batch(error, taken.step, &taken.sum.sample_ids))?;
        let mut metrics = taken.sum.metrics.take();
        metrics.add("grad_norm", norm, 1.0);
        metrics.add("loss", taken.sum.loss() * taken.sum.weight(), taken.sum.weight());
        self.state.since_last_record.merge(&metrics);
        self.report(&taken, &metrics);
        if taken.is_recorded { self.record_training(&taken) } else { Ok(()) }
    }
}
