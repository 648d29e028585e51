//! The adapter beside a frozen linear: y += s drop(x) Aᵀ Bᵀ. Shapes: x [T, K]; A [R, K]; B [N, R]; y [T, N].

use super::dropout::Dropout;
use crate::kernel::matmul;

/// Rank, scale and mask of an adapter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Adapter<'a> {
    pub(crate) a: &'a [f32],
    pub(crate) b: &'a [f32],
    pub(crate) rank: usize,
    pub(crate) scale: f32,
    pub(crate) dropout: Option<Dropout>,
}

impl Adapter<'_> {
    fn dropped(&self, x: &[f32]) -> Option<Vec<f32>> {
        self.dropout.map(|dropout| {
            let mut x = x.to_vec();
            dropout.apply(&mut x);
            x
        })
    }

    /// Adds the adapter's output to y; returns drop(x) Aᵀ, which the backward wants. Shape: [T, R].
    pub(crate) fn forward(&self, x: &[f32], y: &mut [f32], (n, k): (usize, usize)) -> Vec<f32> {
        let dropped = self.dropped(x);
        let mut inner = vec![0.0; x.len() / k * self.rank];
        matmul::by_transposed(dropped.as_deref().unwrap_or(x), self.a, &mut inner, self.rank, k, 1.0, false);
        matmul::by_transposed(&inner, self.b, y, n, self.rank, self.scale, true);
        inner
    }

    /// With h = s g B: gB += s gᵀ inner; gA += hᵀ drop(x); gx += mask (h A).
    pub(crate) fn backward(
        &self,
        (x, inner, g): (&[f32], &[f32], &[f32]),
        gx: &mut [f32],
        (ga, gb): (&mut [f32], &mut [f32]),
        (n, k): (usize, usize),
    ) {
        let r = self.rank;
        let mut h = vec![0.0; inner.len()];
        matmul::by_plain(g, self.b, &mut h, n, r, self.scale, false);
        matmul::outer(g, inner, gb, n, r, self.scale, true);
        let dropped = self.dropped(x);
        matmul::outer(&h, dropped.as_deref().unwrap_or(x), ga, r, k, 1.0, true);
        match self.dropout {
            None => matmul::by_plain(&h, self.a, gx, r, k, 1.0, true),
            Some(dropout) => {
                let mut by_dropped = vec![0.0; gx.len()];
                matmul::by_plain(&h, self.a, &mut by_dropped, r, k, 1.0, false);
                dropout.apply(&mut by_dropped);
                crate::kernel::rows::add(gx, &by_dropped);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::finite_difference::{check, values, weighted};

    #[test]
    fn the_backward_is_the_slope_of_the_forward() {
        for (dropout, t, n, k, rank) in
            [(None, 1, 1, 2, 1), (None, 70, 33, 65, 5), (Some(Dropout { rate: 0.3, seed: 5 }), 9, 12, 7, 3)]
        {
            let (x, a, b, g) = (values(t * k, 1), values(rank * k, 2), values(n * rank, 3), values(t * n, 4));
            let adapter = Adapter { a: &a, b: &b, rank, scale: 0.5, dropout };
            let loss = |x: &[f32], adapter: Adapter<'_>| {
                let mut y = vec![0.0; t * n];
                adapter.forward(x, &mut y, (n, k));
                weighted(&y, &g)
            };
            let (mut gx, mut ga, mut gb) = (vec![0.0; t * k], vec![0.0; rank * k], vec![0.0; n * rank]);
            let inner = adapter.forward(&x, &mut vec![0.0; t * n], (n, k));
            adapter.backward((&x, &inner, &g), &mut gx, (&mut ga, &mut gb), (n, k));
            check("x", &x, &gx, |x| loss(x, adapter));
            check("a", &a, &ga, |a| loss(&x, Adapter { a, ..adapter }));
            check("b", &b, &gb, |b| loss(&x, Adapter { b, ..adapter }));
        }
    }
}
