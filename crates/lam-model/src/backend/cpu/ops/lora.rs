//! The adapter beside a frozen linear: y += s drop(x) Aᵀ Bᵀ. Shapes: x [T, K]; A [R, K]; B [N, R]; y [T, N].

use super::dropout::Dropout;
use super::linear::{self, Form, Summand, To};
use crate::backend::cpu::kernel::numbers::Numbers;
use crate::backend::cpu::storage::activation::{Activation, View};

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
    fn dropped(&self, x: View<'_>) -> Option<Activation> {
        self.dropout.map(|dropout| {
            let mut x = x.to_activation();
            dropout.apply(&mut x);
            x
        })
    }

    /// s drop(x) Aᵀ, which the forward adds through B and the backward wants. Shape: [T, R].
    pub(crate) fn inner(&self, x: View<'_>, k: usize) -> Activation {
        let dropped = self.dropped(x);
        let x = dropped.as_ref().map_or(x, Activation::view);
        let summand = Summand { x, w: Numbers::F32(self.a), form: Form::Transposed, reduction: k };
        let mut inner = Activation::room(x.precision(), x.len() / k * self.rank);
        linear::sum(&[summand], self.rank, self.scale, To::Activation(&mut inner));
        inner
    }

    /// What the adapter adds to y.
    pub(crate) fn forward<'a>(&'a self, inner: &'a Activation) -> Summand<'a> {
        Summand { x: inner.view(), w: Numbers::F32(self.b), form: Form::Transposed, reduction: self.rank }
    }

    /// h = s g B, from which the other gradients are made. Shape: [T, R].
    pub(crate) fn outer(&self, g: View<'_>, n: usize) -> Activation {
        let summand = Summand { x: g, w: Numbers::F32(self.b), form: Form::Plain, reduction: n };
        let mut h = Activation::room(g.precision(), g.len() / n * self.rank);
        linear::sum(&[summand], self.rank, self.scale, To::Activation(&mut h));
        h
    }

    /// gB += gᵀ inner (inner carries the scale); gA += hᵀ drop(x).
    pub(crate) fn backward_weights(
        &self,
        (x, inner, g): (View<'_>, &Activation, View<'_>),
        h: &Activation,
        (ga, gb): (Option<&mut [f32]>, Option<&mut [f32]>),
        (n, k): (usize, usize),
    ) {
        if let Some(gb) = gb {
            linear::backward_thin_weight(g, inner.view(), gb, (n, self.rank));
        }
        if let Some(ga) = ga {
            let dropped = self.dropped(x);
            linear::backward_weight(h.view(), dropped.as_ref().map_or(x, Activation::view), ga, (self.rank, k));
        }
    }

    /// What the adapter adds to the gradient by drop(x): h A.
    pub(crate) fn backward<'a>(&'a self, h: &'a Activation) -> Summand<'a> {
        by_dropped(self.a, self.rank, h)
    }
}

/// As [`Adapter::backward`], from the adapter's A alone.
pub(crate) fn by_dropped<'a>(a: &'a [f32], rank: usize, h: &'a Activation) -> Summand<'a> {
    Summand { x: h.view(), w: Numbers::F32(a), form: Form::Plain, reduction: rank }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finite_difference::{check, values, weighted};

    #[test]
    fn the_backward_is_the_slope_of_the_forward() {
        for (dropout, t, n, k, rank) in
            [(None, 1, 1, 2, 1), (None, 70, 33, 65, 5), (Some(Dropout { rate: 0.3, seed: 5 }), 9, 12, 7, 3)]
        {
            let (x, a, b, g) = (values(t * k, 1), values(rank * k, 2), values(n * rank, 3), values(t * n, 4));
            let adapter = Adapter { a: &a, b: &b, rank, scale: 0.5, dropout };
            let loss = |x: &[f32], adapter: Adapter<'_>| {
                let mut y = vec![0.0; t * n];
                let inner = adapter.inner(View::F32(x), k);
                linear::sum(&[adapter.forward(&inner)], n, 1.0, To::F32(&mut y));
                weighted(&y, &g)
            };
            let (mut ga, mut gb) = (vec![0.0; rank * k], vec![0.0; n * rank]);
            let (inner, h) = (adapter.inner(View::F32(&x), k), adapter.outer(View::F32(&g), n));
            let views = (View::F32(x.as_slice()), &inner, View::F32(g.as_slice()));
            adapter.backward_weights(views, &h, (Some(&mut ga), Some(&mut gb)), (n, k));
            let mut gx = Activation::F32(vec![0.0; t * k].into());
            linear::sum(&[adapter.backward(&h)], k, 1.0, To::Activation(&mut gx));
            if let Some(dropout) = dropout {
                dropout.apply(&mut gx);
            }
            let Activation::F32(gx) = gx else { unreachable!() };
            check("x", &x, &gx, |x| loss(x, adapter));
            check("a", &a, &ga, |a| loss(&x, Adapter { a, ..adapter }));
            check("b", &b, &gb, |b| loss(&x, Adapter { b, ..adapter }));
        }
    }
}
