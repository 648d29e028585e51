//! What a machine has of CUDA, part by part, for people who want to know what is missing.

use std::path::PathBuf;

use crate::error::CudaError;
use crate::library::driver::Functions;
use crate::library::places::Places;
use crate::library::{Loaded, find_compiler, find_driver, find_products, majors};
use crate::properties::Properties;
use crate::version::Version;

/// A library that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it lies; a name without a folder was found by the system's loader.
    pub path: PathBuf,
    /// Which version it is.
    pub version: Version,
}

/// What was found of each part; each is looked for whether or not the others are there.
#[derive(Debug)]
pub struct Report {
    /// The driver.
    pub driver: Result<Found, CudaError>,
    /// cuBLASLt: matrix products.
    pub products: Result<Found, CudaError>,
    /// NVRTC: the compiler of kernels.
    pub compiler: Result<Found, CudaError>,
    /// The devices that the driver sees, supported or not; none without a driver.
    pub devices: Result<Vec<Properties>, CudaError>,
}

impl Report {
    /// Of these places.
    pub fn of(places: &Places) -> Self {
        let driver = find_driver(places);
        let majors = majors(driver.as_ref().map_or(Version::new(u32::MAX, 0), |driver| driver.version));
        Self {
            products: found(find_products(places, &majors)),
            compiler: found(find_compiler(places, &majors)),
            devices: driver.as_ref().map_or(Ok(Vec::new()), devices),
            driver: found(driver),
        }
    }
}

fn found<F>(library: Result<Loaded<F>, CudaError>) -> Result<Found, CudaError> {
    library.map(|Loaded { path, version, .. }| Found { path, version })
}

fn devices(driver: &Loaded<Functions>) -> Result<Vec<Properties>, CudaError> {
    (0..driver.functions.count()?).map(|ordinal| Properties::of(driver, ordinal)).collect()
}
