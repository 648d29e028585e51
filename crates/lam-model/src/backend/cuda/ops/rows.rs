//! What is done to rows value by value.

use half::bf16;
use lam_cuda::{CudaError, View, ViewMut};

use super::norm::ROWS;
use super::{Ops, Place, PlaceMut, blocks, check_eights, check_length};
use crate::backend::cuda::sources::Family;

impl Ops {
    /// y = x with some values 0 and the others scaled: the processor's mask, over the values as if rows had no room behind
    /// them. Its own backward. Shapes: x, y [T, K].
    pub(crate) fn dropout(
        &self,
        x: Place<'_>,
        (t, k): (usize, usize),
        rate: f64,
        seed: u64,
        y: PlaceMut<'_>,
    ) -> Result<(), CudaError> {
        check_eights(&[k, x.stride, y.stride]);
        x.check(t, k);
        y.check(t, k);
        let (threshold, factor) = ((rate * 2f64.powi(32)) as u64, (1.0 / (1.0 - rate)) as f32);
        let kernel = self.kernel(Family::Rows, "dropout")?;
        let launch = self.device.launch(&kernel).read(x.values).value(x.stride as i64).write(y.values);
        let launch = launch.value(y.stride as i64).value(t as i64).value(k as i32);
        let launch = launch.value(seed).value(threshold).value(factor);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(t * k / 8, 256), 256, 0) }
    }

    /// Row n of y becomes row `rows[n]` of x. Shapes: x [T, D]; rows `[N]`, each below T; y [N, D].
    pub(crate) fn gather(&self, x: Place<'_>, rows: View<'_, i32>, d: usize, y: PlaceMut<'_>) -> Result<(), CudaError> {
        check_eights(&[d, x.stride, y.stride]);
        y.check(rows.len(), d);
        let kernel = self.kernel(Family::Rows, "gather_rows")?;
        let launch = self.device.launch(&kernel).read(x.values).value(x.stride as i64).read(rows);
        let launch = launch.write(y.values).value(y.stride as i64).value(d as i32);
        // SAFETY: the arguments are the kernel's, checked above; that rows are below T is the caller's check.
        unsafe { launch.run(rows.len() as u32, 256, 0) }
    }

    /// Adds scale × row n of x to row `rows[n]` of y; no row twice, and those below 0 not at all. Shapes: x [N, D]; y [T, D].
    pub(crate) fn scatter_add(
        &self,
        x: View<'_, f32>,
        rows: View<'_, i32>,
        scale: f32,
        d: usize,
        y: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        check_length(x, rows.len() * d);
        let kernel = self.kernel(Family::Rows, "scatter_add")?;
        let launch = self.device.launch(&kernel).read(x).value(d as i64).read(rows).value(scale);
        let launch = launch.write(y).value(d as i64).value(d as i32);
        // SAFETY: the arguments are the kernel's, checked above; that rows are below T is the caller's check.
        unsafe { launch.run(rows.len() as u32, 256, 0) }
    }

    /// y = x rounded to bf16. Shapes: [R, C].
    pub(crate) fn cast(&self, x: View<'_, f32>, (r, c): (usize, usize), y: PlaceMut<'_>) -> Result<(), CudaError> {
        check_length(x, r * c);
        y.check(r, c);
        let kernel = self.kernel(Family::Rows, "round_rows")?;
        let launch = self.device.launch(&kernel).read(x).value(c as i64).write(y.values).value(y.stride as i64);
        let launch = launch.value(r as i64).value(c as i32).value(1f32);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(r * c, 256), 256, 0) }
    }

    /// y = x as f32. Shapes: [R, C].
    pub(crate) fn widen(&self, x: Place<'_>, (r, c): (usize, usize), y: ViewMut<'_, f32>) -> Result<(), CudaError> {
        x.check(r, c);
        check_length(y.as_view(), r * c);
        let kernel = self.kernel(Family::Rows, "widen_rows")?;
        let launch = self.device.launch(&kernel).read(x.values).value(x.stride as i64).write(y).value(c as i64);
        let launch = launch.value(r as i64).value(c as i32);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(r * c, 256), 256, 0) }
    }

    /// y += scale × x.
    pub(crate) fn add_scaled(&self, x: View<'_, f32>, scale: f32, y: ViewMut<'_, f32>) -> Result<(), CudaError> {
        check_length(y.as_view(), x.len());
        let kernel = self.kernel(Family::Rows, "add_scaled")?;
        let launch = self.device.launch(&kernel).write(y).read(x).value(x.len() as i64).value(scale);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(x.len(), 256), 256, 0) }
    }

    /// Adds the bias to every row. Shapes: x [T, N]; bias `[N]`.
    pub(crate) fn add_bias(
        &self,
        x: PlaceMut<'_>,
        bias: View<'_, bf16>,
        (t, n): (usize, usize),
    ) -> Result<(), CudaError> {
        check_eights(&[n, x.stride]);
        x.check(t, n);
        check_length(bias, n);
        let kernel = self.kernel(Family::Rows, "add_bias")?;
        let launch = self.device.launch(&kernel).write(x.values).value(x.stride as i64).read(bias);
        let launch = launch.value(t as i64).value(n as i32);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(t * n / 8, 256), 256, 0) }
    }

    /// Adds the gradient by a bias, the sum of g's rows, to `gradient`. Shapes: g [T, N]; gradient `[N]`.
    pub(crate) fn bias_backward(
        &self,
        g: Place<'_>,
        (t, n): (usize, usize),
        gradient: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        check_eights(&[n, g.stride]);
        g.check(t, n);
        let parts = blocks(t, ROWS);
        let mut partial = self.device.alloc::<f32>(parts as usize * n)?;
        let kernel = self.kernel(Family::Rows, "column_sums")?;
        let launch = self.device.launch(&kernel).read(g.values).value(g.stride as i64).write(&mut partial);
        let launch = launch.value(t as i32).value(n as i32).value(ROWS as i32);
        // SAFETY: the arguments are the kernel's, checked above; the parts have room for all blocks.
        unsafe { launch.run((blocks(n, 1024), parts), 128, 0)? };
        self.sum_rows(partial.all(), (parts as usize, n), gradient)
    }

    /// Adds the rows of `partial`, in their order, to `sum`. Shapes: [parts, C]; `[C]`.
    pub(super) fn sum_rows(
        &self,
        partial: View<'_, f32>,
        (parts, c): (usize, usize),
        sum: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        check_length(partial, parts * c);
        check_length(sum.as_view(), c);
        let kernel = self.kernel(Family::Rows, "sum_rows")?;
        let launch = self.device.launch(&kernel).read(partial).value(parts as i32).value(c as i32);
        let launch = launch.write(sum).value(1i32);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(c, 256), 256, 0) }
    }
}
