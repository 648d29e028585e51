//! Linear without bias: y = x wᵀ. Shapes: x [T, K]; w [N, K]; y [T, N]. A frozen w simply asks for no gradient.

use crate::kernel::matmul;

/// y of x.
pub(crate) fn forward(x: &[f32], w: &[f32], y: &mut [f32], (n, k): (usize, usize)) {
    matmul::by_transposed(x, w, y, n, k, 1.0, false);
}

/// gx = g w, or added to what `gx` holds.
pub(crate) fn backward_input(g: &[f32], w: &[f32], gx: &mut [f32], (n, k): (usize, usize), accumulate: bool) {
    matmul::by_plain(g, w, gx, n, k, 1.0, accumulate);
}

/// gw += gᵀ x.
pub(crate) fn backward_weight(g: &[f32], x: &[f32], gw: &mut [f32], (n, k): (usize, usize)) {
    matmul::outer(g, x, gw, n, k, 1.0, true);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::finite_difference::{check, values, weighted};

    #[test]
    fn the_backward_is_the_slope_of_the_forward() {
        for (t, n, k) in [(1, 1, 1), (3, 5, 7), (130, 33, 65)] {
            let (x, w, g) = (values(t * k, 1), values(n * k, 2), values(t * n, 3));
            let loss = |x: &[f32], w: &[f32]| {
                let mut y = vec![0.0; t * n];
                forward(x, w, &mut y, (n, k));
                weighted(&y, &g)
            };
            let (mut gx, mut gw) = (vec![0.0; t * k], vec![0.0; n * k]);
            backward_input(&g, &w, &mut gx, (n, k), false);
            backward_weight(&g, &x, &mut gw, (n, k));
            check("x", &x, &gx, |x| loss(x, &w));
            check("w", &w, &gw, |w| loss(&x, w));
        }
    }
}
