//! One block: x + attention(norm(x)), then + feed-forward(norm(·)). Forward and backward over plain buffers.

use candle_core::Result;

use super::linear::{Inner, Linear};
use super::weight::{Gradients, Weight};
use crate::ops::attention::{self, Heads, Inputs, Kept};
use crate::ops::dropout::Dropout;
use crate::ops::rope::Rope;
use crate::ops::{rms_norm, swiglu};

/// The weights of a block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) input_norm: Weight,
    /// In the order of [`crate::lora::MODULES`].
    pub(crate) linears: [Linear; 7],
    pub(crate) post_norm: Weight,
}

const Q: usize = 0;
const K: usize = 1;
const V: usize = 2;
const O: usize = 3;
const GATE: usize = 4;
const UP: usize = 5;
const DOWN: usize = 6;

/// What a run of the stack is about: which documents, where, with which constants.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) tokens: Vec<u32>,
    pub(crate) spans: Vec<(usize, usize)>,
    pub(crate) positions: Vec<usize>,
    pub(crate) rope: Rope,
    pub(crate) heads: Heads,
    pub(crate) eps: f32,
    pub(crate) dropout_seed: Option<u64>,
}

/// What a block's forward keeps for its backward.
#[derive(Debug)]
pub(crate) struct BlockTape {
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    o: Vec<f32>,
    log_sums: Vec<f32>,
    middle: Vec<f32>,
    gate: Vec<f32>,
    up: Vec<f32>,
    inner: [Inner; 7],
}

impl Run {
    fn seed(&self, layer: usize, module: usize) -> Option<u64> {
        self.dropout_seed.map(|seed| Dropout { rate: 0.0, seed }.at((layer * 7 + module) as u64).seed)
    }
}

fn normed(x: &[f32], norm: &Weight, eps: f32) -> Result<Vec<f32>> {
    let mut y = vec![0.0; x.len()];
    rms_norm::forward(x, &norm.values()?, eps, &mut y);
    Ok(y)
}

impl Block {
    /// The block's output for `x`, and what the backward will want.
    pub(crate) fn forward(&self, layer: usize, run: &Run, x: &[f32]) -> Result<(Vec<f32>, BlockTape)> {
        let t = run.tokens.len();
        let mut inner: [Inner; 7] = Default::default();
        let mut apply = |module: usize, x: &[f32], residual: Option<&[f32]>| -> Result<Vec<f32>> {
            let linear = &self.linears[module];
            let mut y = residual.map_or_else(|| vec![0.0; t * linear.size.0], <[f32]>::to_vec);
            inner[module] = linear.forward(x, &mut y, residual.is_some(), run.seed(layer, module))?;
            Ok(y)
        };
        let h = normed(x, &self.input_norm, run.eps)?;
        let (mut q, mut k, v) = (apply(Q, &h, None)?, apply(K, &h, None)?, apply(V, &h, None)?);
        run.rope.turn(&mut q, self.linears[Q].size.0, &run.positions, 1.0);
        run.rope.turn(&mut k, self.linears[K].size.0, &run.positions, 1.0);
        let (mut o, mut log_sums) = (vec![0.0; q.len()], vec![0.0; t * run.heads.query]);
        attention::forward(run.heads, Inputs { q: &q, k: &k, v: &v, spans: &run.spans }, &mut o, &mut log_sums);
        let middle = apply(O, &o, Some(x))?;
        let h = normed(&middle, &self.post_norm, run.eps)?;
        let (gate, up) = (apply(GATE, &h, None)?, apply(UP, &h, None)?);
        let mut product = vec![0.0; gate.len()];
        swiglu::forward(&gate, &up, &mut product);
        let y = apply(DOWN, &product, Some(&middle))?;
        Ok((y, BlockTape { q, k, v, o, log_sums, middle, gate, up, inner }))
    }

    /// Turns the gradient by the output, `g`, into the gradient by the input `x`.
    pub(crate) fn backward(
        &self,
        layer: usize,
        run: &Run,
        (x, tape): (&[f32], BlockTape),
        g: &mut [f32],
        gradients: &mut Gradients,
    ) -> Result<()> {
        let BlockTape { mut q, mut k, mut v, o, log_sums, middle, gate, up, inner } = tape;
        self.feed_forward_backward(layer, run, (&middle, gate, up, &inner), g, gradients)?;
        let mut by_o = vec![0.0; o.len()];
        self.linears[O].backward((&o, &inner[O], g), &mut by_o, false, run.seed(layer, O), gradients)?;
        let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
        attention::backward(
            run.heads,
            Inputs { q: &q, k: &k, v: &v, spans: &run.spans },
            Kept { o: &o, log_sums: &log_sums, g: &by_o },
            [&mut dq, &mut dk, &mut dv],
        );
        run.rope.turn(&mut dq, self.linears[Q].size.0, &run.positions, -1.0);
        run.rope.turn(&mut dk, self.linears[K].size.0, &run.positions, -1.0);
        (q, k, v) = (dq, dk, dv);
        let h = normed(x, &self.input_norm, run.eps)?;
        let mut by_h = vec![0.0; h.len()];
        for (module, g) in [(Q, &q), (K, &k), (V, &v)] {
            let seed = run.seed(layer, module);
            self.linears[module].backward((&h, &inner[module], g), &mut by_h, module != Q, seed, gradients)?;
        }
        rms_norm::backward(x, &self.input_norm.values()?, run.eps, &by_h, g, gradients.of(&self.input_norm));
        Ok(())
    }

    fn feed_forward_backward(
        &self,
        layer: usize,
        run: &Run,
        (middle, mut gate, mut up, inner): (&[f32], Vec<f32>, Vec<f32>, &[Inner; 7]),
        g: &mut [f32],
        gradients: &mut Gradients,
    ) -> Result<()> {
        let mut product = vec![0.0; gate.len()];
        swiglu::forward(&gate, &up, &mut product);
        let mut by_product = vec![0.0; gate.len()];
        let seed = run.seed(layer, DOWN);
        self.linears[DOWN].backward((&product, &inner[DOWN], g), &mut by_product, false, seed, gradients)?;
        swiglu::backward(&mut gate, &mut up, &by_product);
        let h = normed(middle, &self.post_norm, run.eps)?;
        let mut by_h = vec![0.0; h.len()];
        for (module, g) in [(GATE, &gate), (UP, &up)] {
            let seed = run.seed(layer, module);
            self.linears[module].backward((&h, &inner[module], g), &mut by_h, module != GATE, seed, gradients)?;
        }
        rms_norm::backward(middle, &self.post_norm.values()?, run.eps, &by_h, g, gradients.of(&self.post_norm));
        Ok(())
    }

    /// Every weight, in the order of the forward pass.
    pub(crate) fn weights(&self) -> impl Iterator<Item = &Weight> {
        let (attention, feed_forward) = self.linears.split_at(GATE);
        let norm = std::iter::once;
        norm(&self.input_norm)
            .chain(attention.iter().flat_map(Linear::weights))
            .chain(norm(&self.post_norm))
            .chain(feed_forward.iter().flat_map(Linear::weights))
    }
}
