//! RMSNorm: y = x w / sqrt(mean(x²) + eps), row by row. Shapes: x, y [T, D]; w `[D]`.

use rayon::prelude::*;

use crate::backend::cpu::kernel::dispatch::dispatched;
use crate::backend::cpu::kernel::element::Element;
use crate::backend::cpu::kernel::{ROWS_PER_TASK, rows};

/// 1 / sqrt(mean(x²) + eps) of a row.
pub(super) fn inverse_root(x: &[f32], eps: f32) -> f32 {
    1.0 / (rows::dot(x, x) / x.len() as f32 + eps).sqrt()
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

/// Adds to `gx` the gradient by x, where `g` is the one by y:
/// gx += r (g w - x r² mean(g w x)), with r = 1 / sqrt(mean(x²) + eps).
/// Adds the gradient by w, the sum of g x r over the rows, to `gw` where it is wanted.
pub(crate) fn backward(x: &[f32], w: &[f32], eps: f32, g: &[f32], gx: &mut [f32], gw: Option<&mut [f32]>) {
    let d = w.len();
    let chunk = d * ROWS_PER_TASK;
    let wanted = gw.is_some();
    let partials: Vec<Vec<f32>> = gx
        .par_chunks_mut(chunk)
        .zip(x.par_chunks(chunk).zip(g.par_chunks(chunk)))
        .map(|(gx, (x, g))| {
            let mut partial = vec![0.0; if wanted { d } else { 0 }];
            for ((gx, x), g) in gx.chunks_mut(d).zip(x.chunks(d)).zip(g.chunks(d)) {
                backward_row(x, (w, eps), g, gx, &mut partial);
            }
            partial
        })
        .collect();
    if let Some(gw) = gw {
        partials.iter().for_each(|partial| rows::add(gw, partial));
    }
}

/// The gradients of one row, added to `gx` and, where it is as wide as the row, to `gw`.
pub(super) fn backward_row(x: &[f32], (w, eps): (&[f32], f32), g: &[f32], gx: &mut [f32], gw: &mut [f32]) {
    let r = inverse_root(x, eps);
    let along = rows::dot3(x, w, g) * r * r * r / x.len() as f32;
    rows::add_scaled_product(gx, g, w, r);
    rows::add_scaled(gx, x, -along);
    rows::add_scaled_product(gw, x, g, r);
}

#[cfg(test)]
mod tests {
    use super::*;
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
            let (mut gx, mut gw) = (vec![0.0; t * d], vec![0.0; d]);
            backward(&x, &w, 1e-2, &g, &mut gx, Some(&mut gw));
            check("x", &x, &gx, |x| loss(x, &w));
            check("w", &w, &gw, |w| loss(&x, w));
        }
    }
}
