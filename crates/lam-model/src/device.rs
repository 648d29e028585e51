//! The device that a decoder is brought to.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use lam_cuda::{CudaError, DeviceChoice};

use crate::{DecoderConfig, ModelError};

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
    /// Opens the device that was chosen; `auto` takes the first GPU, where one answers that our kernels run on.
    ///
    /// # Errors
    /// When a GPU was asked for and cannot be had: says why, and what to do.
    pub fn open(choice: DeviceChoice) -> Result<Self, ModelError> {
        match choice {
            DeviceChoice::Cpu => Ok(Self::Cpu),
            DeviceChoice::Cuda(number) => Self::cuda(number),
            DeviceChoice::Auto if Self::is_gpu(choice) => Self::cuda(0),
            DeviceChoice::Auto => Ok(Self::Cpu),
        }
    }

    /// As [`Device::open`], for a model; `auto` leaves one that no GPU computes to the processor.
    ///
    /// # Errors
    /// As [`Device::open`].
    pub fn open_for(choice: DeviceChoice, config: &DecoderConfig) -> Result<Self, ModelError> {
        match choice {
            DeviceChoice::Auto if check_shape(config).is_err() => Ok(Self::Cpu),
            choice => Self::open(choice),
        }
    }

    /// Refuses a choice that cannot be had, without reserving any memory.
    ///
    /// # Errors
    /// As [`Device::open`].
    pub fn check(choice: DeviceChoice) -> Result<(), ModelError> {
        match choice {
            DeviceChoice::Auto | DeviceChoice::Cpu => Ok(()),
            DeviceChoice::Cuda(number) => Ok(supported(number)?),
        }
    }

    /// Whether a choice is a GPU on this machine: `auto` is one where [`Device::open`] finds one.
    pub fn is_gpu(choice: DeviceChoice) -> bool {
        match choice {
            DeviceChoice::Cpu => false,
            DeviceChoice::Cuda(_) => true,
            DeviceChoice::Auto => supported(0).is_ok(),
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

/// Refuses a GPU that is not there, lacks what it takes to use it, or is too old.
fn supported(number: usize) -> Result<(), CudaError> {
    let libraries = lam_cuda::Libraries::find()?;
    lam_cuda::Device::properties_of(&libraries, number)?.check_supported()
}

/// Refuses widths that the kernels of a GPU are not written for.
pub(crate) fn check_shape(config: &DecoderConfig) -> Result<(), ModelError> {
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
