//! RMSNorm: y = x w / sqrt(mean(x²) + eps), row by row. Shapes: x, y [T, D]; w `[D]`.

use half::bf16;
use rayon::prelude::*;

use crate::backend::cpu::kernel::dispatch::dispatched;
use crate::backend::cpu::kernel::element::Element;
use crate::backend::cpu::kernel::shared::Shared;
use crate::backend::cpu::kernel::{ROWS_PER_TASK, rows};
use crate::backend::cpu::storage::activation::round_into;

/// 1 / sqrt(mean(x²) + eps) of a row.
pub(crate) fn inverse_root(x: &[f32], eps: f32) -> f32 {
    1.0 / (rows::squares(x) / x.len() as f32 + eps).sqrt()
}

dispatched! {
    /// y := x w factor.
    fn scaled<E: Element>(y: &mut [E], x: &[f32], w: &[f32], factor: f32) {
        let (x, w) = (&x[..y.len()], &w[..y.len()]);
        for i in 0..y.len() {
            y[i] = E::narrow(x[i] * w[i] * factor);
        }
    }
}

/// y of x.
pub(crate) fn forward<E: Element>(x: &[f32], w: &[f32], eps: f32, y: &mut [E]) {
    let d = w.len();
    y.par_chunks_mut(d * ROWS_PER_TASK).zip(x.par_chunks(d * ROWS_PER_TASK)).for_each(|(y, x)| {
        for (y, x) in y.chunks_mut(d).zip(x.chunks(d)) {
            scaled(y, x, w, inverse_root(x, eps));
        }
    });
}

/// What the backward changes.
pub(crate) struct Gradients<'a> {
    /// By x, added to. Shape: [T, D].
    pub(crate) x: &'a mut [f32],
    /// The same sum rounded, where it is wanted. Shape: [T, D].
    pub(crate) rounded: Option<&'a mut [bf16]>,
    /// By w, added to where it is wanted. Shape: `[D]`.
    pub(crate) w: Option<&'a mut [f32]>,
}

/// Adds the gradient by x, where `g` is the one by y:
/// gx += r (g w - x r² mean(g w x)), with r = 1 / sqrt(mean(x²) + eps).
/// Adds the gradient by w, the sum of g x r over the rows.
pub(crate) fn backward(x: &[f32], w: &[f32], eps: f32, g: &[f32], gradients: Gradients<'_>) {
    let (d, Gradients { x: gx, rounded, w: gw }) = (w.len(), gradients);
    let chunk = d * ROWS_PER_TASK;
    let wanted = gw.is_some();
    // Without a place for rounded values, a task gets an empty one.
    let rounded = rounded.map(Shared::new);
    let partials: Vec<Vec<f32>> = gx
        .par_chunks_mut(chunk)
        .zip(x.par_chunks(chunk).zip(g.par_chunks(chunk)))
        .enumerate()
        .map(|(task, (gx, (x, g)))| {
            let mut partial = vec![0.0; if wanted { d } else { 0 }];
            for (row, ((gx, x), g)) in gx.chunks_mut(d).zip(x.chunks(d)).zip(g.chunks(d)).enumerate() {
                backward_row(x, (w, eps), g, gx, &mut partial);
                if let Some(rounded) = rounded {
                    // SAFETY: each task has rows of its own.
                    let rounded = unsafe { rounded.part(task * chunk + row * d, d) };
                    round_into(gx, rounded);
                }
            }
            partial
        })
        .collect();
    if let Some(gw) = gw {
        partials.iter().for_each(|partial| rows::add(gw, partial));
    }
}

dispatched! {
    /// gx += g w r - x along.
    fn add_backward(gx: &mut [f32], x: &[f32], w: &[f32], g: &[f32], r: f32, along: f32) {
        let (x, w, g) = (&x[..gx.len()], &w[..gx.len()], &g[..gx.len()]);
        for i in 0..gx.len() {
            gx[i] += g[i] * w[i] * r - x[i] * along;
        }
    }
}

/// The gradients of one row, added to `gx` and, where it is as wide as the row, to `gw`.
pub(super) fn backward_row(x: &[f32], (w, eps): (&[f32], f32), g: &[f32], gx: &mut [f32], gw: &mut [f32]) {
    let (squares, along) = rows::squares_and_dot3(x, w, g);
    let d = x.len() as f32;
    let r = 1.0 / (squares / d + eps).sqrt();
    add_backward(gx, x, w, g, r, along * r * r * r / d);
    rows::add_scaled_product(gw, x, g, r);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::storage::activation;
    use crate::finite_difference::{check, values, weighted};

    #[test]
    fn the_backward_is_the_slope_of_the_forward() {
        for (t, d) in [(1, 2), (3, 37), (200, 64)] {
            let (x, w, g) = (values(t * d, 1), values(d, 2), values(t * d, 3));
            let loss = |x: &[f32], w: &[f32]| {
                let mut y = vec![0.0; t * d];
                forward(x, w, 1e-2, &mut y);
                weighted(&y, &g)
            };
            let (mut gx, mut gw, mut rounded) = (vec![0.0; t * d], vec![0.0; d], vec![bf16::ONE; t * d]);
            let gradients = Gradients { x: &mut gx, rounded: Some(&mut rounded), w: Some(&mut gw) };
            backward(&x, &w, 1e-2, &g, gradients);
            assert_eq!(rounded, activation::rounded(&gx));
            check("x", &x, &gx, |x| loss(x, &w));
            check("w", &w, &gw, |w| loss(&x, w));
        }
    }
}
