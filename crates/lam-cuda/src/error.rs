//! Why a device cannot be used, or stopped working.

use std::path::PathBuf;

use lam_signal::{Details, Fault, FaultKind};

use crate::version::Version;

/// What went wrong between us and a device.
#[derive(Debug, thiserror::Error)]
pub enum CudaError {
    /// The driver's library is not there, or cannot be loaded.
    NoDriver {
        /// What was tried, and why it failed.
        reason: String,
    },
    /// The driver is older than what we call.
    OldDriver {
        /// The version of CUDA that it has.
        found: Version,
        /// The oldest that works.
        needed: Version,
    },
    /// cuBLASLt or NVRTC is missing, or none of those found can be used.
    Library {
        /// Which.
        part: &'static str,
        /// What was tried, and why it failed.
        reason: String,
        /// The command that brings one.
        mend: String,
    },
    /// There is no device of this number.
    NoDevice {
        /// The number that was asked for.
        ordinal: usize,
        /// How many there are.
        count: usize,
    },
    /// The device is too old for our kernels.
    Unsupported {
        /// Its name.
        device: String,
        /// Its compute capability, major and minor.
        capability: (u32, u32),
    },
    /// The device has less memory free than is to be reserved.
    Reserve {
        /// The device's number.
        ordinal: usize,
        /// Bytes to be reserved.
        asked: usize,
        /// Bytes that nobody uses.
        free: usize,
        /// Bytes that it has.
        total: usize,
    },
    /// The reserved memory is used up.
    OutOfMemory {
        /// Bytes asked for.
        asked: usize,
        /// Bytes in use.
        used: usize,
        /// Bytes free, in pieces.
        free: usize,
        /// The largest free piece.
        largest: usize,
    },
    /// A source that NVRTC does not take.
    Compile {
        /// The source's name.
        source_name: String,
        /// The architecture that it was compiled for.
        architecture: String,
        /// What the compiler says.
        log: String,
    },
    /// A module without the kernel that was asked for.
    NoKernel {
        /// The module.
        module: String,
        /// The kernel.
        kernel: String,
    },
    /// A kernel cannot be launched, or broke down.
    Kernel {
        /// The kernel, or the last one that was launched before the failure was seen.
        name: String,
        /// The driver's name of the failure, and its number.
        code: String,
    },
    /// Any other call that failed.
    Call {
        /// The function.
        function: &'static str,
        /// The library's name of the failure, and its number.
        code: String,
    },
    /// A file of the cache, or one that the emulation is built of.
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The emulation cannot be built.
    Emulation {
        /// Why not.
        reason: String,
    },
}

impl CudaError {
    pub(crate) fn file(path: &std::path::Path) -> impl Fn(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |error| CudaError::File { path: path.clone(), reason: error.to_string() }
    }
}

/// Bytes as people read them.
fn mib(bytes: usize) -> String {
    match bytes {
        ..1_048_576 => format!("{bytes} bytes"),
        _ => format!("{} MiB", bytes >> 20),
    }
}

impl Fault for CudaError {
    fn kind(&self) -> FaultKind {
        match self {
            CudaError::NoDevice { .. } => FaultKind::Config,
            _ => FaultKind::Runtime,
        }
    }

    fn details(&self) -> Details {
        match self {
            CudaError::NoDriver { reason } => Details::new("no CUDA driver")
                .because(reason)
                .hint("install NVIDIA's driver (`nvidia-smi` then shows the card), or use the device `cpu`"),
            CudaError::OldDriver { found, needed } => Details::new("the CUDA version of the driver")
                .found(found)
                .because(format!("{needed} or later is needed"))
                .hint("install a newer driver, or use the device `cpu`"),
            CudaError::Library { part, reason, mend } => {
                Details::new(format!("no usable {part}")).because(reason).hint(format!("run `{mend}`"))
            }
            CudaError::NoDevice { ordinal, count: 0 } => Details::new(format!("device cuda:{ordinal}"))
                .because("the driver sees no device")
                .hint("`nvidia-smi` lists them; CUDA_VISIBLE_DEVICES may hide them; or use the device `cpu`"),
            CudaError::NoDevice { ordinal, count } => Details::new(format!("device cuda:{ordinal}"))
                .because(format!("there are {count}, counted from 0"))
                .hint(format!("use one of cuda:0 to cuda:{}", count - 1)),
            CudaError::Unsupported { device, capability: (major, minor) } => Details::new(device)
                .because(format!("its compute capability is {major}.{minor}, and 8.0 or later is needed"))
                .hint("use a newer card (Ampere or later), or the device `cpu`"),
            CudaError::Reserve { ordinal, asked, free, total } => reserve(*ordinal, *asked, *free, *total),
            CudaError::OutOfMemory { asked, used, free, largest } => Details::new("out of memory on the device")
                .because(format!(
                    "{} asked for, {} in use, {} free, the largest piece of it {}",
                    mib(*asked),
                    mib(*used),
                    mib(*free),
                    mib(*largest)
                ))
                .hint("smaller batches, shorter sequences or recomputation need less"),
            CudaError::Compile { source_name, architecture, log } => {
                Details::new(format!("kernels `{source_name}` for {architecture}")).because(log)
            }
            CudaError::NoKernel { module, kernel } => {
                Details::new(format!("kernels `{module}`")).because(format!("there is no kernel `{kernel}`"))
            }
            CudaError::Kernel { name, code } => Details::new(format!("kernel `{name}` failed"))
                .because(code)
                .hint("LAM_CUDA_SYNCHRONOUS=1 waits for each kernel, so that the one named is the one that failed"),
            CudaError::Call { function, code } => Details::new(function).because(code),
            CudaError::File { path, reason } => Details::default().at(path.display()).because(reason),
            CudaError::Emulation { reason } => Details::new("the emulation of a device").because(reason),
        }
    }
}

fn reserve(ordinal: usize, asked: usize, free: usize, total: usize) -> Details {
    let told = Details::new(format!("memory of cuda:{ordinal}")).because(format!(
        "{} to be reserved, {} free of {}",
        mib(asked),
        mib(free),
        mib(total)
    ));
    // A context and the driver's own needs are far below this.
    if free < total / 10 * 9 {
        told.hint("another process holds the rest (`nvidia-smi` names it): end it, or choose another device")
    } else {
        told.hint("the card is too small for this: smaller batches, recomputation or a quantised base need less")
    }
}

lam_signal::display_details!(CudaError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_another_process_holds_is_told_apart_from_a_small_card() {
        let held = CudaError::Reserve { ordinal: 1, asked: 20 << 30, free: 4 << 30, total: 24 << 30 };
        assert!(held.to_string().contains("another process"), "{held}");
        assert!(held.to_string().contains("20480 MiB to be reserved, 4096 MiB free of 24576 MiB"), "{held}");
        let small = CudaError::Reserve { ordinal: 0, asked: 40 << 30, free: 23 << 30, total: 24 << 30 };
        assert!(small.to_string().contains("too small"), "{small}");
    }

    #[test]
    fn a_device_that_is_not_there_is_a_setting() {
        let error = CudaError::NoDevice { ordinal: 3, count: 2 };
        assert_eq!(error.kind(), FaultKind::Config);
        assert_eq!(error.to_string(), "device cuda:3: there are 2, counted from 0\nhint: use one of cuda:0 to cuda:1");
    }
}
