//! A scalar head over some rows. N rows are scored of T; D width.

use lam_cuda::{CudaError, View, ViewMut};

use super::norm::ROWS;
use super::{Ops, Place, blocks, check_length};
use crate::backend::cuda::sources::Family;

impl Ops {
    /// score = x\[row\] · w. Shapes: x [T, D]; rows `[N]`, each below T; w `[D]`; scores `[N]`.
    pub(crate) fn scores(
        &self,
        x: Place<'_>,
        rows: View<'_, i32>,
        w: View<'_, f32>,
        scores: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        check_length(scores.as_view(), rows.len());
        let kernel = self.kernel(Family::Score, "scores")?;
        let launch = self.device.launch(&kernel).read(x.values).value(x.stride as i64).read(rows).read(w);
        let launch = launch.write(scores).value(w.len() as i32);
        // SAFETY: the arguments are the kernel's; that rows are below T is the caller's check.
        unsafe { launch.run(rows.len() as u32, 256, 0) }
    }

    /// Adds the gradients by the rows and by w, from the one by the scores; no row is scored twice. Shapes: by_x [T, D];
    /// by_w `[D]`.
    #[expect(clippy::too_many_arguments, reason = "operands of a kernel, each of its own kind")]
    pub(crate) fn scores_backward(
        &self,
        x: Place<'_>,
        rows: View<'_, i32>,
        w: View<'_, f32>,
        by_scores: View<'_, f32>,
        d: usize,
        by_x: ViewMut<'_, f32>,
        by_w: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        let n = rows.len();
        check_length(by_scores, n);
        check_length(w, d);
        let kernel = self.kernel(Family::Score, "scores_by_rows")?;
        let launch = self.device.launch(&kernel).read(by_scores).read(w).read(rows).write(by_x).value(d as i32);
        // SAFETY: the arguments are the kernel's; that rows are below T is the caller's check.
        unsafe { launch.run(n as u32, 256, 0)? };
        let parts = blocks(n, ROWS);
        let mut partial = self.device.alloc::<f32>(parts as usize * d)?;
        let kernel = self.kernel(Family::Score, "scores_by_weight")?;
        let launch = self.device.launch(&kernel).read(x.values).value(x.stride as i64).read(rows).read(by_scores);
        let launch = launch.write(&mut partial).value(n as i32).value(d as i32).value(ROWS as i32);
        // SAFETY: the arguments are the kernel's; the parts have room for all blocks.
        unsafe { launch.run((blocks(d, 256), parts), 256, 0)? };
        self.sum_rows(partial.all(), (parts as usize, d), by_w)
    }
}
