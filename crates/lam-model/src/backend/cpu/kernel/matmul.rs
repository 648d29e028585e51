//! Matrix products over f32 slices, in fixed pieces: each element is summed in the same order for any number of threads.

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

/// c [t, n] = (c or 0) + alpha a [t, r] b, piece by piece; `right` gives b [r, n] from a column on.
fn in_pieces<'b>(
    (t, n, r): (usize, usize, usize),
    a: &[f32],
    right: impl Fn(usize) -> Matrix<'b> + Sync,
    c: &mut [f32],
    (alpha, accumulate): (f32, bool),
) {
    let (rows, columns) = pieces(t, n, r);
    let (across, c) = (n.div_ceil(columns), Shared::new(c));
    (0..t.div_ceil(rows) * across).into_par_iter().for_each(|task| {
        let (row, column) = (task / across * rows, task % across * columns);
        let product = Product { m: rows.min(t - row), n: columns.min(n - column), k: r, alpha, accumulate };
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
