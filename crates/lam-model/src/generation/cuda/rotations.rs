//! Cosines and sines of the positions that slots have reached, on the device.

use lam_cuda::{Buffer, CudaError, Device, View};

use crate::backend::cpu::ops::rope::Rope;

/// Positions that there is a table for from the beginning.
const FIRST: usize = 512;

/// The table, which grows.
pub(crate) struct Rotations {
    rope: Rope,
    /// Shape: [positions, E/2, 2].
    pairs: Option<Buffer<f32>>,
}

impl Rotations {
    pub(crate) fn new(rope: Rope) -> Self {
        Self { rope, pairs: None }
    }

    /// Makes sure that the positions 0..`length` are there. Whether the table is now elsewhere.
    pub(crate) fn extend(&mut self, device: &Device, length: usize) -> Result<bool, CudaError> {
        let missing = self.pairs.is_none() || self.rope.length() < length;
        if missing {
            self.rope.extend(length.next_power_of_two().max(FIRST));
            self.pairs = None;
            self.pairs = Some(device.upload(&self.rope.pairs())?);
        }
        Ok(missing)
    }

    /// Shape: [positions, E/2, 2].
    pub(crate) fn pairs(&self) -> View<'_, f32> {
        self.pairs.as_ref().expect("positions are added before they are rotated to").all()
    }
}
