//! How the processor keeps numbers: activations, weights, and candle's tensors as slices (f32, contiguous).

pub(crate) mod activation;
pub(crate) mod buffer;
pub(crate) mod in_file;
pub(crate) mod linear;
mod packed;
pub(crate) mod span;
pub(crate) mod stored;
pub(crate) mod stream;
pub(crate) mod weight;

use std::ops::{Deref, Range};

use candle_core::{CpuStorage, Device, Layout, Result, Shape, Storage, Tensor, bail};

/// Where candle's tape keeps its tensors: losses, and the processor's hidden states and trained weights.
pub(crate) const TAPE: Device = Device::Cpu;

/// The values of a tensor, locked against writing while they are read.
struct Values<G> {
    storage: G,
    range: Range<usize>,
}

impl<G: Deref<Target = Storage>> Deref for Values<G> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => &values[self.range.clone()],
            _ => unreachable!("`values` accepts f32 on the CPU only"),
        }
    }
}

/// The values of a contiguous f32 tensor on the CPU.
pub(crate) fn values(tensor: &Tensor) -> Result<impl Deref<Target = [f32]> + use<'_>> {
    let (storage, layout) = tensor.storage_and_layout();
    let Some((start, end)) = layout.contiguous_offsets() else { bail!("expected a contiguous tensor") };
    match &*storage {
        Storage::Cpu(CpuStorage::F32(_)) => Ok(Values { storage, range: start..end }),
        _ => bail!("expected f32 on the CPU, found {:?} on {:?}", tensor.dtype(), tensor.device()),
    }
}

/// The values of an operation's argument.
pub(crate) fn argument<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let CpuStorage::F32(values) = storage else { bail!("expected f32") };
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => bail!("expected a contiguous tensor"),
    }
}

/// A tensor of these values.
pub(crate) fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> Result<Tensor> {
    Tensor::from_vec(values, shape.into(), &TAPE)
}
