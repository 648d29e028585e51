//! A decoder on a device: parameters that stay there, and their variables in the processor's memory.

use std::sync::Arc;

use lam_learn::DeviceParameters;

use super::Decoder;
use super::build::stays_in_its_file;
use super::on_cuda::OnCuda;
use crate::backend::storage::weight::Weight;
use crate::device::check_shape;
use crate::{Device, ModelError};

impl Decoder {
    /// Brings the network to a device, on which it computes from now on. What is trained, the precision and whether tapes
    /// are kept must have been said before. Weights that were left in their files stay there, and are read when they are
    /// merged or saved; those in the processor's memory stay there, under their names.
    ///
    /// # Errors
    /// When it does not fit, or the device cannot compute such a model.
    pub fn to_device(&mut self, device: &Device) -> Result<(), ModelError> {
        // What it has of a device it gives back first.
        self.on_cuda = None;
        self.on_cuda = match device {
            Device::Cpu => {
                self.hold()?;
                None
            }
            Device::Cuda(device) => {
                check_shape(&self.config)?;
                Some(Arc::new(OnCuda::new(device, &self.stack, self.head.as_ref(), self.checkpointing)?))
            }
        };
        Ok(())
    }

    /// Reads every weight that is still in its file, but for a large embedding, of which rows are read when they are used.
    fn hold(&mut self) -> Result<(), ModelError> {
        let reads_rows = self.reads_rows();
        let stack = Arc::make_mut(&mut self.stack);
        if !reads_rows {
            stack.embedding.hold()?;
        }
        let mut others = stack.weights_mut().skip(1).chain(&mut self.head);
        Ok(others.try_for_each(Weight::hold)?)
    }

    /// Whether rows of the embedding are read from its file when the processor uses them.
    fn reads_rows(&self) -> bool {
        stays_in_its_file(self.stack.embedding.len(), self.head.is_some())
    }

    /// Bytes that the weights take in memory, of the device's or of the processor's, adapters included.
    pub fn weight_bytes(&self) -> usize {
        let in_file = self.on_cuda.is_none() && self.reads_rows() && self.stack.embedding.in_file().is_some();
        let all: usize = self.stack.weights().chain(&self.head).map(Weight::bytes).sum();
        all - if in_file { self.stack.embedding.bytes() } else { 0 }
    }

    /// Its network on a CUDA device, where it was brought to one.
    pub(crate) fn on_cuda(&self) -> Option<&Arc<OnCuda>> {
        self.on_cuda.as_ref()
    }

    /// The device that the network was brought to.
    pub fn device(&self) -> Device {
        self.on_cuda.as_ref().map_or(Device::Cpu, |on_cuda| Device::Cuda(on_cuda.device().clone()))
    }

    /// Those of [`Decoder::variables`] whose values, gradients and moments are on a device: their gradients do not come
    /// over candle's tape.
    pub fn device_parameters(&self) -> Option<Arc<dyn DeviceParameters>> {
        self.on_cuda.clone().map(|on_cuda| on_cuda as Arc<dyn DeviceParameters>)
    }

    /// Brings the variables up to date with what a device holds, before they are read.
    ///
    /// # Errors
    /// When the device fails.
    pub fn fetch_variables(&self) -> Result<(), ModelError> {
        Ok(self.on_cuda.as_ref().map_or(Ok(()), |on_cuda| on_cuda.fetch())?)
    }

    /// Brings a device up to date with the variables, after they were written.
    ///
    /// # Errors
    /// When the device fails.
    pub fn send_variables(&self) -> Result<(), ModelError> {
        Ok(self.on_cuda.as_ref().map_or(Ok(()), |on_cuda| on_cuda.send())?)
    }
}
