//! Causal attention over packed documents, grouped query heads, optional sliding window.
//!
//! For query head h of group j and token i of a document: o_i = sum over k ≤ i, i - k < window, of p_ik v_k with
//! p_i = softmax(q_i · k_k / sqrt(E)). Shapes: q, o [T, H E]; k, v [T, K E]; log-sums [T, H]. Queries and keys come
//! turned (see [`super::rope`]). Probabilities are computed again in the backward from the kept log-sums.

use rayon::prelude::*;

use super::activation::Activation;

mod exact;
mod narrow;

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

/// Queries and the keys that any of them sees, as places in the document.
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

    fn blocks(&self, length: usize) -> impl Iterator<Item = Block> + use<> {
        let window = self.window.unwrap_or(usize::MAX);
        (0..length).step_by(BLOCK).map(move |first| {
            let queries = BLOCK.min(length - first);
            let first_key = (first + 1).saturating_sub(window);
            Block { first, queries, first_key, keys: first + queries - first_key }
        })
    }

    /// Which keys of the block its i-th query sees.
    fn seen(&self, block: &Block, i: usize) -> std::ops::Range<usize> {
        let place = block.first + i;
        let oldest = (place + 1).saturating_sub(self.window.unwrap_or(usize::MAX));
        oldest - block.first_key..place + 1 - block.first_key
    }

    fn tasks<'a>(&self, spans: &'a [(usize, usize)]) -> impl ParallelIterator<Item = (usize, usize, usize)> + use<'a> {
        let groups = self.key_value;
        (0..spans.len() * groups).into_par_iter().map(move |task| {
            let (start, length) = spans[task / groups];
            (start, length, task % groups)
        })
    }
}

/// What attention reads. `q` and `k` are turned.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) q: &'a Activation,
    pub(crate) k: &'a Activation,
    pub(crate) v: &'a Activation,
    /// First row and length of each document.
    pub(crate) spans: &'a [(usize, usize)],
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
            exact::forward(heads, exact::Inputs { q, k, v, spans }, o, log_sums);
        }
        (Activation::Bf16(q), Activation::Bf16(k), Activation::Bf16(v), Activation::Bf16(o)) => {
            narrow::forward(heads, narrow::Inputs { q, k, v, spans }, o, log_sums);
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
        ) => exact::backward(heads, exact::Inputs { q, k, v, spans }, exact::Kept { o, log_sums, g }, [dq, dk, dv]),
        (
            [Activation::Bf16(q), Activation::Bf16(k), Activation::Bf16(v), Activation::Bf16(o), Activation::Bf16(g)],
            [Activation::Bf16(dq), Activation::Bf16(dk), Activation::Bf16(dv)],
        ) => narrow::backward(heads, narrow::Inputs { q, k, v, spans }, narrow::Kept { o, log_sums, g }, [dq, dk, dv]),
        _ => unreachable!("a run has one precision"),
    }
}

#[cfg(test)]
mod tests;
