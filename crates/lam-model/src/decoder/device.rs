//! A decoder on a device: parameters that stay there, and their variables in the processor's memory.

use std::sync::Arc;

use lam_learn::DeviceParameters;

use super::Decoder;
use super::on_cuda::OnCuda;
use crate::{Device, ModelError};

impl Decoder {
    /// Brings the network to a device, on which it computes from now on. What is trained, the precision and whether tapes
    /// are kept must have been said before. The weights in the processor's memory stay, under their names.
    ///
    /// # Errors
    /// When it does not fit, or the device cannot compute such a model.
    pub fn to_device(&mut self, device: &Device) -> Result<(), ModelError> {
        self.on_cuda = match device {
            Device::Cpu => None,
            Device::Cuda(device) => {
                self.refuse_shapes()?;
                Some(Arc::new(OnCuda::new(device, &self.stack, self.head.as_ref(), self.checkpointing)?))
            }
        };
        Ok(())
    }

    /// Refuses widths that the kernels are not written for.
    fn refuse_shapes(&self) -> Result<(), ModelError> {
        let config = &self.config;
        let (width, inner, head) = (config.hidden_size, config.intermediate_size, config.head_dim());
        let unlike = [
            ("head_dim", head, "a multiple of 16 up to 128", head.is_multiple_of(16) && head <= 128),
            ("hidden_size", width, "a multiple of 8", width.is_multiple_of(8)),
            ("intermediate_size", inner, "a multiple of 8", inner.is_multiple_of(8)),
        ];
        match unlike.into_iter().find(|(.., fits)| !fits) {
            None => Ok(()),
            Some((key, value, wanted, _)) => Err(ModelError::Config {
                key,
                value: value.to_string(),
                reason: format!("a GPU computes with {wanted}; `--device cpu` takes any"),
            }),
        }
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
