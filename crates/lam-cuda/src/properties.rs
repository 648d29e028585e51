//! What a device is. Knows no memory that is in use.

use std::ffi::{CStr, c_char};

use crate::error::CudaError;
use crate::library::Loaded;
use crate::library::driver::{Functions, attribute};
use crate::version::Version;

/// The oldest compute capability that our kernels and products are written for: bf16 begins there.
const OLDEST: (u32, u32) = (8, 0);

/// A device, as its driver describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    /// Its number: `cuda:0` is the first.
    pub ordinal: usize,
    /// Its name, such as "NVIDIA H200".
    pub name: String,
    /// Its compute capability, major and minor: (9, 0) is Hopper.
    pub capability: (u32, u32),
    /// How many multiprocessors it has.
    pub multiprocessors: u32,
    /// The most shared memory that a block may have, in bytes.
    pub shared_memory: usize,
    /// Its memory, in bytes.
    pub total_bytes: usize,
    /// The version of CUDA that its driver has.
    pub driver: Version,
}

impl Properties {
    /// Of one device; an error where there is none of this number.
    pub(crate) fn of(library: &Loaded<Functions>, ordinal: usize) -> Result<Self, CudaError> {
        let driver = &library.functions;
        let count = driver.count()?;
        if ordinal >= count {
            return Err(CudaError::NoDevice { ordinal, count });
        }
        let device = handle(driver, ordinal)?;
        let ask = |what| {
            let mut value = 0;
            // SAFETY: writes one number.
            let result = unsafe { (driver.device_attribute)(&raw mut value, what, device) };
            driver.check("cuDeviceGetAttribute", result).map(|()| value.unsigned_abs())
        };
        Ok(Self {
            ordinal,
            name: name(driver, device)?,
            capability: (ask(attribute::CAPABILITY_MAJOR)?, ask(attribute::CAPABILITY_MINOR)?),
            multiprocessors: ask(attribute::MULTIPROCESSORS)?,
            shared_memory: ask(attribute::SHARED_MEMORY_OF_BLOCK)? as usize,
            total_bytes: total(driver, device)?,
            driver: library.version,
        })
    }

    /// An error if our kernels do not run on it.
    pub fn check_supported(&self) -> Result<(), CudaError> {
        if self.capability >= OLDEST {
            return Ok(());
        }
        Err(CudaError::Unsupported { device: self.name.clone(), capability: self.capability })
    }
}

/// The driver's own number of a device.
pub(crate) fn handle(driver: &Functions, ordinal: usize) -> Result<i32, CudaError> {
    let mut device = 0;
    // SAFETY: writes one number.
    let result = unsafe { (driver.device)(&raw mut device, i32::try_from(ordinal).unwrap_or(i32::MAX)) };
    driver.check("cuDeviceGet", result).map(|()| device)
}

fn name(driver: &Functions, device: i32) -> Result<String, CudaError> {
    let mut text = [0 as c_char; 256];
    // SAFETY: writes at most so many characters, the last of them zero.
    let result = unsafe { (driver.device_name)(text.as_mut_ptr(), 255, device) };
    driver.check("cuDeviceGetName", result)?;
    // SAFETY: the last element stayed zero.
    Ok(unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned())
}

fn total(driver: &Functions, device: i32) -> Result<usize, CudaError> {
    let mut bytes = 0;
    // SAFETY: writes one number.
    driver.check("cuDeviceTotalMem", unsafe { (driver.device_memory)(&raw mut bytes, device) }).map(|()| bytes)
}
