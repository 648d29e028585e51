//! Parameters that stay on a device, which adds up their gradients and steps them itself. Knows no device.

use std::fmt::Debug;
use std::sync::Arc;

use candle_core::{Result, Tensor};

use crate::AdamWStep;

/// Numbers that a device may still be computing.
pub trait Awaited: Debug + Send + Sync {
    /// The numbers; waits until they are there.
    ///
    /// # Errors
    /// When the device fails.
    fn wait(&self) -> Result<Vec<f32>>;
}

/// Trained parameters with their gradients and moments on a device. Their variables in the processor's memory have the
/// same names; they are brought up to date when somebody wants to read them.
pub trait DeviceParameters: Debug + Send + Sync {
    /// Names of those that are trained, in the order of the forward pass.
    fn names(&self) -> Vec<String>;
    /// From now on, these alone are trained.
    ///
    /// # Errors
    /// When the device fails.
    fn train_only(&self, names: &[String]) -> Result<()>;
    /// Starts the sums of the gradients at zero.
    ///
    /// # Errors
    /// When the device fails.
    fn clear_gradients(&self) -> Result<()>;
    /// Sum of the squares of all gradients.
    ///
    /// # Errors
    /// When the device fails.
    fn squared_norm(&self) -> Result<f64>;
    /// One step of all of them.
    ///
    /// # Errors
    /// When the device fails.
    fn step(&self, step: &AdamWStep) -> Result<()>;
    /// One step of all of them, with gradients that are first multiplied by the step's scale and then clipped to the global
    /// norm `max_norm` (0: not clipped). Where that norm is no number, nothing moves. Nobody waits: the sum of the squares of
    /// the gradients, unscaled, comes later. Shape: `[1]`.
    ///
    /// # Errors
    /// When the device fails.
    fn clip_and_step(&self, step: &AdamWStep, max_norm: f64) -> Result<Arc<dyn Awaited>>;
    /// Name, first and second moment of each.
    ///
    /// # Errors
    /// When the device fails.
    fn moments(&self) -> Result<Vec<(String, Tensor, Tensor)>>;
    /// Takes over the moments of [`DeviceParameters::moments`].
    ///
    /// # Errors
    /// When one is missing or of another shape, or the device fails.
    fn load_moments(&self, moments: Vec<(String, Tensor, Tensor)>) -> Result<()>;
}
