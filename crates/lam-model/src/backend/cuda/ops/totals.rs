//! What a step comes to, on the device: sums of losses, clipping.

use lam_cuda::{CudaError, Scalar, View, ViewMut};

use super::{Ops, check_length};
use crate::backend::cuda::sources::Family;

/// Clipping of gradients by their global norm.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Clip {
    /// What the gradients are to be multiplied by before their norm counts.
    pub scale: f64,
    /// The largest norm; 0: any.
    pub most: f64,
}

// SAFETY: two doubles in the order of the kernel's structure.
unsafe impl Scalar for Clip {}

impl Ops {
    /// The sum of losses and that of hits (exact below 2²⁴), always in the same order. Shapes: losses, hits `[N]`; out `[2]`.
    pub(crate) fn loss_totals(
        &self,
        losses: View<'_, f32>,
        hits: View<'_, i32>,
        out: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        check_length(hits, losses.len());
        check_length(out.as_view(), 2);
        let kernel = self.kernel(Family::Totals, "loss_totals")?;
        let launch = self.device.launch(&kernel).read(losses).read(hits).value(losses.len() as i32).write(out);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(1, 256, 0) }
    }

    /// The sum of the squares of the gradients as it is, and what each is to be multiplied by: scale and clipping, or 0 where
    /// the norm is no number. Shapes: squares `[1]`; out `[2]`.
    pub(crate) fn clip(&self, squares: View<'_, f32>, clip: Clip, out: ViewMut<'_, f32>) -> Result<(), CudaError> {
        check_length(squares, 1);
        check_length(out.as_view(), 2);
        let kernel = self.kernel(Family::Totals, "clip_scale")?;
        let launch = self.device.launch(&kernel).read(squares).value(clip).write(out);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(1, 1, 0) }
    }
}
