//! Products of two to eight rows with quantised weights, whose bytes are read once for all rows: what a small batch of
//! tokens costs that are generated together. T rows, N outputs, K inputs, R ranks of adapters.

use half::bf16;
use lam_cuda::{CudaError, View, ViewMut};

use super::{Ops, Place, blocks, check_eights, check_length, check_matrix};
use crate::backend::cuda::quantised::Quants;
use crate::backend::cuda::sources::Family;

/// Rows that [`Ops::few_product`] takes. Above, a product with panels is the other way; where it becomes the better one, a
/// card has not shown yet.
pub(crate) const FEW_ROWS: usize = 8;

/// What becomes of such a product. Shape: [T, N].
pub(crate) enum FewBecome<'a> {
    Rows(ViewMut<'a, bf16>),
    /// It is added to what is given, if anything is.
    Wide(Option<View<'a, f32>>, ViewMut<'a, f32>),
}

impl Ops {
    /// [x | inner] [W | s B]ᵀ. Shapes: x [T, K + R]; W [N, K]; s B [N, R], R is 0 without; y [T, N], rows `stride` apart.
    pub(crate) fn few_product(
        &self,
        (w, b): (Quants<'_>, Option<Place<'_>>),
        (n, k, r): (usize, usize, usize),
        (x, t): (Place<'_>, usize),
        (y, stride): (FewBecome<'_>, usize),
    ) -> Result<(), CudaError> {
        assert!((1..=FEW_ROWS).contains(&t), "{t} rows");
        w.check(n, k);
        x.check(t, k + r);
        check_eights(&[k, x.stride]);
        let kernel = self.kernel(Family::FewBlocks(w.form), "blocks_few")?;
        let launch = self.device.launch(&kernel).read(w.quants).read(w.scales);
        let launch = launch.read(x.values).value(x.stride as i64);
        let launch = match b {
            Some(b) if r > 0 => {
                b.check(n, r);
                launch.read(b.values).value(b.stride as i64)
            }
            _ => {
                assert_eq!(r, 0, "an adapter without B");
                launch.null().value(0_i64)
            }
        };
        let launch = match y {
            FewBecome::Rows(y) => {
                check_matrix(y.len(), stride, t, n);
                launch.write(y).null().null()
            }
            FewBecome::Wide(onto, y) => {
                check_matrix(y.len(), stride, t, n);
                let launch = launch.null();
                let launch = match onto {
                    Some(onto) => {
                        check_length(onto, (t - 1) * stride + n);
                        launch.read(onto)
                    }
                    None => launch.null(),
                };
                launch.write(y)
            }
        };
        let launch = launch.value(stride as i64).value(n as i32).value(k as i32).value(r as i32).value(t as i32);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(n, 16), 256, 0) }
    }
}
