//! Gradient norm and AdamW over everything that is trained.

use lam_cuda::{Buffer, CudaError, Device, Scalar, View, ViewMut};

use super::{Ops, blocks, check_length};
use crate::backend::cuda::sources::Family;

/// Values of a block.
const BLOCK: usize = 1024;

/// One matrix, or one vector, among the parameters.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Segment {
    /// Its first value among the parameters: a multiple of 1024.
    pub start: i64,
    /// Its values.
    pub n: i64,
    /// Its columns.
    pub cols: i32,
    /// From one row of the gradient to the next.
    pub gld: i32,
    /// Where its gradient lies.
    pub grad: u64,
    /// Where its bf16 copy goes; 0: nowhere.
    pub dst: u64,
    /// From one row of the copy to the next.
    pub dld: i64,
    /// Where a transposed copy goes; 0: nowhere.
    pub dst2: u64,
    /// From one row of the transposed copy to the next.
    pub dld2: i64,
    /// What the copies are multiplied by.
    pub scale: f32,
    /// 1 where weight decay applies.
    pub decay: i32,
}

impl Segment {
    /// As the kernels' structure lies in memory.
    fn words(&self) -> [u64; 9] {
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        [
            self.start as u64,
            self.n as u64,
            pair(self.cols as u32, self.gld as u32),
            self.grad,
            self.dst,
            self.dld as u64,
            self.dst2,
            self.dld2 as u64,
            pair(self.scale.to_bits(), self.decay as u32),
        ]
    }
}

/// The segments of all parameters, on the device.
#[derive(Debug)]
pub(crate) struct Segments {
    table: Buffer<u64>,
    /// The segment of each block.
    of_block: Buffer<i32>,
    /// Room for the parameters, gaps among them.
    values: usize,
}

impl Segments {
    /// Brings segments to the device.
    ///
    /// # Errors
    /// When there is no room.
    ///
    /// # Panics
    /// Unless each segment starts at the first multiple of 1024 after the one before it.
    pub(crate) fn new(device: &Device, segments: Vec<Segment>) -> Result<Self, CudaError> {
        let mut of_block = Vec::new();
        for (number, segment) in segments.iter().enumerate() {
            assert_eq!(segment.start as usize, of_block.len() * BLOCK, "the start of segment {number}");
            of_block.resize(of_block.len() + (segment.n as usize).div_ceil(BLOCK), number as i32);
        }
        let words: Vec<u64> = segments.iter().flat_map(Segment::words).collect();
        let values = segments.last().map_or(0, |last| (last.start + last.n) as usize);
        Ok(Self { table: device.upload(&words)?, of_block: device.upload(&of_block)?, values })
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.of_block.is_empty()
    }

    fn grid(&self) -> u32 {
        blocks(self.of_block.len(), 1)
    }
}

/// A step of AdamW: θ ← θ (1 − rate × decay), then θ ← θ − rate × m̂ / (√v̂ + eps).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct AdamWHyper {
    pub rate: f32,
    pub beta1: f32,
    pub beta2: f32,
    pub eps: f32,
    pub decay: f32,
    /// 1 - beta1^step.
    pub correction1: f32,
    /// 1 - beta2^step.
    pub correction2: f32,
    /// What the gradients are multiplied by, where the device does not find that itself.
    pub scale: f32,
}

// SAFETY: eight floats in the order of the kernel's structure.
unsafe impl Scalar for AdamWHyper {}

impl Ops {
    /// The sum of the squares of all gradients, always in the same order. Shape of out: `[1]`.
    pub(crate) fn squared_norm(&self, segments: &Segments, out: ViewMut<'_, f32>) -> Result<(), CudaError> {
        if segments.is_empty() {
            return self.device.fill_zero(out);
        }
        let mut partial = self.device.alloc::<f32>(segments.of_block.len())?;
        let kernel = self.kernel(Family::Optimizer, "grad_norm")?;
        let launch = self.device.launch(&kernel).read(&segments.table).read(&segments.of_block).write(&mut partial);
        // SAFETY: the arguments are the kernel's; the segments say where gradients lie.
        unsafe { launch.run(segments.grid(), 256, 0)? };
        self.sum(partial.all(), 1.0, out)
    }

    /// One step of all parameters, and their bf16 copies. The gradients are multiplied by `scaled`, of [`Ops::clip`], where
    /// it is given, which must be `[1]`: where it is 0, nothing moves.
    pub(crate) fn adamw(
        &self,
        segments: &Segments,
        params: ViewMut<'_, f32>,
        first: ViewMut<'_, f32>,
        second: ViewMut<'_, f32>,
        (hyper, scaled): (&AdamWHyper, Option<View<'_, f32>>),
    ) -> Result<(), CudaError> {
        for values in [&params, &first, &second] {
            check_length(values.as_view(), segments.values);
        }
        if segments.is_empty() {
            return Ok(());
        }
        let kernel = self.kernel(Family::Optimizer, "adamw")?;
        let launch = self.device.launch(&kernel).read(&segments.table).read(&segments.of_block);
        let launch = launch.write(params).write(first).write(second).value(*hyper);
        let launch = match scaled {
            Some(scaled) => {
                check_length(scaled, 1);
                launch.read(scaled)
            }
            None => launch.null(),
        };
        // SAFETY: the arguments are the kernel's, checked above; the segments say where gradients and copies lie.
        unsafe { launch.run(segments.grid(), 256, 0) }
    }

    /// The bf16 copies of all parameters.
    pub(crate) fn publish(&self, segments: &Segments, params: View<'_, f32>) -> Result<(), CudaError> {
        check_length(params, segments.values);
        if segments.is_empty() {
            return Ok(());
        }
        let kernel = self.kernel(Family::Optimizer, "publish_all")?;
        let launch = self.device.launch(&kernel).read(&segments.table).read(&segments.of_block).read(params);
        // SAFETY: the arguments are the kernel's, checked above; the segments say where copies lie.
        unsafe { launch.run(segments.grid(), 256, 0) }
    }
}
