//! Products of a single row with matrices, at the rate at which memory gives these: what a token costs that is generated
//! alone. N outputs, K inputs, R ranks of adapters, F feed-forward width.

use half::bf16;
use lam_cuda::{Buffer, CudaError, Launch, View, ViewMut};

use super::{Ops, Place, blocks, check_eights, check_length};
use crate::backend::cuda::sources::Family;

/// A row that a matrix is multiplied with.
#[derive(Clone, Copy)]
pub(crate) enum Single<'a> {
    /// The RMSNorm of a row of the residual stream: the row, the norm's weight, and its epsilon. Shapes: `[K]`.
    Normed(View<'a, f32>, View<'a, bf16>, f32),
    /// A row. Shape: `[K]`.
    Row(View<'a, bf16>),
}

/// What becomes of a product. Shape: `[N]`.
pub(crate) enum Becomes<'a> {
    Row(ViewMut<'a, bf16>),
    Wide(ViewMut<'a, f32>),
    /// It is added to what is there.
    Added(ViewMut<'a, f32>),
}

/// A matrix W [N, K] with adapters beside and below it, as [`crate::backend::cuda::Group`] has them, or without.
#[derive(Clone, Copy)]
pub(crate) struct Extended<'a> {
    pub(crate) matrix: Place<'a>,
    /// N, K, R.
    pub(crate) size: (usize, usize, usize),
}

impl Extended<'_> {
    fn check(&self) {
        let (n, k, r) = self.size;
        self.matrix.check(n, (k + r).next_multiple_of(8));
        check_eights(&[k, self.matrix.stride]);
    }

    /// Bytes of shared memory of a block.
    fn bytes(&self) -> usize {
        let (_, k, r) = self.size;
        4 * (k + r.next_multiple_of(8))
    }
}

impl Single<'_> {
    fn check(&self, k: usize) {
        match self {
            Self::Normed(x, weight, _) => {
                check_length(*x, k);
                check_length(*weight, k);
            }
            Self::Row(x) => check_length(*x, k),
        }
    }

    fn eps(&self) -> f32 {
        if let Self::Normed(_, _, eps) = self { *eps } else { 0.0 }
    }
}

impl Ops {
    /// Whether rows of so many inputs and ranks can be held by a block.
    pub(crate) fn holds_single(&self, (_, k, r): (usize, usize, usize)) -> bool {
        // The norm needs a little of its own.
        k.is_multiple_of(8) && 4 * (k + r.next_multiple_of(8)) + 1024 <= self.device.properties().shared_memory
    }

    /// W x + s B A x.
    pub(crate) fn single_product(&self, w: Extended<'_>, x: Single<'_>, y: Becomes<'_>) -> Result<(), CudaError> {
        let inner = self.single_inner(w, x)?;
        self.single(w, x, inner.as_ref(), y)
    }

    /// silu(gate) up of W x + s B A x, where W has the rows of the gates, then those of the ups. Shape: `[F]`.
    pub(crate) fn single_gate_up(&self, w: Extended<'_>, x: Single<'_>, p: ViewMut<'_, bf16>) -> Result<(), CudaError> {
        let ((n, k, r), f) = (w.size, w.size.0 / 2);
        assert_eq!(n, 2 * f, "gates and ups");
        w.check();
        x.check(k);
        check_length(p.as_view(), f);
        let Single::Normed(values, weight, eps) = x else { panic!("gates and ups read a norm") };
        let inner = self.single_inner(w, x)?;
        let kernel = self.kernel(Family::Single, "single_gate_up")?;
        let launch = self.device.launch(&kernel).read(w.matrix.values).value(w.matrix.stride as i64);
        let launch = with_inner(launch.read(values).read(weight), inner.as_ref()).write(p);
        let launch = launch.value(f as i32).value(k as i32).value(r as i32).value(eps);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(f, 8).min(self.filling()), 256, w.bytes()) }
    }

    /// A x, where there are adapters. Shape: `[R]`.
    fn single_inner(&self, w: Extended<'_>, x: Single<'_>) -> Result<Option<Buffer<f32>>, CudaError> {
        let (n, k, r) = w.size;
        if r == 0 {
            return Ok(None);
        }
        let matrix = Place { values: w.matrix.values.part(n * w.matrix.stride..), stride: w.matrix.stride };
        let mut inner = self.device.alloc::<f32>(r)?;
        self.single(Extended { matrix, size: (r, k, 0) }, x, None, Becomes::Wide(inner.all_mut()))?;
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
        let name = match x {
            Single::Normed(..) => "single_product",
            Single::Row(_) => "single_product_bf16",
        };
        let kernel = self.kernel(Family::Single, name)?;
        let launch = self.device.launch(&kernel).read(w.matrix.values).value(w.matrix.stride as i64);
        let launch = match x {
            Single::Normed(values, weight, _) => launch.read(values).read(weight),
            Single::Row(values) => launch.read(values).null(),
        };
        let (launch, add) = match (with_inner(launch, inner), y) {
            (launch, Becomes::Row(y)) => {
                check_length(y.as_view(), n);
                (launch.write(y).null(), 0)
            }
            (launch, Becomes::Wide(y)) => {
                check_length(y.as_view(), n);
                (launch.null().write(y), 0)
            }
            (launch, Becomes::Added(y)) => {
                check_length(y.as_view(), n);
                (launch.null().write(y), 1)
            }
        };
        let launch = launch.value(n as i32).value(k as i32).value(r as i32).value(x.eps()).value(add);
        // SAFETY: the arguments are the kernel's, checked above.
        unsafe { launch.run(blocks(n, 16).min(self.filling()), 256, w.bytes()) }
    }

    /// Blocks that fill the device: three a multiprocessor.
    fn filling(&self) -> u32 {
        3 * self.device.properties().multiprocessors
    }
}

fn with_inner<'l>(launch: Launch<'l>, inner: Option<&Buffer<f32>>) -> Launch<'l> {
    match inner {
        Some(inner) => launch.read(inner),
        None => launch.null(),
    }
}
