//! Quantised weights to bf16, and what lies beside them: panels of a weight that a product reads.

use lam_cuda::CudaError;

use super::{Ops, Place, PlaceMut, blocks, check_eights};
use crate::backend::cpu::kernel::blocks::BlockForm;
use crate::backend::cuda::quantised::Quants;
use crate::backend::cuda::sources::Family;

/// Bytes of a panel. It is written and then read once or more by a product: within the L2 cache (40 MB on an A100, 50 MB
/// on an H100 or H200), neither goes to memory. Smaller ones leave a product of 2,048 rows with fewer tiles than the card
/// has multiprocessors.
pub const PANEL_BYTES: usize = 32 << 20;

impl Ops {
    /// Expands rows of a weight. Shapes: w [N, K]; y [N, K].
    pub(crate) fn dequantise(&self, w: Quants<'_>, (n, k): (usize, usize), y: PlaceMut<'_>) -> Result<(), CudaError> {
        w.check(n, k);
        check_eights(&[y.stride]);
        y.check(n, k);
        let name = match w.form {
            BlockForm::Q8_0 => "dequantise_q8_0",
            BlockForm::Q4_0 => "dequantise_q4_0",
            BlockForm::Q4K => "dequantise_q4_k",
        };
        let kernel = self.kernel(Family::Dequantise, name)?;
        let launch = self.device.launch(&kernel).read(w.quants).read(w.scales).value(w.stride as i64);
        let launch = launch.write(y.values).value(y.stride as i64).value(n as i64).value(k as i32);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(n * k / 8, 256), 256, 0) }
    }

    /// Copies a rectangle. Shapes: x [N, K]; y [N, K], K a multiple of 8.
    pub(crate) fn copy_columns(&self, x: Place<'_>, (n, k): (usize, usize), y: PlaceMut<'_>) -> Result<(), CudaError> {
        check_eights(&[k, x.stride, y.stride]);
        x.check(n, k);
        y.check(n, k);
        let kernel = self.kernel(Family::Dequantise, "copy_columns")?;
        let launch = self.device.launch(&kernel).read(x.values).value(x.stride as i64);
        let launch = launch.write(y.values).value(y.stride as i64).value(n as i64).value(k as i32);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(n * k / 8, 256), 256, 0) }
    }
}
