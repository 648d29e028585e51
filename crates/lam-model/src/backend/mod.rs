//! Where the decoder computes: one folder a device. There is one so far, the processor.
//!
//! A device keeps numbers in a form of its own (`storage/`), has the loops that everything else is made of
//! (`kernel/`) and the decoder's operations over them (`ops/`). Weights, layers and the tape above know none of the
//! loops.

use candle_core::Device;

pub(crate) mod cpu;

/// The device that the decoder is built over: layers, files and initialisation name no other path.
pub(crate) use cpu::{ops, storage};

/// Where candle's tape keeps its tensors: hidden states, losses, trained weights. Nothing else names a device.
pub(crate) const TAPE: Device = Device::Cpu;
