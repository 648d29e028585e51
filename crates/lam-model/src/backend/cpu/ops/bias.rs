//! The bias of a linear layer: y += b in every row. Shapes: b `[N]`; y [T, N].
//!
//! It is one more summand of the layer's product, a column of ones times b: so it is added before the sum is rounded.

use rayon::prelude::*;

use super::linear::{Form, Summand};
use crate::Precision;
use crate::backend::cpu::kernel::dispatch::dispatched;
use crate::backend::cpu::kernel::element::Element;
use crate::backend::cpu::kernel::numbers::Numbers;
use crate::backend::cpu::kernel::{ROWS_PER_TASK, rows};
use crate::backend::cpu::storage::activation::{Activation, View};

/// A column of ones. Shape: [T, 1].
pub(crate) fn ones(precision: Precision, t: usize) -> Activation {
    let mut ones = Activation::room(precision, t);
    ones.copy_from(&vec![1.0; t]);
    ones
}

/// What the bias adds to y.
pub(crate) fn forward<'a>(ones: &'a Activation, b: &'a [f32]) -> Summand<'a> {
    Summand { x: ones.view(), w: Numbers::F32(b), form: Form::Transposed, reduction: 1 }
}

dispatched! {
    fn add<E: Element>(sum: &mut [f32], row: &[E]) {
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum += value.wide();
        }
    }
}

/// Adds the gradient by b, the sum of the rows of `g`, to `gb`.
pub(crate) fn backward(g: View<'_>, gb: &mut [f32]) {
    match g {
        View::F32(g) => add_rows(g, gb),
        View::Bf16(g) => add_rows(g, gb),
    }
}

fn add_rows<E: Element>(g: &[E], gb: &mut [f32]) {
    let n = gb.len();
    let partial = |g: &[E]| {
        let mut partial = vec![0.0; n];
        g.chunks(n).for_each(|row| add(&mut partial, row));
        partial
    };
    let partials: Vec<Vec<f32>> = g.par_chunks(n * ROWS_PER_TASK).map(partial).collect();
    partials.iter().for_each(|partial| rows::add(gb, partial));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::ops::linear::{self, To};
    use crate::backend::cpu::storage::activation::rounded;
    use crate::finite_difference::{check, values, weighted};

    #[test]
    fn the_backward_is_the_slope_of_the_forward() {
        for (t, n, k) in [(1, 1, 1), (3, 37, 5), (300, 65, 8)] {
            let (x, w, b, g) = (values(t * k, 1), values(n * k, 2), values(n, 3), values(t * n, 4));
            let mut gb = vec![0.0; n];
            backward(View::F32(&g), &mut gb);
            check("b", &b, &gb, |b| {
                let (mut y, ones) = (vec![0.0; t * n], ones(Precision::F32, t));
                let own = Summand { x: View::F32(&x), w: Numbers::F32(&w), form: Form::Transposed, reduction: k };
                linear::sum(&[own, forward(&ones, b)], n, 1.0, To::F32(&mut y));
                weighted(&y, &g)
            });
        }
    }

    #[test]
    fn in_bf16_it_is_added_before_the_sum_is_rounded() {
        let (t, n, k) = (70, 33, 64);
        let (x, w, b) = (rounded(&values(t * k, 1)), rounded(&values(n * k, 2)), rounded(&values(n, 3)));
        let wide = |x: &[half::bf16]| x.iter().map(|value| value.wide()).collect::<Vec<f32>>();
        let (x_wide, b_wide) = (wide(&x), wide(&b).iter().map(|b| b * 100.0).collect::<Vec<f32>>());
        let b_wide = wide(&rounded(&b_wide));
        let ones = ones(Precision::Bf16, t);
        let own = Summand { x: View::Bf16(&x), w: Numbers::Bf16(&w), form: Form::Transposed, reduction: k };
        let mut y = Activation::room(Precision::Bf16, t * n);
        linear::sum(&[own, forward(&ones, &b_wide)], n, 1.0, To::Activation(&mut y));
        let Activation::Bf16(y) = y else { unreachable!("the run's precision") };
        for (row, (y, x)) in y.chunks(n).zip(x_wide.chunks(k)).enumerate() {
            for (column, w) in w.chunks(k).enumerate() {
                let right = b_wide[column] + w.iter().zip(x).map(|(w, x)| w.wide() * x).sum::<f32>();
                let off = (y[column].wide() - right).abs();
                assert!(off <= right.abs() / 256.0 + 1e-4, "{row}, {column}: {}, not {right}", y[column]);
            }
        }
        let (g, mut narrow, mut right) = (rounded(&values(t * n, 5)), vec![0.0; n], vec![0.0; n]);
        backward(View::Bf16(&g), &mut narrow);
        backward(View::F32(&wide(&g)), &mut right);
        assert_eq!(narrow, right);
    }
}
