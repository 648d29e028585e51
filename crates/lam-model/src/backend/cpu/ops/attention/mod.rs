//! Causal attention over packed documents, grouped query heads, optional sliding window.
//!
//! For query head h of group j and token i of a document: o_i = sum over k ≤ i, i - k < window, of p_ik v_k with
//! p_i = softmax(q_i · k_k / sqrt(E)). Shapes: q, o [T, H E]; k, v [T, K E]; logsumexp [T, H]. Queries and keys come
//! rotated (see [`super::rope`]). Probabilities are computed again in the backward from the kept logsumexp.
//!
//! Texts that begin alike may lie in one span: their prefix, then what each of them has after it. A row of such a
//! branch sees the prefix and, of its own branch, what is not after it.

use std::ops::Range;

use rayon::prelude::*;

use crate::backend::cpu::storage::activation::Activation;
pub(crate) use crate::backend::heads::Heads;
use crate::batch::Span;

mod blocks;
mod in_bf16;
mod in_f32;

/// Queries handled at once.
const BLOCK: usize = 64;

/// Queries and the keys that any of them sees, as places in the span.
struct Block {
    first: usize,
    queries: usize,
    first_key: usize,
    keys: usize,
}

impl Block {
    /// The keys that its queries see, as runs that do not overlap: everything from the block's first key on, or in a
    /// branch the prefix and the branches that the block is in. A second run starts at an even place.
    fn parts(&self, span: &Span) -> Vec<Range<usize>> {
        let end = self.first + self.queries;
        let (shared, own) = (span.shared().next_multiple_of(2), span.segment(self.first).start / 2 * 2);
        let all = self.first_key..end;
        if own <= shared { vec![all] } else { vec![0..shared, own..end] }
    }
}

impl Heads {
    fn factor(&self) -> f32 {
        1.0 / (self.dim as f32).sqrt()
    }

    /// The window as it is among the places of a span: branches are only made of texts that fit into it.
    fn window_in(&self, span: &Span) -> usize {
        self.window.filter(|_| span.branches.is_empty()).unwrap_or(usize::MAX)
    }

    fn blocks(&self, span: &Span) -> impl Iterator<Item = Block> + use<> {
        let (window, length) = (self.window_in(span), span.length);
        (0..length).step_by(BLOCK).map(move |first| {
            let queries = BLOCK.min(length - first);
            let first_key = (first + 1).saturating_sub(window);
            Block { first, queries, first_key, keys: first + queries - first_key }
        })
    }

    /// Which keys of the block its i-th query sees: of the prefix, and of its own segment.
    fn seen(&self, span: &Span, block: &Block, i: usize) -> Seen {
        let place = block.first + i;
        let oldest = (place + 1).saturating_sub(self.window_in(span));
        let segment = span.segment(place).start;
        let shared = if segment == 0 { 0 } else { span.shared() };
        Seen { shared, own: oldest.max(segment) - block.first_key..place + 1 - block.first_key }
    }

    fn tasks<'a>(&self, spans: &'a [Span]) -> impl ParallelIterator<Item = (&'a Span, usize)> + use<'a> {
        let groups = self.key_value;
        (0..spans.len() * groups).into_par_iter().map(move |task| (&spans[task / groups], task % groups))
    }
}

/// What one query sees of its block's keys.
struct Seen {
    /// The first so many; the block then starts at the span's first key.
    shared: usize,
    /// And these.
    own: Range<usize>,
}

impl Seen {
    /// The ranges that are seen, in order.
    fn ranges(&self) -> [Range<usize>; 2] {
        [0..self.shared, self.own.clone()]
    }

    /// Everything else among `keys`.
    fn hidden(&self, keys: usize) -> [Range<usize>; 2] {
        [self.shared..self.own.start, self.own.end..keys]
    }
}

/// What attention reads. `q` and `k` are rotated.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) q: &'a Activation,
    pub(crate) k: &'a Activation,
    pub(crate) v: &'a Activation,
    /// Where each document is.
    pub(crate) spans: &'a [Span],
}

/// What the backward reads besides the inputs.
#[derive(Clone, Copy)]
pub(crate) struct Kept<'a> {
    /// Output of the forward.
    pub(crate) o: &'a Activation,
    /// The forward's logsumexp of each row and head.
    pub(crate) logsumexp: &'a [f32],
    /// Gradient by o.
    pub(crate) g: &'a Activation,
}

/// Writes o, and the logarithm of each softmax' denominator.
pub(crate) fn forward(heads: Heads, inputs: Inputs<'_>, o: &mut Activation, logsumexp: &mut [f32]) {
    let Inputs { q, k, v, spans } = inputs;
    match (q, k, v, o) {
        (Activation::F32(q), Activation::F32(k), Activation::F32(v), Activation::F32(o)) => {
            in_f32::forward(heads, in_f32::Inputs { q, k, v, spans }, o, logsumexp);
        }
        (Activation::Bf16(q), Activation::Bf16(k), Activation::Bf16(v), Activation::Bf16(o)) => {
            in_bf16::forward(heads, in_bf16::Inputs { q, k, v, spans }, o, logsumexp);
        }
        _ => unreachable!("a run has one precision"),
    }
}

/// Writes the gradients by the rotated queries, the rotated keys and the values:
/// dv = pᵀ g; ds = p (g vᵀ - g·o) / sqrt(E); dq = ds k; dk = dsᵀ q.
pub(crate) fn backward(heads: Heads, inputs: Inputs<'_>, kept: Kept<'_>, gradients: [&mut Activation; 3]) {
    let (Inputs { q, k, v, spans }, Kept { o, logsumexp, g }) = (inputs, kept);
    match ([q, k, v, o, g], gradients) {
        (
            [Activation::F32(q), Activation::F32(k), Activation::F32(v), Activation::F32(o), Activation::F32(g)],
            [Activation::F32(dq), Activation::F32(dk), Activation::F32(dv)],
        ) => in_f32::backward(heads, in_f32::Inputs { q, k, v, spans }, in_f32::Kept { o, logsumexp, g }, [dq, dk, dv]),
        (
            [Activation::Bf16(q), Activation::Bf16(k), Activation::Bf16(v), Activation::Bf16(o), Activation::Bf16(g)],
            [Activation::Bf16(dq), Activation::Bf16(dk), Activation::Bf16(dv)],
        ) => in_bf16::backward(
            heads,
            in_bf16::Inputs { q, k, v, spans },
            in_bf16::Kept { o, logsumexp, g },
            [dq, dk, dv],
        ),
        _ => unreachable!("a run has one precision"),
    }
}

#[cfg(test)]
mod tests;
