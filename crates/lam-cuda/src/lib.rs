//! CUDA devices: memory, kernels compiled at run time, matrix products.
//!
//! Nothing of CUDA is linked: the driver, cuBLASLt and NVRTC are looked for when a device is asked for
//! ([`Libraries::find`]), so that a program starts on machines without them. A [`Device`] reserves its memory once and
//! lends it as [`Buffer`]s; [`Source`]s are compiled for the card by NVRTC and kept on disk; [`Product`]s take the
//! algorithm that was fastest on this card. Knows no models and no kernels of its own.
//!
//! [`emulation`] builds a library that stands in for all three, and runs the same kernels on the CPU.
//!
//! ```no_run
//! use half::bf16;
//! use lam_cuda::{Addend, Device, Matrix, Product, Source};
//!
//! # fn main() -> Result<(), lam_cuda::CudaError> {
//! let device = Device::open(0, 1 << 30)?;
//!
//! let source = r#"extern "C" __global__ void scale(float *values, int count, float factor) {
//!     int i = blockIdx.x * blockDim.x + threadIdx.x;
//!     if (i < count) values[i] *= factor;
//! }"#;
//! let scale = device.module(&Source::new("scale", source))?.kernel("scale")?;
//! let mut values = device.upload(&[1f32, 2.0, 3.0])?;
//! let launch = device.launch(&scale).write(&mut values).value(3i32).value(0.5f32);
//! // SAFETY: the arguments are the kernel's, and it stays within its three numbers.
//! unsafe { launch.run(1, 128, 0)? };
//! assert_eq!(device.read(&values)?, [0.5, 1.0, 1.5]);
//!
//! let (a, b) = (device.upload(&[bf16::ONE; 6])?, device.upload(&[bf16::ONE; 12])?);
//! let mut d = device.alloc::<f32>(8)?;
//! let (a, b) = (Matrix::new(&a, 3), Matrix::new(&b, 3).transposed());
//! device.product(&Product { m: 2, n: 4, k: 3, a, b, alpha: 1.0 }, Addend::Nothing, &mut d, 4)?;
//! assert_eq!(device.read(&d)?, [3.0; 8]);
//! # Ok(())
//! # }
//! ```

mod arena;
mod buffer;
mod cache;
mod choice;
mod compiler;
mod context;
mod device;
mod element;
pub mod emulation;
mod error;
mod event;
mod graph;
mod late;
mod launch;
mod library;
mod module;
mod numerics;
mod product;
mod properties;
mod report;
mod staging;
mod tensor_map;
mod version;

pub use buffer::{Buffer, View, ViewMut};
pub use choice::DeviceChoice;
pub use compiler::{Architecture, Compiler, Source};
pub use context::ALL_FREE;
pub use device::{Device, Settings};
pub use element::{Element, Scalar};
pub use error::CudaError;
pub use event::Share;
pub use graph::{Graph, Scratch};
pub use late::Late;
pub use launch::{Extent, Launch, Readable, Writable};
pub use library::Libraries;
pub use library::places::Places;
pub use module::{Kernel, Module};
pub use numerics::Numerics;
pub use product::{Addend, Matrix, Output, Product};
pub use properties::Properties;
pub use report::{Found, Report};
pub use tensor_map::TensorMap;
pub use version::Version;
