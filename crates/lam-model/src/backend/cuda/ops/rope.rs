//! Rotary positions, in place.

use lam_cuda::{CudaError, View};

use super::{Ops, PlaceMut, blocks, check_eights, check_length};
use crate::backend::cuda::sources::Family;

impl Ops {
    /// Rotates the first `heads` heads of each row to the row's position; `direction` -1 rotates them back. Shapes: x [T, ≥
    /// heads dim]; positions `[T]`; table [positions, dim / 2, 2], cosines and sines.
    #[expect(clippy::too_many_arguments, reason = "operands of a kernel, each of its own kind")]
    pub(crate) fn rope(
        &self,
        x: PlaceMut<'_>,
        t: usize,
        heads: usize,
        dim: usize,
        positions: View<'_, i32>,
        table: View<'_, f32>,
        direction: f32,
    ) -> Result<(), CudaError> {
        assert!(dim.is_multiple_of(16), "heads of {dim} values");
        check_eights(&[x.stride]);
        x.check(t, heads * dim);
        check_length(positions, t);
        let kernel = self.kernel(Family::Rope, "rope")?;
        let launch = self.device.launch(&kernel).write(x.values).value(x.stride as i64).read(positions).read(table);
        let launch = launch.value(t as i32).value(heads as i32).value(dim as i32).value(direction);
        // SAFETY: the arguments are the kernel's, checked above; positions are within the table, which was made for them.
        unsafe { launch.run(blocks(t * heads * dim / 16, 256), 256, 0) }
    }
}
