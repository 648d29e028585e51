//! RMSNorm of rows and of heads, with gradients. T rows, D width, both of the residual stream (f32); E width of a head.

use half::bf16;
use lam_cuda::{CudaError, View, ViewMut};

use super::{Ops, Place, PlaceMut, blocks, check_eights, check_length};
use crate::backend::cuda::sources::Family;

/// The widest row of which a block has all values in registers.
const NARROW: usize = 4096;
/// Rows whose parts of a gradient by a weight are summed by one block.
pub(super) const ROWS: usize = 64;

impl Ops {
    /// y = x w / sqrt(mean(x²) + eps), and rstd, the reciprocal of the root. Shapes: x [T, D]; w `[D]`; y [T, D]; rstd `[T]`.
    pub(crate) fn rms_norm(
        &self,
        x: View<'_, f32>,
        w: View<'_, bf16>,
        (t, d): (usize, usize),
        eps: f32,
        y: PlaceMut<'_>,
        rstd: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        check_eights(&[d, y.stride]);
        check_length(x, t * d);
        check_length(w, d);
        check_length(rstd.as_view(), t);
        y.check(t, d);
        let narrow = d <= NARROW;
        let kernel = self.kernel(Family::Norm, if narrow { "rms_norm_forward" } else { "rms_norm_forward_wide" })?;
        let launch = self.device.launch(&kernel).read(x).null().null().read(w).write(y.values);
        let launch = launch.value(y.stride as i64).write(rstd).value(d as i32).value(eps);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(t as u32, if narrow { row_threads(d) } else { 512 }, 0) }
    }

    /// Adds to g the gradient by x, where `by_y` is the one by y; `first`: g is overwritten. `narrow` becomes g in bf16.
    #[expect(clippy::too_many_arguments, reason = "operands of a kernel, each of its own kind")]
    pub(crate) fn rms_norm_backward(
        &self,
        x: View<'_, f32>,
        rstd: View<'_, f32>,
        w: View<'_, bf16>,
        (t, d): (usize, usize),
        by_y: Place<'_>,
        first: bool,
        g: ViewMut<'_, f32>,
        narrow: PlaceMut<'_>,
    ) -> Result<(), CudaError> {
        check_eights(&[d, by_y.stride, narrow.stride]);
        check_length(x, t * d);
        check_length(rstd, t);
        check_length(w, d);
        check_length(g.as_view(), t * d);
        by_y.check(t, d);
        narrow.check(t, d);
        let whole = d <= NARROW && by_y.stride == d;
        let kernel = self.kernel(Family::Norm, if whole { "rms_norm_backward" } else { "rms_norm_backward_wide" })?;
        let launch = self.device.launch(&kernel).read(x).read(rstd).read(w).read(by_y.values);
        let launch = if whole { launch } else { launch.value(by_y.stride as i64) };
        let launch = launch.write(g).write(narrow.values).value(narrow.stride as i64);
        let launch = launch.value(d as i32).value(i32::from(first));
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(t as u32, if whole { row_threads(d) } else { 512 }, 0) }
    }

    /// Adds the gradient by w to `gradient`, in the same order each time. Shape: `[D]`.
    pub(crate) fn rms_norm_weight_backward(
        &self,
        x: View<'_, f32>,
        rstd: View<'_, f32>,
        by_y: Place<'_>,
        (t, d): (usize, usize),
        gradient: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        check_eights(&[d, by_y.stride]);
        check_length(x, t * d);
        check_length(rstd, t);
        by_y.check(t, d);
        let parts = blocks(t, ROWS);
        let mut partial = self.device.alloc::<f32>(parts as usize * d)?;
        let kernel = self.kernel(Family::Norm, "rms_norm_weight")?;
        let launch = self.device.launch(&kernel).read(x).read(rstd).read(by_y.values).value(by_y.stride as i64);
        let launch = launch.write(&mut partial).value(t as i32).value(d as i32).value(ROWS as i32);
        // SAFETY: the arguments are the kernel's, checked above; the parts have room for all blocks.
        unsafe { launch.run((blocks(d, 1024), parts), 128, 0)? };
        self.sum_rows(partial.all(), (parts as usize, d), gradient)
    }

    /// Norms each head by one weight, as Qwen3 does to queries and keys: `heads` of width `e`, side by side in the first
    /// columns of x and y. Shapes: x, y [T, heads E]; w `[E]`.
    pub(crate) fn head_norm(
        &self,
        x: Place<'_>,
        w: View<'_, bf16>,
        (t, heads, e): (usize, usize, usize),
        eps: f32,
        y: PlaceMut<'_>,
    ) -> Result<(), CudaError> {
        assert!(e <= 256, "heads of {e} values");
        check_length(w, e);
        x.check(t, heads * e);
        y.check(t, heads * e);
        let kernel = self.kernel(Family::Norm, "head_norm_forward")?;
        let launch = self.device.launch(&kernel).read(x.values).value(x.stride as i64).read(w).write(y.values);
        let launch = launch.value(y.stride as i64).value(t as i32).value(heads as i32).value(e as i32).value(eps);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(t * heads, 8), 256, 0) }
    }

    /// Replaces g, the gradient by [`Self::head_norm`]'s y, by the one by x; adds the one by w to `by_w` where it is wanted.
    pub(crate) fn head_norm_backward(
        &self,
        x: Place<'_>,
        w: View<'_, bf16>,
        (t, heads, e): (usize, usize, usize),
        eps: f32,
        g: PlaceMut<'_>,
        by_w: Option<ViewMut<'_, f32>>,
    ) -> Result<(), CudaError> {
        assert!(e <= 256, "heads of {e} values");
        check_length(w, e);
        x.check(t, heads * e);
        g.check(t, heads * e);
        // With parts of a gradient, a number of blocks that depends on the shape alone.
        let grid = blocks(t * heads, if by_w.is_some() { 8 * ROWS } else { 8 });
        let mut partial = self.device.alloc::<f32>(if by_w.is_some() { grid as usize * e } else { 0 })?;
        let kernel = self.kernel(Family::Norm, "head_norm_backward")?;
        let launch = self.device.launch(&kernel).read(x.values).value(x.stride as i64).read(w).write(g.values);
        let launch = launch.value(g.stride as i64);
        let launch = if by_w.is_some() { launch.write(&mut partial) } else { launch.null() };
        let launch = launch.value(t as i32).value(heads as i32).value(e as i32).value(eps);
        // SAFETY: the arguments are the kernel's, checked above; the parts have room for all blocks.
        unsafe { launch.run(grid, 256, 0)? };
        by_w.map_or(Ok(()), |by_w| self.sum_rows(partial.all(), (grid as usize, e), by_w))
    }
}

/// Threads for a row, eight values each.
fn row_threads(d: usize) -> u32 {
    (d / 8).next_multiple_of(32) as u32
}
