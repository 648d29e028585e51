//! SwiGLU with the adapters' products of rank 16 in the same pass: proven on a card, and called by tests alone, since a group
//! makes the thin products of any rank itself: kept until a card has shown which is faster. T rows, F width of gate and of up, a multiple of 32.

use half::bf16;
use lam_cuda::{CudaError, View};

use super::{Ops, Place, PlaceMut, blocks, check_eights, check_length};
use crate::backend::cuda::sources::Family;

/// The rank of the adapters.
const RANK: usize = 16;

impl Ops {
    /// As [`Self::swiglu`], with the product of y and an adapter's A of rank 16, in the 16 columns behind y. Shapes: a [16,
    /// F]; y [T, F + 16].
    pub(crate) fn swiglu_thin(
        &self,
        gate_up: Place<'_>,
        (t, f): (usize, usize),
        a: Place<'_>,
        y: PlaceMut<'_>,
    ) -> Result<(), CudaError> {
        assert!(f.is_multiple_of(32), "{f} is not a multiple of 32");
        check_eights(&[gate_up.stride, a.stride, y.stride]);
        gate_up.check(t, 2 * f);
        a.check(RANK, f);
        y.check(t, f + RANK);
        let kernel = self.kernel(Family::Swiglu, "swiglu_forward_thin")?;
        let launch = self.device.launch(&kernel).read(gate_up.values).value(gate_up.stride as i64);
        let launch = launch.write(y.values).value(y.stride as i64).read(a.values).value(a.stride as i64);
        let launch = launch.value(t as i32).value(f as i32);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(t, 32), 512, 32 << 10) }
    }

    /// The gradient by gate and up from the one by y, with its products with the scaled B of their adapters of rank 16, gate's
    /// and up's, in the 32 columns behind it. Shapes: by_y [T, F]; b_t [16, 2F], transposed; by_gate_up [T, 2F + 32].
    pub(crate) fn swiglu_backward_thin(
        &self,
        gate_up: Place<'_>,
        by_y: Place<'_>,
        (t, f): (usize, usize),
        b_t: View<'_, bf16>,
        by_gate_up: PlaceMut<'_>,
    ) -> Result<(), CudaError> {
        assert!(f.is_multiple_of(32), "{f} is not a multiple of 32");
        check_eights(&[gate_up.stride, by_y.stride, by_gate_up.stride]);
        gate_up.check(t, 2 * f);
        by_y.check(t, f);
        check_length(b_t, RANK * 2 * f);
        by_gate_up.check(t, 2 * f + 2 * RANK);
        let kernel = self.kernel(Family::Swiglu, "swiglu_backward_thin")?;
        let launch = self.device.launch(&kernel).read(gate_up.values).value(gate_up.stride as i64);
        let launch = launch.read(by_y.values).value(by_y.stride as i64);
        let launch = launch.write(by_gate_up.values).value(by_gate_up.stride as i64).read(b_t);
        let launch = launch.value(t as i32).value(f as i32);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(t, 32), 512, 64 << 10) }
    }
}
