//! A stand-in for the driver, cuBLASLt and NVRTC that needs no device: built by the machine's C++ compiler, loaded as the
//! libraries are. Its NVRTC compiles kernels with `c++ -DEMU`, its driver runs them on the CPU, thread for thread: blocks
//! one after the other, warps in random order, fresh memory full of NaN. `../emulation/README.md` says what it shows.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::cache::{digest, part_of, write_whole};
use crate::error::CudaError;
use crate::library::table;

/// The files that it is built of.
const FILES: [(&str, &str); 7] = [
    ("kernel.h", include_str!("../emulation/kernel.h")),
    ("machine.h", include_str!("../emulation/machine.h")),
    ("machine.cpp", include_str!("../emulation/machine.cpp")),
    ("driver.h", include_str!("../emulation/driver.h")),
    ("driver.cpp", include_str!("../emulation/driver.cpp")),
    ("products.cpp", include_str!("../emulation/products.cpp")),
    ("compiler.cpp", include_str!("../emulation/compiler.cpp")),
];
const LIBRARY: &str = "libemulation.so";
/// The names under which it is looked for.
const NAMES: [&str; 3] = ["libcuda.so.1", "libcublasLt.so.12", "libnvrtc.so.12"];

/// Builds the emulation below a folder, once for each version of it; returns the folder for
/// [`Libraries::in_folder`](crate::Libraries::in_folder) and `LAM_CUDA_LIBRARIES`.
///
/// # Errors
///
/// If there is no C++ compiler, or the folder cannot be written.
pub fn build(below: &Path) -> Result<PathBuf, CudaError> {
    let target = target();
    let parts = FILES.iter().flat_map(|(name, text)| [name.as_bytes(), text.as_bytes()]);
    let folder = below.join(format!("emulation-{}", digest(parts.chain([target.as_bytes()]))));
    // Written last: where it is, the rest is.
    if folder.join(NAMES[2]).exists() {
        return Ok(folder);
    }
    for (name, text) in FILES {
        write_whole(&folder.join(name), text.as_bytes())?;
    }
    write_whole(&folder.join("target"), target.as_bytes())?;
    compile(&folder, target)?;
    NAMES.iter().try_for_each(|name| link(&folder.join(name)))?;
    Ok(folder)
}

/// How many calls of this process waited for the emulation in a folder (that of [`build`]), or would have on a card: for
/// the stream, for an event, copies from or to memory that is not pinned, memory that is reserved or freed.
///
/// # Errors
///
/// If the folder holds no emulation.
pub fn waits(folder: &Path) -> Result<u64, CudaError> {
    let library = table::open(&folder.join(NAMES[0])).map_err(|reason| CudaError::Emulation { reason })?;
    // SAFETY: the function takes nothing and gives a number, in the library that was built of our own text.
    let count = unsafe { library.get::<unsafe extern "C" fn() -> std::ffi::c_ulong>(b"emulatedWaits\0") };
    let count = count.map_err(|error| CudaError::Emulation { reason: error.to_string() })?;
    // SAFETY: as above.
    Ok(unsafe { count() })
}

/// What this machine lacks for the emulation, or nothing.
pub fn missing() -> Option<String> {
    let answered = Command::new("c++").arg("--version").output().is_ok_and(|output| output.status.success());
    (!answered).then(|| "a C++ compiler (c++): install g++ or clang".to_owned())
}

/// Which instructions may be used: part of the folder's name, so that another machine does not run what it cannot.
fn target() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw") {
            return "-march=x86-64-v4";
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return "-march=x86-64-v3";
        }
    }
    "-O3"
}

/// Beside its place first, so that another process never loads half a library.
fn compile(folder: &Path, target: &str) -> Result<(), CudaError> {
    let library = folder.join(LIBRARY);
    let part = part_of(&library).map_err(CudaError::file(&library))?.into_temp_path();
    let sources = FILES.map(|(name, _)| name).into_iter().filter(|name| name.ends_with(".cpp"));
    let output = Command::new("c++")
        .current_dir(folder)
        .args(["-std=c++17", "-O3", "-shared", "-fPIC", "-pthread", "-Wl,-soname,libemulation.so", target])
        .arg("-o")
        .arg(part.file_name().unwrap_or_default())
        .args(sources)
        .arg("-ldl")
        .output();
    check(output)?;
    part.persist(&library).map_err(|refused| CudaError::file(&library)(refused.error))
}

fn check(output: std::io::Result<Output>) -> Result<(), CudaError> {
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(CudaError::Emulation { reason: String::from_utf8_lossy(&output.stderr).into_owned() }),
        Err(error) => {
            let reason = missing().unwrap_or_else(|| format!("c++: {error}"));
            Err(CudaError::Emulation { reason })
        }
    }
}

/// A link to the library, whose file is then the same: it is loaded once.
fn link(name: &Path) -> Result<(), CudaError> {
    match std::os::unix::fs::symlink(LIBRARY, name) {
        // Another process built the same.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        done => done.map_err(CudaError::file(name)),
    }
}
