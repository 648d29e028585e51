//! Matrix products over f32 slices, in fixed pieces: each element is summed in the same order for any number of threads.

use std::ops::Range;

use rayon::prelude::*;

use super::shared::Shared;

/// A matrix inside a slice.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// Rows stand one after the other, `stride` apart.
    pub(crate) fn rows(data: &'a [f32], stride: usize) -> Self {
        Self { data, row_stride: stride, column_stride: 1 }
    }

    /// The transpose of a matrix whose rows are `stride` apart.
    pub(crate) fn columns(data: &'a [f32], stride: usize) -> Self {
        Self { data, row_stride: 1, column_stride: stride }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        rows == 0 || columns == 0 || (rows - 1) * self.row_stride + (columns - 1) * self.column_stride < self.data.len()
    }
}

/// Size and scale of a product: c [m, n] = (c or 0) + alpha a [m, k] b [k, n].
#[derive(Clone, Copy)]
pub(crate) struct Product {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) k: usize,
    pub(crate) alpha: f32,
    pub(crate) accumulate: bool,
}

/// One product on this thread. Rows of `c` are `stride` apart.
pub(crate) fn multiply(product: Product, a: Matrix<'_>, b: Matrix<'_>, c: &mut [f32], stride: usize) {
    // SAFETY: the slice is this call's alone.
    unsafe { multiply_shared(product, a, b, Shared::new(c), 0, stride) }
}

/// One product on this thread, into a slice that others write to as well: its first element stands at `offset`.
///
/// # Safety
/// Nobody else may touch the product's own elements meanwhile.
pub(crate) unsafe fn multiply_shared(
    product: Product,
    a: Matrix<'_>,
    b: Matrix<'_>,
    c: Shared<'_, f32>,
    offset: usize,
    stride: usize,
) {
    let Product { m, n, k, alpha, accumulate } = product;
    if m == 0 || n == 0 {
        return;
    }
    assert!(a.holds(m, k) && b.holds(k, n), "matrix outside its slice");
    // Asks whether the last element is inside.
    c.pointer(offset + (m - 1) * stride + n);
    // SAFETY: the strides and sizes were just checked against the slices.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.pointer(offset),
            1,
            stride as isize,
            accumulate,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            alpha,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Elements of a right matrix from which on it is cut into columns: packing it once for every piece of rows costs more
/// than packing the left one once for every piece of columns.
const WIDE: usize = 1 << 18;

/// Rows and columns of one task, so that a few dozen tasks share the work.
fn pieces(rows: usize, columns: usize, reduction: usize) -> (usize, usize) {
    if columns * reduction < WIDE {
        return (rows.div_ceil(16).next_multiple_of(48).clamp(48, 384), columns);
    }
    (rows.clamp(1, 2048), columns.div_ceil(8).next_multiple_of(64).clamp(128, 1024))
}

/// Reduction up to which the gemm crate sums an element in one go, however many rows and columns it is given.
const IN_ONE_GO: usize = 512;
/// Results of a product up to which it sums in another order.
const TINY: usize = 256;
/// Tasks for each thread that pieces of rows are joined to, where there are threads to share them.
const TASKS: usize = 4;

/// Rows in tasks: whole pieces, as many of them joined as leave tasks enough, and what is left over, which stays a piece
/// of its own.
struct Rows {
    all: usize,
    piece: usize,
    joined: usize,
}

impl Rows {
    /// Each task packs the right matrix anew, so pieces are joined where that leaves every element's sum as it is.
    fn of(all: usize, piece: usize, (columns, reduction): (usize, usize)) -> Self {
        let (whole, threads) = (all / piece, rayon::current_num_threads());
        let tasks = if threads == 1 { 1 } else { TASKS * threads };
        let joins = reduction <= IN_ONE_GO && piece * columns > TINY;
        Self { all, piece, joined: if joins { whole.div_ceil(tasks).max(1) } else { 1 } }
    }

    /// Rows of whole pieces.
    fn whole(&self) -> usize {
        self.all / self.piece * self.piece
    }

    fn tasks(&self) -> usize {
        (self.all / self.piece).div_ceil(self.joined) + usize::from(self.whole() < self.all)
    }

    fn of_task(&self, task: usize) -> Range<usize> {
        let start = (task * self.joined * self.piece).min(self.whole());
        let end = if start < self.whole() { (start + self.joined * self.piece).min(self.whole()) } else { self.all };
        start..end
    }
}

/// c [t, n] = (c or 0) + alpha a [t, r] b, piece by piece; `right` gives b [r, n] from a column on.
fn in_pieces<'b>(
    (t, n, r): (usize, usize, usize),
    a: &[f32],
    right: impl Fn(usize) -> Matrix<'b> + Sync,
    c: &mut [f32],
    (alpha, accumulate): (f32, bool),
) {
    let (piece, columns) = pieces(t, n, r);
    let (rows, across, c) = (Rows::of(t, piece, (n, r)), n.div_ceil(columns), Shared::new(c));
    (0..rows.tasks() * across).into_par_iter().for_each(|task| {
        let (own, column) = (rows.of_task(task / across), task % across * columns);
        let row = own.start;
        let product = Product { m: own.len(), n: columns.min(n - column), k: r, alpha, accumulate };
        // SAFETY: each task has rows and columns of its own.
        unsafe { multiply_shared(product, Matrix::rows(&a[row * r..], r), right(column), c, row * n + column, n) }
    });
}

/// y [t, n] = (y or 0) + alpha x [t, k] w [n, k]^T.
pub(crate) fn by_transposed(x: &[f32], w: &[f32], y: &mut [f32], n: usize, k: usize, alpha: f32, accumulate: bool) {
    in_pieces((y.len() / n, n, k), x, |column| Matrix::columns(&w[column * k..], k), y, (alpha, accumulate));
}

/// x [t, k] = (x or 0) + alpha g [t, n] w [n, k].
pub(crate) fn by_plain(g: &[f32], w: &[f32], x: &mut [f32], n: usize, k: usize, alpha: f32, accumulate: bool) {
    in_pieces((x.len() / k, k, n), g, |column| Matrix::rows(&w[column..], k), x, (alpha, accumulate));
}

/// w [n, k] = (w or 0) + alpha g [t, n]^T x [t, k].
pub(crate) fn outer(g: &[f32], x: &[f32], w: &mut [f32], n: usize, k: usize, alpha: f32, accumulate: bool) {
    let t = g.len() / n;
    let rows = n.div_ceil(8).next_multiple_of(16).clamp(16, 256);
    w.par_chunks_mut(rows * k).enumerate().for_each(|(i, w)| {
        let product = Product { m: w.len() / k, n: k, k: t, alpha, accumulate };
        multiply(product, Matrix::columns(&g[i * rows..], n), Matrix::rows(x, k), w, k);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|index| ((index * 7919 + seed * 104_729) % 2003) as f32 / 2003.0 - 0.5).collect()
    }

    #[test]
    fn joined_pieces_have_the_bits_of_single_ones_for_any_number_of_threads() {
        for (t, n, k) in
            [(1, 160, 160), (1024, 160, 160), (1025, 384, 160), (769, 32, 384), (500, 5, 16), (97, 16, 512)]
        {
            let (x, w, before) = (numbers(t * k, 1), numbers(n * k, 2), numbers(t * n, 3));
            let (piece, columns) = pieces(t, n, k);
            assert_eq!(columns, n);
            let (mut forward, mut back) = (before.clone(), vec![0.0; t * k]);
            for ((y, x), (back, g)) in forward
                .chunks_mut(piece * n)
                .zip(x.chunks(piece * k))
                .zip(back.chunks_mut(piece * k).zip(before.chunks(piece * n)))
            {
                let m = y.len() / n;
                let product = Product { m, n, k, alpha: 0.5, accumulate: true };
                multiply(product, Matrix::rows(x, k), Matrix::columns(&w, k), y, n);
                let product = Product { m, n: k, k: n, alpha: 1.0, accumulate: false };
                multiply(product, Matrix::rows(g, n), Matrix::rows(&w, k), back, k);
            }
            for threads in [1, 2, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let (mut y, mut x_back) = (before.clone(), numbers(t * k, 4));
                pool.install(|| {
                    by_transposed(&x, &w, &mut y, n, k, 0.5, true);
                    by_plain(&before, &w, &mut x_back, n, k, 1.0, false);
                });
                assert!(y == forward && x_back == back, "{t} {n} {k}, {threads} threads");
            }
        }
    }

    #[test]
    fn tasks_have_each_row_once() {
        for (all, piece, threads) in
            [(1, 48, 1), (48, 48, 2), (1000, 96, 1), (1000, 96, 2), (4000, 288, 3), (5000, 2048, 4)]
        {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let rows = pool.install(|| Rows::of(all, piece, (160, 160)));
            let tasks: Vec<_> = (0..rows.tasks()).map(|task| rows.of_task(task)).collect();
            assert!(tasks.iter().all(|own| !own.is_empty()), "{tasks:?}");
            assert!(tasks.iter().cloned().flatten().eq(0..all), "{tasks:?}");
            assert!(threads > 1 || tasks.len() <= 2, "{tasks:?}");
        }
    }

    #[test]
    fn pieces_of_rows_and_of_columns_equal_the_plain_sums() {
        for (t, n, k) in [(1, 3, 5), (50, 7, 64), (100, 33, 130), (3, 1100, 1024), (70, 1025, 1029)] {
            let (x, w, before) = (numbers(t * k, 1), numbers(n * k, 2), numbers(t * n, 3));
            let mut y = before.clone();
            by_transposed(&x, &w, &mut y, n, k, 0.5, true);
            for row in (0..t).step_by(7) {
                for column in (0..n).step_by(13).chain([n - 1]) {
                    let sum: f64 = (0..k).map(|i| f64::from(x[row * k + i]) * f64::from(w[column * k + i])).sum();
                    let expected = f64::from(before[row * n + column]) + 0.5 * sum;
                    assert!((f64::from(y[row * n + column]) - expected).abs() < 1e-3, "{t} {n} {k}: {row} {column}");
                }
            }
            let mut back = numbers(t * k, 4);
            by_plain(&before, &w, &mut back, n, k, 1.0, false);
            for (row, column) in [(0, 0), (t - 1, k - 1), (t / 2, k / 3)] {
                let sum: f64 = (0..n).map(|i| f64::from(before[row * n + i]) * f64::from(w[i * k + column])).sum();
                assert!((f64::from(back[row * k + column]) - sum).abs() < 1e-3, "{t} {n} {k}: {row} {column} back");
            }
        }
    }
}
