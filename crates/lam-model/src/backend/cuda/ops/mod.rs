//! The operations of the decoder on a CUDA device, each a launch or a few: safe functions over buffers, whose lengths are
//! checked before a launch. One file a family; the kernels' own files (`../kernels/`) say what they compute.
//!
//! A length that does not fit is a mistake of the caller and panics, as a slice's would. Widths of rows are multiples of 8.

mod attention;
pub(crate) mod cached;
pub(crate) mod continued;
mod cross_entropy;
pub(crate) mod decode;
mod dequantise;
mod embedding;
pub(crate) mod few;
mod norm;
mod optimizer;
mod rope;
mod rows;
mod score;
mod seen;
pub(crate) mod single;
mod swiglu;
#[cfg_attr(not(test), expect(dead_code, reason = "a group makes its products by itself so far"))]
mod swiglu_thin;
#[cfg(test)]
pub(crate) mod tests;
mod totals;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use half::bf16;
use lam_cuda::{CudaError, Device, Element, Kernel, View, ViewMut};

pub use dequantise::PANEL_BYTES;
pub(crate) use optimizer::{AdamWHyper, Segment, Segments};
pub(crate) use seen::Seen;
pub(crate) use totals::Clip;

use super::sources::{Family, Road};

/// Documents below this mean length are short for attention: measured at 512 (slower) and 4096 (faster) on an H200.
const SHORT: usize = 1024;

/// Bytes of shared memory that attention's kernels with many keys a tile need.
const WIDE: usize = 128 << 10;

/// A row-major matrix that is read.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) values: View<'a, bf16>,
    /// From one row's beginning to the next one's.
    pub(crate) stride: usize,
}

/// A row-major matrix that is written.
pub(crate) struct PlaceMut<'a> {
    pub(crate) values: ViewMut<'a, bf16>,
    /// From one row's beginning to the next one's.
    pub(crate) stride: usize,
}

impl Place<'_> {
    /// Panics unless the rows are there.
    fn check(&self, rows: usize, columns: usize) {
        check_matrix(self.values.len(), self.stride, rows, columns);
    }
}

impl PlaceMut<'_> {
    /// Panics unless the rows are there.
    fn check(&self, rows: usize, columns: usize) {
        check_matrix(self.values.len(), self.stride, rows, columns);
    }
}

fn check_matrix(length: usize, stride: usize, rows: usize, columns: usize) {
    let needed = rows.saturating_sub(1) * stride + columns;
    assert!(columns <= stride && needed <= length, "{rows} x {columns}, {stride} apart, of {length} numbers");
}

/// Panics unless so many numbers are there.
fn check_length<'a, T: Element>(view: impl Into<View<'a, T>>, length: usize) {
    let found = view.into().len();
    assert!(found >= length, "{length} of {found} numbers");
}

/// Panics unless rows can be read eight values at a time.
fn check_eights(widths: &[usize]) {
    assert!(widths.iter().all(|width| width.is_multiple_of(8)), "{widths:?} are not all multiples of 8");
}

/// Blocks for so many values.
fn blocks(values: usize, per_block: usize) -> u32 {
    u32::try_from(values.div_ceil(per_block)).expect("a grid below 2^32 blocks")
}

/// A device and its kernels; clones share them.
#[derive(Clone)]
pub(crate) struct Ops {
    device: Device,
    kernels: Arc<Mutex<HashMap<(Family, &'static str), Kernel>>>,
    /// The best road that the card has for attention.
    widest: Road,
    /// Mean length of documents below which they are short.
    short: usize,
    /// Whether a block has less than 128 KiB of shared memory.
    narrow: bool,
    panel_bytes: usize,
}

impl fmt::Debug for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ops({:?})", self.device.properties().name)
    }
}

impl Ops {
    /// The operations on a device. Kernels are compiled when they are first launched.
    ///
    /// # Errors
    /// None today.
    pub(crate) fn new(device: Device) -> Result<Self, CudaError> {
        let widest = if device.properties().capability == (9, 0) { Road::Roles } else { Road::Mma };
        let narrow = device.properties().shared_memory < WIDE;
        Ok(Self { device, kernels: Arc::default(), widest, short: SHORT, narrow, panel_bytes: PANEL_BYTES })
    }

    /// The device.
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// Bytes that a part of a quantised weight may take that is expanded at a time.
    pub(crate) fn panel_bytes(&self) -> usize {
        self.panel_bytes
    }

    /// The same operations with other panels.
    #[cfg(test)]
    pub(crate) fn with_panels(mut self, bytes: usize) -> Self {
        self.panel_bytes = bytes;
        self
    }

    /// A kernel, compiled and loaded at its first use.
    fn kernel(&self, family: Family, name: &'static str) -> Result<Kernel, CudaError> {
        let found = |kernels: &HashMap<_, Kernel>| kernels.get(&(family, name)).cloned();
        if let Some(kernel) = found(&self.kernels.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(kernel);
        }
        let kernel = self.device.module(&family.source())?.kernel(name)?;
        self.kernels.lock().unwrap_or_else(PoisonError::into_inner).insert((family, name), kernel.clone());
        Ok(kernel)
    }
}
