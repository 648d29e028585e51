//! Attention in f32, with products of the gemm crate.

use std::ops::Range;

use rayon::prelude::*;

use super::{BLOCK, Block, Heads, Seen};
use crate::backend::cpu::kernel::matmul::{Matrix, Product, multiply, multiply_shared};
use crate::backend::cpu::kernel::rows;
use crate::backend::cpu::kernel::shared::Shared;
use crate::batch::Span;

/// What attention reads. `q` and `k` are rotated.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub(super) q: &'a [f32],
    pub(super) k: &'a [f32],
    pub(super) v: &'a [f32],
    /// Where each document is.
    pub(super) spans: &'a [Span],
}

/// As [`super::forward`].
pub(super) fn forward(heads: Heads, inputs: Inputs<'_>, o: &mut [f32], logsumexp: &mut [f32]) {
    let (e, wq, wk) = (heads.dim, heads.query * heads.dim, heads.key_value * heads.dim);
    let group = heads.query / heads.key_value;
    let (o, logsumexp) = (Shared::new(o), Shared::new(logsumexp));
    heads.tasks(inputs.spans).for_each(|(span, j)| {
        let &Span { start, length, .. } = span;
        let mut scores = vec![0.0; BLOCK.min(length) * length];
        for h in j * group..(j + 1) * group {
            for block in heads.blocks(span) {
                let (row, parts) = (start + block.first, block.parts(span));
                for part in &parts {
                    let product =
                        Product { m: block.queries, n: part.len(), k: e, alpha: heads.factor(), accumulate: false };
                    let keys = Matrix::columns(&inputs.k[(start + part.start) * wk + j * e..], wk);
                    let queries = Matrix::rows(&inputs.q[row * wq + h * e..], wq);
                    multiply(product, queries, keys, &mut scores[part.start - block.first_key..], block.keys);
                }
                for i in 0..block.queries {
                    let row_scores = &mut scores[i * block.keys..(i + 1) * block.keys];
                    let lse = softmax(row_scores, &heads.seen(span, &block, i));
                    // SAFETY: only this task has this row and head.
                    unsafe { logsumexp.part((row + i) * heads.query + h, 1)[0] = lse };
                }
                for (place, part) in parts.iter().enumerate() {
                    let values = Matrix::rows(&inputs.v[(start + part.start) * wk + j * e..], wk);
                    let product = Product { m: block.queries, n: e, k: part.len(), alpha: 1.0, accumulate: place > 0 };
                    let scores = Matrix::rows(&scores[part.start - block.first_key..], block.keys);
                    // SAFETY: only this task has these rows of this head.
                    unsafe { multiply_shared(product, scores, values, o, row * wq + h * e, wq) };
                }
            }
        }
    });
}

/// Softmax over what is seen, zero elsewhere; returns the logarithm of the denominator.
fn softmax(scores: &mut [f32], seen: &Seen) -> f32 {
    for hidden in seen.hidden(scores.len()) {
        scores[hidden].fill(0.0);
    }
    let highest = seen.ranges().map(|range| rows::max(&scores[range])).into_iter().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = seen.ranges().map(|range| rows::exp_sum(&mut scores[range], highest)).into_iter().sum();
    for range in seen.ranges() {
        rows::scale(&mut scores[range], 1.0 / sum);
    }
    highest + sum.ln()
}

/// What the backward reads besides the inputs.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a> {
    /// Output of the forward.
    pub(super) o: &'a [f32],
    /// The forward's logsumexp of each row and head.
    pub(super) logsumexp: &'a [f32],
    /// Gradient by o.
    pub(super) g: &'a [f32],
}

/// As [`super::backward`].
pub(super) fn backward(heads: Heads, inputs: Inputs<'_>, kept: Kept<'_>, gradients: [&mut [f32]; 3]) {
    let gradients = gradients.map(Shared::new);
    let (e, wk) = (heads.dim, heads.key_value * heads.dim);
    let group = heads.query / heads.key_value;
    heads.tasks(inputs.spans).for_each(|(span, j)| {
        let &Span { start, length, .. } = span;
        let size = BLOCK.min(length) * length;
        let (mut p, mut ds) = (vec![0.0; size], vec![0.0; size]);
        for by_key in &gradients[1..] {
            // SAFETY: only this task has these rows of this key-value head.
            (start..start + length).for_each(|row| unsafe { by_key.part(row * wk + j * e, e).fill(0.0) });
        }
        for h in j * group..(j + 1) * group {
            for block in heads.blocks(span) {
                let task = Task { heads, inputs, kept, span, j, h, parts: block.parts(span), block };
                task.products(&mut p, &mut ds);
                task.softmax(&mut p, &mut ds);
                task.add(&p, &ds, gradients);
            }
        }
    });
}

/// One block of queries of one head in the backward, and the runs of keys that it sees.
struct Task<'a> {
    heads: Heads,
    inputs: Inputs<'a>,
    kept: Kept<'a>,
    span: &'a Span,
    j: usize,
    h: usize,
    block: Block,
    parts: Vec<Range<usize>>,
}

impl Task<'_> {
    /// Width of the rows of queries, and of keys.
    fn widths(&self) -> (usize, usize) {
        (self.heads.query * self.heads.dim, self.heads.key_value * self.heads.dim)
    }

    /// Where the block's first query lies.
    fn at_query(&self) -> usize {
        (self.span.start + self.block.first) * self.widths().0 + self.h * self.heads.dim
    }

    /// Where a run's first key lies, and its column among the block's keys.
    fn at_key(&self, part: &Range<usize>) -> (usize, usize) {
        let row = self.span.start + part.start;
        (row * self.widths().1 + self.j * self.heads.dim, part.start - self.block.first_key)
    }

    /// p := q kᵀ / sqrt(E), the scores; ds := g vᵀ.
    fn products(&self, p: &mut [f32], ds: &mut [f32]) {
        let (Self { heads, inputs, block, .. }, (wq, wk)) = (self, self.widths());
        let at = self.at_query();
        let (queries, g) = (Matrix::rows(&inputs.q[at..], wq), Matrix::rows(&self.kept.g[at..], wq));
        for part in &self.parts {
            let (at, column) = self.at_key(part);
            let product = |alpha| Product { m: block.queries, n: part.len(), k: heads.dim, alpha, accumulate: false };
            let (keys, values) = (Matrix::columns(&inputs.k[at..], wk), Matrix::columns(&inputs.v[at..], wk));
            multiply(product(heads.factor()), queries, keys, &mut p[column..], block.keys);
            multiply(product(1.0), g, values, &mut ds[column..], block.keys);
        }
    }

    /// Scores become probabilities, and ds the gradient by the scores.
    fn softmax(&self, p: &mut [f32], ds: &mut [f32]) {
        let Self { heads, kept, span, block, h, .. } = self;
        for i in 0..block.queries {
            let place = i * block.keys..(i + 1) * block.keys;
            let at = self.at_query() + i * self.widths().0;
            let own = at..at + heads.dim;
            let (p, ds) = (&mut p[place.clone()], &mut ds[place]);
            let logsumexp = kept.logsumexp[(span.start + block.first + i) * heads.query + h];
            probabilities(p, &heads.seen(span, block, i), logsumexp);
            let mean = rows::dot(&kept.g[own.clone()], &kept.o[own]);
            for part in &self.parts {
                let keys = part.start - block.first_key..part.end - block.first_key;
                rows::softmax_backward(&mut ds[keys.clone()], &p[keys], mean, heads.factor());
            }
        }
    }

    /// dq := ds k; dk += dsᵀ q; dv += pᵀ g.
    fn add(&self, p: &[f32], ds: &[f32], [dq, dk, dv]: [Shared<'_, f32>; 3]) {
        let (Self { heads, inputs, block, .. }, (wq, wk)) = (self, self.widths());
        let (e, at) = (heads.dim, self.at_query());
        let (queries, g) = (Matrix::rows(&inputs.q[at..], wq), Matrix::rows(&self.kept.g[at..], wq));
        for (place, part) in self.parts.iter().enumerate() {
            let (at_key, column) = self.at_key(part);
            let (p, ds) = (&p[column..], &ds[column..]);
            let by_query = Product { m: block.queries, n: e, k: part.len(), alpha: 1.0, accumulate: place > 0 };
            let by_key = Product { m: part.len(), n: e, k: block.queries, alpha: 1.0, accumulate: true };
            let keys = Matrix::rows(&inputs.k[at_key..], wk);
            // SAFETY: only this task has these rows of this key-value head and of its query heads.
            unsafe {
                multiply_shared(by_key, Matrix::columns(p, block.keys), g, dv, at_key, wk);
                multiply_shared(by_query, Matrix::rows(ds, block.keys), keys, dq, at, wq);
                multiply_shared(by_key, Matrix::columns(ds, block.keys), queries, dk, at_key, wk);
            }
        }
    }
}

/// Scores become probabilities; zero where nothing is seen.
fn probabilities(scores: &mut [f32], seen: &Seen, logsumexp: f32) {
    for hidden in seen.hidden(scores.len()) {
        scores[hidden].fill(0.0);
    }
    for range in seen.ranges() {
        rows::exp_scaled(&mut scores[range], 1.0, logsumexp);
    }
}
