//! Matrix products over f32 slices, in fixed pieces: each element is summed in the same order for any number of threads.

use rayon::prelude::*;

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
        rows == 0
            || columns == 0
            || (rows - 1) * self.row_stride + (columns - 1) * self.column_stride < self.data.len()
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
    let Product { m, n, k, alpha, accumulate } = product;
    if m == 0 || n == 0 {
        return;
    }
    assert!(a.holds(m, k) && b.holds(k, n) && (m - 1) * stride + n <= c.len(), "matrix outside its slice");
    // SAFETY: the strides and sizes were just checked against the slices.
    unsafe {
        gemm::gemm(
            m, n, k,
            c.as_mut_ptr(), 1, stride as isize, accumulate,
            a.data.as_ptr(), a.column_stride as isize, a.row_stride as isize,
            b.data.as_ptr(), b.column_stride as isize, b.row_stride as isize,
            1.0, alpha, false, false, false, gemm::Parallelism::None,
        );
    }
}

/// Rows of one task, so that a few dozen tasks share the work.
fn rows_per_task(rows: usize) -> usize {
    rows.div_ceil(16).next_multiple_of(48).clamp(48, 384)
}

/// y [t, n] = (y or 0) + alpha x [t, k] w [n, k]^T.
pub(crate) fn by_transposed(x: &[f32], w: &[f32], y: &mut [f32], n: usize, k: usize, alpha: f32, accumulate: bool) {
    let rows = rows_per_task(y.len() / n);
    y.par_chunks_mut(rows * n).zip(x.par_chunks(rows * k)).for_each(|(y, x)| {
        let product = Product { m: y.len() / n, n, k, alpha, accumulate };
        multiply(product, Matrix::rows(x, k), Matrix::columns(w, k), y, n);
    });
}

/// x [t, k] = (x or 0) + alpha g [t, n] w [n, k].
pub(crate) fn by_plain(g: &[f32], w: &[f32], x: &mut [f32], n: usize, k: usize, alpha: f32, accumulate: bool) {
    let rows = rows_per_task(x.len() / k);
    x.par_chunks_mut(rows * k).zip(g.par_chunks(rows * n)).for_each(|(x, g)| {
        let product = Product { m: x.len() / k, n: k, k: n, alpha, accumulate };
        multiply(product, Matrix::rows(g, n), Matrix::rows(w, k), x, k);
    });
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
