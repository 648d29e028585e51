//! Causal attention over packed documents, grouped query heads, optional sliding window.
//!
//! For query head h of group j and token i of a document: o_i = sum over k ≤ i, i - k < window, of p_ik v_k with
//! p_i = softmax(q_i · k_k / sqrt(E)). Shapes: q, o [T, H E]; k, v [T, K E]; log-sums [T, H]. Queries and keys come
//! turned (see [`super::rope`]). Probabilities are computed again in the backward from the kept log-sums.
//!
//! Texts that begin alike may lie in one span: their beginning, then what each of them has after it. A row of such a
//! branch sees the beginning and, of its own branch, what is not after it.

use std::ops::Range;

use rayon::prelude::*;

use super::activation::Activation;

mod in_bf16;
mod in_f32;

/// Queries handled at once.
const BLOCK: usize = 64;

/// Heads of an attention layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heads {
    pub(crate) query: usize,
    pub(crate) key_value: usize,
    pub(crate) dim: usize,
    pub(crate) window: Option<usize>,
}

/// Rows of a document; or of a beginning and, after it, of the texts that go on from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) length: usize,
    /// Places at which the branches begin, ascending; empty for a document. The beginning ends where the first starts.
    branches: Vec<usize>,
}

impl Span {
    /// Rows from `start` on: a document, or a beginning and its branches.
    pub(crate) fn new(start: usize, lengths: &[usize]) -> Self {
        let mut length = 0;
        let ends: Vec<usize> = lengths
            .iter()
            .map(|segment| {
                length += segment;
                length
            })
            .collect();
        Self { start, length, branches: ends[..ends.len() - 1].to_vec() }
    }

    /// Rows of the beginning; 0 in a document.
    fn shared(&self) -> usize {
        self.branches.first().copied().unwrap_or(0)
    }

    /// The segment that holds a place: the document, the beginning, or a branch.
    fn segment(&self, place: usize) -> Range<usize> {
        let next = self.branches.partition_point(|&start| start <= place);
        let start = next.checked_sub(1).map_or(0, |branch| self.branches[branch]);
        start..self.branches.get(next).copied().unwrap_or(self.length)
    }

    /// The keys that queries of a block see, as runs that do not overlap: everything from the block's first key on, or in
    /// a branch the beginning and the branches that the block is in. A second run starts at an even place.
    fn parts(&self, block: &Block) -> Vec<Range<usize>> {
        let end = block.first + block.queries;
        let (shared, own) = (self.shared().next_multiple_of(2), self.segment(block.first).start / 2 * 2);
        let all = block.first_key..end;
        if own <= shared { vec![all] } else { vec![0..shared, own..end] }
    }

    /// The place in its text.
    pub(crate) fn position(&self, place: usize) -> usize {
        match self.segment(place).start {
            0 => place,
            start => self.shared() + place - start,
        }
    }
}

/// Queries and the keys that any of them sees, as places in the span.
struct Block {
    first: usize,
    queries: usize,
    first_key: usize,
    keys: usize,
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

    /// Which keys of the block its i-th query sees: of the beginning, and of its own segment.
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

/// What attention reads. `q` and `k` are turned.
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
    /// Log-sums of the forward.
    pub(crate) log_sums: &'a [f32],
    /// Gradient by o.
    pub(crate) g: &'a Activation,
}

/// Writes o, and the logarithm of each softmax' denominator.
pub(crate) fn forward(heads: Heads, inputs: Inputs<'_>, o: &mut Activation, log_sums: &mut [f32]) {
    let Inputs { q, k, v, spans } = inputs;
    match (q, k, v, o) {
        (Activation::F32(q), Activation::F32(k), Activation::F32(v), Activation::F32(o)) => {
            in_f32::forward(heads, in_f32::Inputs { q, k, v, spans }, o, log_sums);
        }
        (Activation::Bf16(q), Activation::Bf16(k), Activation::Bf16(v), Activation::Bf16(o)) => {
            in_bf16::forward(heads, in_bf16::Inputs { q, k, v, spans }, o, log_sums);
        }
        _ => unreachable!("a run has one precision"),
    }
}

/// Writes the gradients by the turned queries, the turned keys and the values:
/// dv = pᵀ g; ds = p (g vᵀ - g·o) / sqrt(E); dq = ds k; dk = dsᵀ q.
pub(crate) fn backward(heads: Heads, inputs: Inputs<'_>, kept: Kept<'_>, gradients: [&mut Activation; 3]) {
    let (Inputs { q, k, v, spans }, Kept { o, log_sums, g }) = (inputs, kept);
    match ([q, k, v, o, g], gradients) {
        (
            [Activation::F32(q), Activation::F32(k), Activation::F32(v), Activation::F32(o), Activation::F32(g)],
            [Activation::F32(dq), Activation::F32(dk), Activation::F32(dv)],
        ) => in_f32::backward(heads, in_f32::Inputs { q, k, v, spans }, in_f32::Kept { o, log_sums, g }, [dq, dk, dv]),
        (
            [Activation::Bf16(q), Activation::Bf16(k), Activation::Bf16(v), Activation::Bf16(o), Activation::Bf16(g)],
            [Activation::Bf16(dq), Activation::Bf16(dk), Activation::Bf16(dv)],
        ) => {
            in_bf16::backward(heads, in_bf16::Inputs { q, k, v, spans }, in_bf16::Kept { o, log_sums, g }, [dq, dk, dv])
        }
        _ => unreachable!("a run has one precision"),
    }
}

#[cfg(test)]
mod tests;
