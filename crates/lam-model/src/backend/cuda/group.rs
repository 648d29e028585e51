//! Linear layers that read the same rows, as one product on the device, with their adapters folded in.
//!
//! Frozen weights W [N, K] and adapters A [R, K], B [N, R] (one below and beside the other, B in blocks) lie in one matrix
//!
//! ```text
//! E = [ W | s B ]    N rows
//!     [ A |  -  ]    R rows
//! ```
//!
//! so that y = [x | x Aᵀ] · [W | s B]ᵀ and the gradient by x is [g | g s B] · [W ; A]: the adapters cost two thin
//! products of their own, into the room behind x and behind g. Quantised weights are expanded into panels of such a matrix
//! (`panels.rs`), or multiplied with a few rows as they are (`ops/few.rs`).

use std::sync::{Mutex, MutexGuard, PoisonError};

use half::bf16;
use lam_cuda::{Addend, Buffer, CudaError, Matrix, Output, Product, View, ViewMut};

use super::ops::few::{FEW_ROWS, FewBecome};
use super::ops::{Ops, Place, PlaceMut};
use super::quantised::Quantised;
use super::rows::{Rows, Wide, stride_of};
use crate::backend::run::Run;

/// A layer of a group.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// First of its rows in W, and their number.
    pub(crate) rows: (usize, usize),
    /// First of its ranks, and their number; 0 without an adapter.
    pub(crate) ranks: (usize, usize),
    pub(crate) scale: f32,
    pub(crate) dropout: f64,
    /// Its place in [`crate::layout::MODULES`].
    pub(crate) module: usize,
}

/// Sums of the gradients by what is trained in a group.
#[derive(Debug)]
pub(crate) struct Sums {
    /// By A. Shape: [R, K].
    pub(crate) a: Option<Buffer<f32>>,
    /// By B, of which the blocks off the diagonal mean nothing. Shape: [N, R].
    pub(crate) b: Option<Buffer<f32>>,
    /// By W. Shape: [N, K].
    pub(crate) w: Option<Buffer<f32>>,
    /// By the bias. Shape: `[N]`.
    pub(crate) bias: Option<Buffer<f32>>,
}

/// The layers of a group.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) parts: Vec<Part>,
    /// Outputs of all layers, inputs, ranks of all adapters.
    pub(crate) size: (usize, usize, usize),
    /// E; where W is in blocks, A alone. Shape: [N + R, stride], or [R, stride].
    pub(crate) matrix: Buffer<bf16>,
    /// s B where W is in blocks. Shape: [N, stride of R].
    pub(crate) apart: Option<Buffer<bf16>>,
    /// What is added to the outputs, where layers have a bias. Shape: `[N]`.
    pub(crate) bias: Option<Buffer<bf16>>,
    /// W in blocks of fewer bits; none where it is in E. Shape: [N, K].
    pub(crate) quantised: Option<Quantised>,
    pub(crate) sums: Mutex<Sums>,
}

/// A batch's run, and the number of the block that a group is in.
pub(crate) type At<'a> = (&'a Run, usize);

/// The gradient by a group's outputs, with g s B behind it.
pub(crate) struct OutputGradient<'a> {
    pub(crate) group: &'a Group,
    pub(crate) block: usize,
    pub(crate) g: &'a Rows,
}

impl Group {
    /// Length of a row of E.
    pub(crate) fn stride(&self) -> usize {
        stride_of(self.size.1, self.size.2)
    }

    pub(crate) fn sums(&self) -> MutexGuard<'_, Sums> {
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its outputs. Shape: [T, N].
    pub(crate) fn forward(&self, ops: &Ops, at: At<'_>, x: &Rows) -> Result<Rows, CudaError> {
        let (n, k, r) = self.size;
        self.inner(ops, at, x)?;
        let mut y = Rows::new(ops.device(), x.count, n, 0)?;
        self.times(ops, (x, k + r), &mut y)?;
        if let Some(bias) = &self.bias {
            ops.add_bias(y.place_mut(), bias.all(), (x.count, n))?;
        }
        Ok(y)
    }

    /// Its outputs added to `onto`. Shape: [T, N].
    pub(crate) fn forward_onto(&self, ops: &Ops, at: At<'_>, x: &Rows, onto: &Wide) -> Result<Wide, CudaError> {
        let (n, k, r) = self.size;
        self.inner(ops, at, x)?;
        let mut y = ops.device().alloc::<f32>(x.count * n)?;
        self.times_onto(ops, (x, k + r), onto.values.all(), y.all_mut())?;
        Ok(Wide { values: y, narrow: None })
    }

    /// The product of the first `columns` of x, K or with the inner values behind them K + R, and as many of [W | s B]ᵀ.
    /// Shape: [T, N].
    pub(crate) fn times(&self, ops: &Ops, (x, columns): (&Rows, usize), y: &mut Rows) -> Result<(), CudaError> {
        let PlaceMut { values, stride } = y.place_mut();
        match self.few(x) {
            Some(quantised) => self.few_times(ops, quantised, (x, columns), (FewBecome::Rows(values), stride)),
            None => self.product(ops, (x, columns), None, values, stride),
        }
    }

    /// The same, added to `onto`. Shapes: [T, N].
    pub(crate) fn times_onto(
        &self,
        ops: &Ops,
        (x, columns): (&Rows, usize),
        onto: View<'_, f32>,
        y: ViewMut<'_, f32>,
    ) -> Result<(), CudaError> {
        let n = self.size.0;
        match self.few(x) {
            Some(quantised) => self.few_times(ops, quantised, (x, columns), (FewBecome::Wide(Some(onto), y), n)),
            None => self.product(ops, (x, columns), Some(onto), y, n),
        }
    }

    /// Its blocks, where so few rows are multiplied with these themselves.
    fn few(&self, x: &Rows) -> Option<&Quantised> {
        self.quantised.as_ref().filter(|_| x.count <= FEW_ROWS)
    }

    fn few_times(
        &self,
        ops: &Ops,
        quantised: &Quantised,
        (x, columns): (&Rows, usize),
        y: (FewBecome<'_>, usize),
    ) -> Result<(), CudaError> {
        let (n, k, _) = self.size;
        ops.few_product((quantised.all(), self.apart_from(0)), (n, k, columns - k), (x.place(), x.count), y)
    }

    fn product<O: Output>(
        &self,
        ops: &Ops,
        (x, columns): (&Rows, usize),
        onto: Option<View<'_, O>>,
        mut y: ViewMut<'_, O>,
        stride: usize,
    ) -> Result<(), CudaError> {
        self.over_rows(ops, |e, rows| {
            let (n, first) = (rows.len(), rows.start);
            let product = Product { m: x.count, n, k: columns, a: normal(x.place()), b: lying(e), alpha: 1.0 };
            let addend = onto.map_or(Addend::Nothing, |onto| Addend::Other(1.0, onto.part(first..)));
            ops.device().product(&product, addend, y.again().part(first..), stride)
        })
    }

    /// x Aᵀ into the room behind x, of the dropped x where an adapter drops.
    fn inner(&self, ops: &Ops, at: At<'_>, x: &Rows) -> Result<(), CudaError> {
        let (_, k, r) = self.size;
        let product = |x: &Rows, (first, ranks): (usize, usize), to: ViewMut<'_, bf16>, stride| {
            let a = lying(self.a(first));
            let product = Product { m: x.count, n: ranks, k, a: normal(x.place()), b: a, alpha: 1.0 };
            ops.device().product(&product, Addend::Nothing, to, stride)
        };
        if r == 0 {
            return Ok(());
        }
        if !self.drops(at.0) {
            // SAFETY: the product reads the columns before.
            return product(x, (0, r), unsafe { x.behind(k) }, x.stride);
        }
        for part in self.adapted() {
            let dropped = self.dropped(ops, at, part, x)?;
            // SAFETY: as above.
            product(dropped.as_ref().unwrap_or(x), part.ranks, unsafe { x.behind(k + part.ranks.0) }, x.stride)?;
        }
        Ok(())
    }

    /// Puts g s B behind the gradient by the outputs.
    pub(crate) fn gradient<'a>(
        &'a self,
        ops: &Ops,
        block: usize,
        g: &'a Rows,
    ) -> Result<OutputGradient<'a>, CudaError> {
        let (n, _, r) = self.size;
        if r > 0 {
            let b = self.b();
            let product = Product { m: g.count, n: r, k: n, a: normal(g.place()), b, alpha: 1.0 };
            // SAFETY: the product reads the columns before.
            ops.device().product(&product, Addend::Nothing, unsafe { g.behind(n) }, g.stride)?;
        }
        Ok(OutputGradient { group: self, block, g })
    }

    /// A from a rank on. Shape: [R, K].
    pub(crate) fn a(&self, rank: usize) -> Place<'_> {
        let (stride, first) = (self.stride(), if self.quantised.is_none() { self.size.0 } else { 0 });
        Place { values: self.matrix.view((first + rank) * stride..), stride }
    }

    /// s B. Shape: [N, R].
    fn b(&self) -> Matrix<'_> {
        match &self.apart {
            Some(b) => Matrix::new(b, stride_of(0, self.size.2)),
            None => Matrix::new(self.matrix.view(self.size.1..), self.stride()),
        }
    }

    /// s B from a row on, where it lies by itself.
    pub(crate) fn apart_from(&self, row: usize) -> Option<Place<'_>> {
        let stride = stride_of(0, self.size.2);
        self.apart.as_ref().map(|b| Place { values: b.view(row * stride..), stride })
    }

    fn adapted(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.ranks.1 > 0)
    }

    /// Whether an adapter drops inputs in this run.
    fn drops(&self, run: &Run) -> bool {
        run.dropout_seed.is_some() && self.adapted().any(|part| part.dropout > 0.0)
    }

    /// What a layer's adapter reads, where it drops some of it.
    fn dropped(&self, ops: &Ops, (run, block): At<'_>, part: &Part, x: &Rows) -> Result<Option<Rows>, CudaError> {
        let Some(seed) = run.seed((block, part.module)).filter(|_| part.dropout > 0.0) else { return Ok(None) };
        let mut dropped = Rows::new(ops.device(), x.count, x.columns, 0)?;
        ops.dropout(x.place(), (x.count, x.columns), part.dropout, seed, dropped.place_mut())?;
        Ok(Some(dropped))
    }
}

impl OutputGradient<'_> {
    /// The gradient by the group's input, with room behind it. Shape: [T, K].
    pub(crate) fn by_input(&self, ops: &Ops, run: &Run, room: usize) -> Result<Rows, CudaError> {
        let (n, k, r) = self.group.size;
        let t = self.g.count;
        let mut y = Rows::new(ops.device(), t, k, room)?;
        let stride = y.stride;
        if self.group.drops(run) {
            let sum = self.by_input_with_dropout(ops, run)?;
            ops.cast(sum.all(), (t, k), y.place_mut())?;
            return Ok(y);
        }
        self.times(ops, n + r, y.place_mut().values, stride)?;
        Ok(y)
    }

    /// The product of the first `rows` of g's columns, N or with g s B behind them N + R, and as many rows of [W ; A]. Shape: [T,
    /// K], rows `stride` apart.
    fn times<O: Output>(&self, ops: &Ops, rows: usize, mut y: ViewMut<'_, O>, stride: usize) -> Result<(), CudaError> {
        let g = self.g;
        self.group.over_columns(ops, |e, columns| {
            let n = columns.len();
            let product = Product { m: g.count, n, k: rows, a: normal(g.place()), b: normal(e), alpha: 1.0 };
            ops.device().product(&product, Addend::Nothing, y.again().part(columns.start..), stride)
        })
    }

    /// Where an adapter drops inputs, its part must pass the mask before it is added. Shape: [T, K].
    fn by_input_with_dropout(&self, ops: &Ops, run: &Run) -> Result<Buffer<f32>, CudaError> {
        let (n, k, _) = self.group.size;
        let (g, t) = (self.g, self.g.count);
        let mut sum = ops.device().alloc::<f32>(t * k)?;
        self.times(ops, n, sum.all_mut(), k)?;
        for part in self.group.adapted() {
            let mut own = Rows::new(ops.device(), t, k, 0)?;
            let stride = own.stride;
            let (a, b) = (normal(g.columns_from(n + part.ranks.0)), normal(self.group.a(part.ranks.0)));
            let product = Product { m: t, n: k, k: part.ranks.1, a, b, alpha: 1.0 };
            ops.device().product(&product, Addend::Nothing, own.place_mut().values, stride)?;
            let dropped = self.group.dropped(ops, (run, self.block), part, &own)?;
            let mut wide = ops.device().alloc::<f32>(t * k)?;
            ops.widen(dropped.as_ref().unwrap_or(&own).place(), (t, k), wide.all_mut())?;
            ops.add_scaled(wide.all(), 1.0, sum.all_mut())?;
        }
        Ok(sum)
    }

    /// Adds the gradients by whatever is trained in the group, whose input was `x`. `has_inner`: x Aᵀ is behind x.
    pub(crate) fn by_weights(&self, ops: &Ops, run: &Run, x: &Rows, has_inner: bool) -> Result<(), CudaError> {
        let group = self.group;
        let (n, k, r) = group.size;
        let mut sums = group.sums();
        let Sums { a, b, w, bias } = &mut *sums;
        if let Some(bias) = bias {
            ops.bias_backward(self.g.place(), (x.count, n), bias.all_mut())?;
        }
        if let Some(w) = w {
            add_outer(ops, (self.g.place(), n), (x.place(), k), x.count, 1.0, w.all_mut(), k)?;
        }
        let (Some(a), Some(b)) = (a, b) else { return Ok(()) };
        let drops = group.drops(run);
        if !has_inner {
            group.inner(ops, (run, self.block), x)?;
        }
        for part in group.adapted() {
            // dB = s gᵀ (x Aᵀ), of the layer's own rows and ranks.
            let (rows, ranks) = (part.rows, part.ranks);
            let to = b.view_mut(rows.0 * r + ranks.0..n * r);
            add_outer(
                ops,
                (self.g.columns_from(rows.0), rows.1),
                (x.columns_from(k + ranks.0), ranks.1),
                x.count,
                part.scale,
                to,
                r,
            )?;
            if drops {
                let dropped = group.dropped(ops, (run, self.block), part, x)?;
                let source = dropped.as_ref().unwrap_or(x);
                let to = a.view_mut(ranks.0 * k..r * k);
                add_outer(ops, (self.g.columns_from(n + ranks.0), ranks.1), (source.place(), k), x.count, 1.0, to, k)?;
            }
        }
        if drops {
            return Ok(());
        }
        // dA = (g s B)ᵀ x.
        add_outer(ops, (self.g.columns_from(n), r), (x.place(), k), x.count, 1.0, a.all_mut(), k)
    }
}

/// to += scale · gᵀ x, over `count` rows. Shapes: g [count, m]; x [count, n]; to [m, n].
fn add_outer(
    ops: &Ops,
    (g, m): (Place<'_>, usize),
    (x, n): (Place<'_>, usize),
    count: usize,
    scale: f32,
    to: ViewMut<'_, f32>,
    stride: usize,
) -> Result<(), CudaError> {
    let product = Product { m, n, k: count, a: lying(g), b: normal(x), alpha: scale };
    ops.device().product(&product, Addend::Output(1.0), to, stride)
}

fn normal(place: Place<'_>) -> Matrix<'_> {
    Matrix::new(place.values, place.stride)
}

/// A matrix that lies the other way round.
fn lying(place: Place<'_>) -> Matrix<'_> {
    Matrix::new(place.values, place.stride).transposed()
}
