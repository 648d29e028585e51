//! A decoder on a device: parameters that stay there, and their variables in the processor's memory.

use std::sync::Arc;

use lam_learn::DeviceParameters;

use super::Decoder;
use crate::ModelError;

impl Decoder {
    /// Those of [`Decoder::variables`] whose values, gradients and moments are on a device: their gradients do not come
    /// over candle's tape.
    pub fn device_parameters(&self) -> Option<Arc<dyn DeviceParameters>> {
        None
    }

    /// Brings the variables up to date with what a device holds, before they are read.
    ///
    /// # Errors
    /// When the device fails.
    pub fn fetch_variables(&self) -> Result<(), ModelError> {
        Ok(())
    }

    /// Brings a device up to date with the variables, after they were written.
    ///
    /// # Errors
    /// When the device fails.
    pub fn send_variables(&self) -> Result<(), ModelError> {
        Ok(())
    }
}
