//! GGUF's blocks to bf16.

use lam_cuda::{CudaError, View};

use super::{Ops, PlaceMut, blocks, check_eights, check_length};
use crate::backend::cpu::kernel::blocks::BlockForm;
use crate::backend::cuda::sources::Family;

impl Ops {
    /// Expands the rows of a weight. Shapes: blocks of [N, K]; y [N, K].
    pub(crate) fn dequantise(
        &self,
        quants: View<'_, u8>,
        form: BlockForm,
        (n, k): (usize, usize),
        y: PlaceMut<'_>,
    ) -> Result<(), CudaError> {
        let (values, bytes) = form.size();
        assert!(k.is_multiple_of(values), "rows of {k} values in blocks of {values}");
        check_length(quants, n * k / values * bytes);
        check_eights(&[y.stride]);
        y.check(n, k);
        let name = match form {
            BlockForm::Q8_0 => "dequantise_q8_0",
            BlockForm::Q4_0 => "dequantise_q4_0",
            BlockForm::Q4K => "dequantise_q4_k",
        };
        let kernel = self.kernel(Family::Dequantise, name)?;
        let launch = self.device.launch(&kernel).read(quants).write(y.values).value(y.stride as i64);
        let launch = launch.value(n as i64).value(k as i32);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(n * k / 8, 256), 256, 0) }
    }
}
