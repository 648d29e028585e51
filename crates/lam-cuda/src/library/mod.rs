//! The three libraries that a device needs: found, loaded, and fit for one another. Nothing of CUDA is linked, so that a
//! program starts where there is none; what is missing is said when a device is asked for.

pub(crate) mod cublaslt;
pub(crate) mod driver;
pub(crate) mod nvrtc;
pub(crate) mod places;
pub(crate) mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::CudaError;
use crate::library::places::Places;
use crate::version::Version;

/// The versions of cuBLASLt and NVRTC that work, the most wanted first.
const MAJORS: [u32; 2] = [13, 12];

/// A loaded library, and where it lay.
pub(crate) struct Loaded<F> {
    pub functions: F,
    pub path: PathBuf,
    pub version: Version,
}

/// The driver, cuBLASLt and NVRTC; clones share them.
#[derive(Clone)]
pub struct Libraries {
    pub(crate) driver: Arc<Loaded<driver::Functions>>,
    pub(crate) products: Arc<Loaded<cublaslt::Functions>>,
    pub(crate) compiler: Arc<Loaded<nvrtc::Functions>>,
}

impl Libraries {
    /// Those of this machine: [`Places`] says where they are looked for.
    pub fn find() -> Result<Self, CudaError> {
        Self::find_in(&Places::here())
    }

    /// Those in one folder: what `LAM_CUDA_LIBRARIES` does for [`Self::find`].
    pub fn in_folder(folder: &Path) -> Result<Self, CudaError> {
        Self::find_in(&Places::only(folder))
    }

    /// Those in these places.
    pub fn find_in(places: &Places) -> Result<Self, CudaError> {
        let driver = find_driver(places)?;
        let majors = majors(driver.version);
        Ok(Self {
            products: Arc::new(find_products(places, &majors)?),
            compiler: Arc::new(find_compiler(places, &majors)?),
            driver: Arc::new(driver),
        })
    }
}

/// Which libraries a driver can serve: its own major version and older ones.
pub(crate) fn majors(driver: Version) -> Vec<u32> {
    MAJORS.into_iter().filter(|&major| major <= driver.major).collect()
}

pub(crate) fn find_driver(places: &Places) -> Result<Loaded<driver::Functions>, CudaError> {
    let mut refused = Vec::new();
    for path in places.drivers() {
        let loaded = table::open(&path).and_then(|library| {
            driver::Functions::load(library).map_err(|reason| format!("{}: {reason}", path.display()))
        });
        match loaded {
            Ok(functions) => {
                let version = functions.cuda_version()?;
                if version < driver::OLDEST {
                    return Err(CudaError::OldDriver { found: version, needed: driver::OLDEST });
                }
                return Ok(Loaded { functions, path, version });
            }
            Err(reason) => refused.push(reason),
        }
    }
    Err(CudaError::NoDriver { reason: refused.swap_remove(0) })
}

pub(crate) fn find_products(places: &Places, majors: &[u32]) -> Result<Loaded<cublaslt::Functions>, CudaError> {
    find("cuBLASLt", "libcublasLt.so", places, majors, |path| {
        let functions = cublaslt::Functions::load(table::open(path)?)?;
        let version = functions.library_version();
        Ok((functions, version))
    })
}

pub(crate) fn find_compiler(places: &Places, majors: &[u32]) -> Result<Loaded<nvrtc::Functions>, CudaError> {
    find("NVRTC", "libnvrtc.so", places, majors, |path| {
        let functions = nvrtc::Functions::load(table::open(path)?)?;
        let version = functions.library_version();
        load_builtins(path, version);
        Ok((functions, version))
    })
}

/// NVRTC opens this one by its name at the first compilation, and does not always look beside itself: it is found by then
/// if it was opened before. Where it is not beside it, the compilation says so.
fn load_builtins(compiler: &Path, version: Version) {
    let name = format!("libnvrtc-builtins.so.{}.{}", version.major, version.minor);
    if let Ok(builtins) = table::open(&compiler.with_file_name(name)) {
        // Loaded as long as the process.
        std::mem::forget(builtins);
    }
}

/// NVRTC of any version that we know.
pub(crate) fn find_any_compiler(places: &Places) -> Result<Loaded<nvrtc::Functions>, CudaError> {
    find_compiler(places, &MAJORS)
}

/// The first candidate that loads and has a version that fits.
fn find<F>(
    part: &'static str,
    stem: &str,
    places: &Places,
    majors: &[u32],
    load: impl Fn(&Path) -> Result<(F, Version), String>,
) -> Result<Loaded<F>, CudaError> {
    let names: Vec<_> = majors.iter().map(|major| format!("{stem}.{major}")).collect();
    let mut refused = Vec::new();
    for path in places.candidates(&names) {
        match load(&path) {
            Ok((functions, version)) if majors.contains(&version.major) => {
                return Ok(Loaded { functions, path, version });
            }
            Ok((_, version)) => refused.push(format!("{}: its version is {version}", path.display())),
            // A name without a folder that the system's loader does not know is no finding.
            Err(_) if path.parent() == Some(Path::new("")) => {}
            Err(reason) => refused.push(told(&path, &reason)),
        }
    }
    let needed = majors.iter().map(u32::to_string).collect::<Vec<_>>().join(" or ");
    if refused.is_empty() {
        refused.push(format!("none of version {needed} in {}", places.told()));
    } else {
        refused.push(format!("version {needed} is needed"));
    }
    // It looks at the driver itself; one that is too old for the newest is told it anyway.
    let mend = if majors.contains(&MAJORS[0]) { "scripts/fetch_cuda.sh" } else { "scripts/fetch_cuda.sh 12" };
    Err(CudaError::Library { part, reason: refused.join("; "), mend: mend.into() })
}

/// The loader's words name the file mostly.
fn told(path: &Path, reason: &str) -> String {
    let path = path.display().to_string();
    if reason.contains(&path) { reason.to_owned() } else { format!("{path}: {reason}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn products(folder: &Path, driver: Version) -> CudaError {
        find_products(&Places::only(folder), &majors(driver)).err().expect("nothing there can be used")
    }

    #[test]
    fn what_is_missing_is_named_with_the_command_that_brings_it() {
        let folder = tempfile::tempdir().unwrap();
        let text = products(folder.path(), Version::new(12, 4)).to_string();
        assert!(text.starts_with("no usable cuBLASLt: none of version 12 in "), "{text}");
        assert!(text.ends_with("hint: run `scripts/fetch_cuda.sh 12`"), "{text}");
        let text = products(folder.path(), Version::new(13, 1)).to_string();
        assert!(text.contains("none of version 13 or 12 in ") && text.ends_with("`scripts/fetch_cuda.sh`"), "{text}");
    }

    #[test]
    fn a_file_that_is_no_library_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("libcublasLt.so.12");
        std::fs::write(&file, "not a library").unwrap();
        let text = products(folder.path(), Version::new(12, 4)).to_string();
        assert!(text.contains(&file.display().to_string()), "{text}");
        assert!(text.contains("; version 12 is needed"), "{text}");
    }

    #[test]
    fn a_library_newer_than_the_driver_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("libcublasLt.so.13"), "").unwrap();
        let text = products(folder.path(), Version::new(12, 8)).to_string();
        assert!(text.contains("none of version 12"), "{text}");
    }

    #[test]
    fn a_folder_without_a_driver_leaves_the_systems() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("libcuda.so.1"), "not a library").unwrap();
        let drivers = Places::only(folder.path()).drivers();
        assert_eq!(drivers[0], folder.path().join("libcuda.so.1"));
        assert_eq!(drivers[1], Path::new("libcuda.so.1"));
    }
}
