//! SwiGLU over fused rows. T rows, F width of gate and of up.

use lam_cuda::CudaError;

use super::{Ops, Place, PlaceMut, blocks, check_eights};
use crate::backend::cuda::sources::Family;

impl Ops {
    /// y = silu(gate) up. Shapes: gate_up [T, 2F]; y [T, F].
    pub(crate) fn swiglu(&self, gate_up: Place<'_>, (t, f): (usize, usize), y: PlaceMut<'_>) -> Result<(), CudaError> {
        check_eights(&[f, gate_up.stride, y.stride]);
        gate_up.check(t, 2 * f);
        y.check(t, f);
        let kernel = self.kernel(Family::Swiglu, "swiglu_forward")?;
        let launch = self.device.launch(&kernel).read(gate_up.values).value(gate_up.stride as i64);
        let launch = launch.write(y.values).value(y.stride as i64).value(t as i64).value(f as i32);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(t * f / 8, 256), 256, 0) }
    }

    /// The gradient by gate and up, where `g_then_y` is the one by y, which it replaces by y. Shapes: by_gate_up [T, 2F];
    /// g_then_y [T, F].
    pub(crate) fn swiglu_backward(
        &self,
        gate_up: Place<'_>,
        (t, f): (usize, usize),
        by_gate_up: PlaceMut<'_>,
        mut g_then_y: PlaceMut<'_>,
    ) -> Result<(), CudaError> {
        check_eights(&[f, gate_up.stride, by_gate_up.stride, g_then_y.stride]);
        gate_up.check(t, 2 * f);
        by_gate_up.check(t, 2 * f);
        g_then_y.check(t, f);
        let stride = g_then_y.stride as i64;
        let kernel = self.kernel(Family::Swiglu, "swiglu_backward")?;
        let launch = self.device.launch(&kernel).read(gate_up.values).value(gate_up.stride as i64);
        let launch = launch.write(&mut g_then_y.values).value(stride);
        let launch = launch.write(by_gate_up.values).value(by_gate_up.stride as i64);
        let launch = launch.write(&mut g_then_y.values).value(stride).value(t as i64).value(f as i32);
        // SAFETY: the arguments are the kernel's, checked above; each thread reads its values of g before it writes y there.
        unsafe { launch.run(blocks(t * f / 8, 256), 256, 0) }
    }
}
