//! Linear: y = x wᵀ; a bias is a summand of its own, see [`super::bias`]. Shapes: x [T, K]; w [N, K]; y [T, N]. A frozen w simply asks for no gradient.
//!
//! A product may have several summands, as an adapter beside its weight or the gradients of layers that share an
//! input: in bf16 they are summed in registers.

use rayon::prelude::*;

use crate::backend::cpu::kernel::matmul::{self, Matrix, Product};
use crate::backend::cpu::kernel::numbers::Numbers;
use crate::backend::cpu::kernel::panel::Right;
use crate::backend::cpu::kernel::product::{self, Out, Size, Term};
use crate::backend::cpu::kernel::rows;
use crate::backend::cpu::storage::activation::{Activation, View};

/// x by a weight of `width` columns, as x wᵀ or as x w.
#[derive(Clone, Copy)]
pub(crate) struct Summand<'a> {
    /// Shape: [T, `reduction`].
    pub(crate) x: View<'a>,
    pub(crate) w: Numbers<'a>,
    pub(crate) form: Form,
    /// Values summed over: the width of w's rows for x wᵀ, their number for x w.
    pub(crate) reduction: usize,
}

/// Which way round the weight is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// x wᵀ.
    Transposed,
    /// x w.
    Plain,
}

/// Where a product goes.
pub(crate) enum To<'a> {
    /// In place of what is there.
    F32(&'a mut [f32]),
    /// Added to what is there.
    Add(&'a mut [f32]),
    /// Added to the first, in place of what is in the second.
    Onto(&'a [f32], &'a mut [f32]),
    /// In place of what is there, in the activation's precision.
    Activation(&'a mut Activation),
}

impl To<'_> {
    /// Puts f32 values there.
    pub(crate) fn put(self, values: &[f32]) {
        match self {
            To::F32(y) => y.copy_from_slice(values),
            To::Add(y) => rows::add(y, values),
            To::Onto(from, y) => {
                y.copy_from_slice(from);
                rows::add(y, values);
            }
            To::Activation(y) => y.copy_from(values),
        }
    }
}

/// Rows of a weight that is expanded to f32 at a time.
const EXPANDED: usize = 1024;

/// alpha × the sum of the summands. Shape: [T, `n`].
pub(crate) fn sum(summands: &[Summand<'_>], n: usize, alpha: f32, to: To<'_>) {
    match (summands[0].x, to) {
        (View::Bf16(_), to) => sum_bf16(summands, n, alpha, to),
        (View::F32(_), To::F32(y)) => sum_f32(summands, n, alpha, y, false),
        (View::F32(_), To::Add(y)) => sum_f32(summands, n, alpha, y, true),
        (View::F32(_), To::Onto(from, y)) => {
            y.copy_from_slice(from);
            sum_f32(summands, n, alpha, y, true);
        }
        (View::F32(_), To::Activation(Activation::F32(y))) => sum_f32(summands, n, alpha, y, false),
        (View::F32(_), To::Activation(Activation::Bf16(_))) => unreachable!("a run has one precision"),
    }
}

fn sum_bf16(summands: &[Summand<'_>], n: usize, alpha: f32, to: To<'_>) {
    let terms: Vec<Term<'_>> = summands
        .iter()
        .map(|&Summand { x, w, form, reduction }| {
            let View::Bf16(left) = x else { unreachable!("a run has one precision") };
            let right = match form {
                Form::Transposed => Right::Transposed(w, reduction),
                Form::Plain => Right::Plain(w, n),
            };
            Term { left, stride: reduction, right, reduction }
        })
        .collect();
    let size = Size { m: terms[0].left.len() / terms[0].reduction, n, stride: n, alpha };
    let out = match to {
        To::F32(y) => Out::F32(y),
        To::Activation(Activation::F32(y)) => Out::F32(y),
        To::Add(y) => Out::Add(y),
        To::Onto(from, y) => Out::Onto(from, y),
        To::Activation(Activation::Bf16(y)) => Out::Bf16(y),
    };
    product::multiply_parallel(&terms, size, out);
}

fn sum_f32(summands: &[Summand<'_>], n: usize, alpha: f32, y: &mut [f32], accumulate: bool) {
    for (number, &Summand { x, w, form, reduction }) in summands.iter().enumerate() {
        let View::F32(x) = x else { unreachable!("a run has one precision") };
        let accumulate = accumulate || number > 0;
        match (w, form) {
            (Numbers::F32(w), Form::Transposed) => matmul::by_transposed(x, w, y, n, reduction, alpha, accumulate),
            (Numbers::F32(w), Form::Plain) => matmul::by_plain(x, w, y, reduction, n, alpha, accumulate),
            _ => expanded(Summand { x: View::F32(x), w, form, reduction }, n, alpha, (y, accumulate)),
        }
    }
}

/// A product in f32 with a weight that is not stored in f32: some of its rows at a time.
fn expanded(summand: Summand<'_>, n: usize, alpha: f32, (y, accumulate): (&mut [f32], bool)) {
    let Summand { x: View::F32(x), w, form, reduction } = summand else { unreachable!("called with f32") };
    let (rows, width) = if form == Form::Transposed { (n, reduction) } else { (reduction, n) };
    for first in (0..rows).step_by(EXPANDED) {
        let count = EXPANDED.min(rows - first);
        let wide = w.to_f32(first * width..(first + count) * width);
        let task = 48;
        y.par_chunks_mut(task * n).zip(x.par_chunks(task * reduction)).for_each(|(y, x)| {
            let m = y.len() / n;
            match form {
                Form::Transposed => {
                    let product = Product { m, n: count, k: width, alpha, accumulate };
                    matmul::multiply(
                        product,
                        Matrix::rows(x, width),
                        Matrix::columns(&wide, width),
                        &mut y[first..],
                        n,
                    );
                }
                Form::Plain => {
                    let product = Product { m, n, k: count, alpha, accumulate: accumulate || first > 0 };
                    matmul::multiply(product, Matrix::rows(&x[first..], reduction), Matrix::rows(&wide, n), y, n);
                }
            }
        });
    }
}

/// gw += gᵀ x. Shapes: g [T, N]; x [T, K]; gw [N, K].
pub(crate) fn backward_weight(g: View<'_>, x: View<'_>, gw: &mut [f32], (n, k): (usize, usize)) {
    match (g, x) {
        (View::F32(g), View::F32(x)) => matmul::outer(g, x, gw, n, k, 1.0, true),
        (View::Bf16(g), View::Bf16(x)) => product::add_outer(g, x, gw, (n, k)),
        _ => unreachable!("a run has one precision"),
    }
}

/// As [`backward_weight`], for an x of few columns: the large g stays as it lies.
pub(crate) fn backward_thin_weight(g: View<'_>, x: View<'_>, gw: &mut [f32], (n, k): (usize, usize)) {
    let (View::Bf16(_), View::Bf16(_)) = (g, x) else { return backward_weight(g, x, gw, (n, k)) };
    let mut by_column = vec![0.0; gw.len()];
    backward_weight(x, g, &mut by_column, (k, n));
    for (column, values) in by_column.chunks(n).enumerate() {
        for (row, value) in values.iter().enumerate() {
            gw[row * k + column] += value;
        }
    }
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::*;
    use crate::backend::cpu::kernel::element::Element;
    use crate::backend::cpu::storage::activation::rounded;
    use crate::finite_difference::{check, values, weighted};

    #[test]
    fn the_backward_is_the_slope_of_the_forward() {
        for (t, n, k) in [(1, 1, 1), (3, 5, 7), (130, 33, 65)] {
            let (x, w, g) = (values(t * k, 1), values(n * k, 2), values(t * n, 3));
            let product = |x: &[f32], w: &[f32], n, reduction, form| {
                let mut y = vec![0.0; x.len() / reduction * n];
                let summand = Summand { x: View::F32(x), w: Numbers::F32(w), form, reduction };
                sum(&[summand], n, 1.0, To::F32(&mut y));
                y
            };
            let loss = |x: &[f32], w: &[f32]| weighted(&product(x, w, n, k, Form::Transposed), &g);
            let (gx, mut gw) = (product(&g, &w, k, n, Form::Plain), vec![0.0; n * k]);
            backward_weight(View::F32(&g), View::F32(&x), &mut gw, (n, k));
            check("x", &x, &gx, |x| loss(x, &w));
            check("w", &w, &gw, |w| loss(&x, w));
        }
    }

    #[test]
    fn in_bf16_everything_equals_f32_over_the_rounded_values() {
        for (t, n, k) in [(45, 70, 33), (2500, 9, 20), (1, 16, 64)] {
            in_bf16(t, n, k);
        }
    }

    fn in_bf16(t: usize, n: usize, k: usize) {
        let round = |x: Vec<f32>| -> (Vec<bf16>, Vec<f32>) {
            let narrow = rounded(&x);
            let wide = narrow.iter().map(|value| value.wide()).collect();
            (narrow, wide)
        };
        let (x, x_wide) = round(values(t * k, 1));
        let (g, g_wide) = round(values(t * n, 2));
        let (w, w_wide) = round(values(n * k, 3));
        let near = |a: &[f32], b: &[f32]| {
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() < 1e-4 + 1e-5 * t as f32, "{a} {b}");
            }
        };
        for form in [Form::Transposed, Form::Plain] {
            let (views, reduction, columns) = match form {
                Form::Transposed => ([View::Bf16(&x), View::F32(&x_wide)], k, n),
                Form::Plain => ([View::Bf16(&g), View::F32(&g_wide)], n, k),
            };
            let results: Vec<Vec<f32>> =
                [(views[0], Numbers::F32(&w_wide)), (views[1], Numbers::F32(&w_wide)), (views[1], Numbers::Bf16(&w))]
                    .into_iter()
                    .map(|(x, w)| {
                        let mut y = vec![0.0; t * columns];
                        sum(&[Summand { x, w, form, reduction }], columns, 2.0, To::F32(&mut y));
                        y
                    })
                    .collect();
            near(&results[0], &results[1]);
            near(&results[2], &results[1]);
        }
        let (mut ours, mut thin, mut right) = (vec![0.0; n * k], vec![0.0; n * k], vec![0.0; n * k]);
        backward_weight(View::Bf16(&g), View::Bf16(&x), &mut ours, (n, k));
        backward_thin_weight(View::Bf16(&g), View::Bf16(&x), &mut thin, (n, k));
        backward_weight(View::F32(&g_wide), View::F32(&x_wide), &mut right, (n, k));
        near(&ours, &right);
        near(&thin, &right);
    }
}
