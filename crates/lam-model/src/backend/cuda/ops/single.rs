//! Products of a single row with matrices, at the rate at which memory gives these: what a token costs that is generated
//! alone. N outputs, K inputs, R ranks of adapters, F feed-forward width.

use half::bf16;
use lam_cuda::{Buffer, CudaError, Kernel, Launch, View, ViewMut};

use super::decode::NormedRow;
use super::{Ops, Place, blocks, check_eights, check_length};
use crate::backend::cpu::kernel::blocks::BlockForm;
use crate::backend::cuda::quantised::Quants;
use crate::backend::cuda::sources::Family;

/// A row that a matrix is multiplied with.
#[derive(Clone, Copy)]
pub(crate) enum Single<'a> {
    /// The RMSNorm of a row of the residual stream: the row, the norm's weight, and its epsilon. Shapes: `[K]`.
    Normed(View<'a, f32>, View<'a, bf16>, f32),
    /// A row. Shape: `[K]`.
    Row(View<'a, bf16>),
    /// A row. Shape: `[K]`.
    Wide(View<'a, f32>),
}

/// What becomes of a product. Shape: `[N]`.
pub(crate) enum Becomes<'a> {
    Row(ViewMut<'a, bf16>),
    Wide(ViewMut<'a, f32>),
    /// It is added to what is there.
    Added(ViewMut<'a, f32>),
}

/// W [N, K], with adapters A [R, K] and s B [N, R] or without.
#[derive(Clone, Copy)]
pub(crate) enum Weights<'a> {
    /// [W | s B] over [A | zeros].
    Dense(Place<'a>),
    /// W in blocks, A, and s B, with zeros up to a multiple of 8 columns.
    Blocks(Quants<'a>, Place<'a>, Option<Place<'a>>),
}

/// Weights as [`crate::backend::cuda::Group`] has them.
#[derive(Clone, Copy)]
pub(crate) struct Extended<'a> {
    pub(crate) weights: Weights<'a>,
    /// N, K, R; R is 0 where adapters are left out.
    pub(crate) size: (usize, usize, usize),
}

impl<'a> Extended<'a> {
    fn check(&self) {
        let (n, k, r) = self.size;
        check_eights(&[k]);
        match self.weights {
            Weights::Dense(matrix) => {
                check_eights(&[matrix.stride]);
                matrix.check(n, (k + r).next_multiple_of(8));
            }
            Weights::Blocks(w, a, b) => {
                w.check(n, k);
                check_eights(&[a.stride]);
                assert!(r == 0 || b.is_some(), "an adapter without B");
                if let Some(b) = b {
                    check_eights(&[b.stride]);
                    b.check(n, r.next_multiple_of(8));
                }
            }
        }
    }

    /// A.
    fn inner(&self) -> Self {
        let (n, k, r) = self.size;
        let a = match self.weights {
            Weights::Dense(matrix) => Place { values: matrix.values.part(n * matrix.stride..), stride: matrix.stride },
            Weights::Blocks(_, a, _) => a,
        };
        Self { weights: Weights::Dense(a), size: (r, k, 0) }
    }

    /// The kernels for such weights.
    fn family(&self) -> Family {
        match self.weights {
            Weights::Dense(_) => Family::Single,
            Weights::Blocks(w, ..) => Family::SingleBlocks(w.form),
        }
    }

    /// Bytes of shared memory of a block.
    fn bytes(&self) -> usize {
        let form = match self.weights {
            Weights::Dense(_) => None,
            Weights::Blocks(w, ..) => Some(w.form),
        };
        bytes(form, self.size)
    }

    /// The kernels' arguments: the matrix, the row with what it is normed by, A's product with it, s B of blocks.
    fn launch<'l>(self, ops: &'l Ops, kernel: &'l Kernel, x: Single<'l>, inner: Option<&'l Buffer<f32>>) -> Launch<'l>
    where
        'a: 'l,
    {
        let launch = ops.device.launch(kernel);
        let launch = match self.weights {
            Weights::Dense(matrix) => launch.read(matrix.values).value(matrix.stride as i64),
            Weights::Blocks(w, ..) => launch.read(w.quants).read(w.scales),
        };
        let launch = match x {
            Single::Normed(values, weight, _) => launch.read(values).read(weight),
            Single::Row(values) => launch.read(values).null(),
            Single::Wide(values) => launch.read(values).null(),
        };
        let launch = match inner {
            Some(inner) => launch.read(inner),
            None => launch.null(),
        };
        match self.weights {
            Weights::Dense(_) => launch,
            Weights::Blocks(_, _, Some(b)) => launch.read(b.values).value(b.stride as i64),
            Weights::Blocks(_, _, None) => launch.null().value(0_i64),
        }
    }
}

/// Bytes of shared memory in which a row lies, with what blocks of 4 bits need of its sums.
fn bytes(form: Option<BlockForm>, (_, k, r): (usize, usize, usize)) -> usize {
    let sums = if matches!(form, Some(BlockForm::Q4_0 | BlockForm::Q4K)) { k / 4 } else { 0 };
    4 * (k + r.next_multiple_of(8)) + sums
}

impl<'a> Single<'a> {
    fn check(&self, k: usize) {
        match self {
            Self::Normed(x, weight, _) => {
                check_length(*x, k);
                check_length(*weight, k);
            }
            Self::Row(x) => check_length(*x, k),
            Self::Wide(x) => check_length(*x, k),
        }
    }

    fn eps(&self) -> f32 {
        if let Self::Normed(_, _, eps) = self { *eps } else { 0.0 }
    }

    /// As `decode.cu` takes it.
    fn wide(self) -> Option<NormedRow<'a>> {
        match self {
            Self::Normed(x, weight, eps) => Some((x, Some((weight, eps)))),
            Self::Wide(x) => Some((x, None)),
            Self::Row(_) => None,
        }
    }
}

impl Ops {
    /// Whether rows of so many inputs and ranks can be held by a block, for weights in blocks or not.
    pub(crate) fn holds_single(&self, form: Option<BlockForm>, size: (usize, usize, usize)) -> bool {
        // The norm needs a little of its own.
        size.1.is_multiple_of(8) && bytes(form, size) + 1024 <= self.device.properties().shared_memory
    }

    /// W x + s B A x.
    pub(crate) fn single_product(&self, w: Extended<'_>, x: Single<'_>, y: Becomes<'_>) -> Result<(), CudaError> {
        let inner = self.single_inner(w, x)?;
        self.single(w, x, inner.as_ref(), y)
    }

    /// silu(gate) up of W x + s B A x, where W has the rows of the gates, then those of the ups. Shape: `[F]`.
    pub(crate) fn single_gate_up(&self, w: Extended<'_>, x: Single<'_>, p: ViewMut<'_, f32>) -> Result<(), CudaError> {
        let ((n, k, r), f) = (w.size, w.size.0 / 2);
        assert_eq!(n, 2 * f, "gates and ups");
        w.check();
        x.check(k);
        check_length(p.as_view(), f);
        assert!(!matches!(x, Single::Row(_)), "gates and ups read f32");
        if let (Weights::Dense(matrix), 0, Some(x)) = (w.weights, r, x.wide()) {
            return self.decode_gate_up(matrix, (f, k), x, p);
        }
        let inner = self.single_inner(w, x)?;
        let name = if matches!(w.weights, Weights::Dense(_)) { "single_gate_up" } else { "blocks_gate_up" };
        let kernel = self.kernel(w.family(), name)?;
        let launch = w.launch(self, &kernel, x, inner.as_ref()).write(p);
        let launch = launch.value(f as i32).value(k as i32).value(r as i32).value(x.eps());
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(f, 8).min(self.filling()), 256, w.bytes()) }
    }

    /// A x, where there are adapters. Shape: `[R]`.
    fn single_inner(&self, w: Extended<'_>, x: Single<'_>) -> Result<Option<Buffer<f32>>, CudaError> {
        let r = w.size.2;
        if r == 0 {
            return Ok(None);
        }
        let mut inner = self.device.alloc::<f32>(r)?;
        self.single(w.inner(), x, None, Becomes::Wide(inner.all_mut()))?;
        Ok(Some(inner))
    }

    fn single(
        &self,
        w: Extended<'_>,
        x: Single<'_>,
        inner: Option<&Buffer<f32>>,
        y: Becomes<'_>,
    ) -> Result<(), CudaError> {
        let (n, k, r) = w.size;
        w.check();
        x.check(k);
        let (narrow, wide, add) = match y {
            Becomes::Row(y) => (Some(y), None, false),
            Becomes::Wide(y) => (None, Some(y), false),
            Becomes::Added(y) => (None, Some(y), true),
        };
        let wide = match (w.weights, x.wide(), wide) {
            // A card has run these kernels (`kernels/PROVEN.md`).
            (Weights::Dense(matrix), Some(x), Some(y)) if r == 0 && n.is_multiple_of(2) => {
                return self.decode_product(matrix, (n, k), x, y, add);
            }
            (_, _, wide) => wide,
        };
        let name = match (w.weights, x) {
            (Weights::Dense(_), Single::Row(_)) => "single_product_bf16",
            (Weights::Dense(_), _) => "single_product",
            (Weights::Blocks(..), Single::Row(_)) => "blocks_product_bf16",
            (Weights::Blocks(..), _) => "blocks_product",
        };
        let kernel = self.kernel(w.family(), name)?;
        let launch = w.launch(self, &kernel, x, inner);
        let launch = match (narrow, wide) {
            (Some(y), _) => {
                check_length(y.as_view(), n);
                launch.write(y).null()
            }
            (None, Some(y)) => {
                check_length(y.as_view(), n);
                launch.null().write(y)
            }
            (None, None) => unreachable!("a product becomes one of the two"),
        };
        let launch = launch.value(n as i32).value(k as i32).value(r as i32).value(x.eps()).value(i32::from(add));
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(n, 16).min(self.filling()), 256, w.bytes()) }
    }

    /// Blocks that fill the device: three a multiprocessor.
    fn filling(&self) -> u32 {
        3 * self.device.properties().multiprocessors
    }
}
