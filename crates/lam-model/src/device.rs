//! The device that a decoder is brought to.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use lam_cuda::DeviceChoice;

use crate::ModelError;

/// Devices of this process: all models on one share the memory that was reserved.
static OPENED: Mutex<BTreeMap<usize, lam_cuda::Device>> = Mutex::new(BTreeMap::new());

/// A device, opened.
#[derive(Clone, Debug)]
pub enum Device {
    /// The processor.
    Cpu,
    /// A CUDA device, with memory of its own that was reserved when it was opened.
    Cuda(lam_cuda::Device),
}

impl Device {
    /// Opens the device that was chosen; `auto` takes the first GPU that answers.
    ///
    /// # Errors
    /// When a GPU was asked for and cannot be had: says why, and what to do.
    pub fn open(choice: DeviceChoice) -> Result<Self, ModelError> {
        match choice {
            DeviceChoice::Cpu => Ok(Self::Cpu),
            DeviceChoice::Cuda(number) => Self::cuda(number),
            DeviceChoice::Auto => match lam_cuda::Device::count() {
                Ok(1..) => Self::cuda(0),
                Ok(0) | Err(_) => Ok(Self::Cpu),
            },
        }
    }

    fn cuda(number: usize) -> Result<Self, ModelError> {
        let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(device) = opened.get(&number) {
            return Ok(Self::Cuda(device.clone()));
        }
        let device = lam_cuda::Device::open(number, lam_cuda::ALL_FREE)?;
        opened.insert(number, device.clone());
        Ok(Self::Cuda(device))
    }

    /// Whether its products and activations are bf16 whatever was asked for.
    pub fn computes_in_bf16(&self) -> bool {
        matches!(self, Self::Cuda(_))
    }

    /// Bytes of memory that models on it share, and the most that was in use since it was opened; none for the processor,
    /// whose memory is the machine's.
    pub fn memory(&self) -> Option<(u64, u64)> {
        match self {
            Self::Cpu => None,
            Self::Cuda(device) => Some((device.capacity() as u64, device.peak() as u64)),
        }
    }

    /// Its name for a person.
    pub fn name(&self) -> String {
        match self {
            Self::Cpu => "the processor".into(),
            Self::Cuda(device) => device.properties().name.clone(),
        }
    }
}
