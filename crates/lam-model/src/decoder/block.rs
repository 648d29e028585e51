//! One block: x + attention(norm(x)), then + feed-forward(norm(·)). Forward and backward over plain buffers.

use std::sync::Arc;

use candle_core::Result;

use super::linear::{Branch, Inner, InputGradient, Linear};
use crate::Precision;
use crate::backend::ops::attention::{self, Heads, Inputs, Kept};
use crate::backend::ops::dropout::Dropout;
use crate::backend::ops::linear::To;
use crate::backend::ops::rope::Rope;
use crate::backend::ops::{rms_norm, swiglu};
use crate::backend::storage::activation::{Activation, Lent, View};
use crate::backend::storage::weight::{Gradients, Weight};
use crate::batch::Span;

/// The weights of a block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) input_norm: Weight,
    /// In the order of [`crate::layout::MODULES`].
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
    pub(crate) spans: Vec<Span>,
    pub(crate) positions: Vec<usize>,
    pub(crate) rope: Arc<Rope>,
    pub(crate) heads: Heads,
    pub(crate) eps: f32,
    pub(crate) precision: Precision,
    pub(crate) dropout_seed: Option<u64>,
}

/// What a block's forward keeps for its backward.
#[derive(Debug)]
pub(crate) struct BlockTape {
    q: Activation,
    k: Activation,
    v: Activation,
    o: Activation,
    logsumexp: Vec<f32>,
    /// The residual stream between attention and feed-forward.
    middle: Vec<f32>,
    gate: Activation,
    up: Activation,
    inner: [Inner; 7],
}

impl Run {
    fn seed(&self, layer: usize, module: usize) -> Option<u64> {
        self.dropout_seed.map(|seed| Dropout { rate: 0.0, seed }.at((layer * 7 + module) as u64).seed)
    }

    fn normed(&self, x: &[f32], norm: &Weight) -> Result<Activation> {
        let mut y = Activation::zeros(self.precision, x.len());
        match &mut y {
            Activation::F32(y) => rms_norm::forward(x, &norm.values()?, self.eps, y),
            Activation::Bf16(y) => rms_norm::forward(x, &norm.values()?, self.eps, y),
        }
        Ok(y)
    }
}

impl Block {
    /// The block's output for `x`, and what the backward will want.
    pub(crate) fn forward(&self, layer: usize, run: &Run, x: &[f32]) -> Result<(Vec<f32>, BlockTape)> {
        let t = run.tokens.len();
        let mut inner: [Inner; 7] = Default::default();
        let h = run.normed(x, &self.input_norm)?;
        let mut apply = |module, x| self.apply((layer, module), run, x, &mut inner);
        let (mut q, mut k, v) = (apply(Q, h.view())?, apply(K, h.view())?, apply(V, h.view())?);
        drop(h);
        run.rope.rotate(&mut q, self.linears[Q].size.0, &run.positions, 1.0);
        run.rope.rotate(&mut k, self.linears[K].size.0, &run.positions, 1.0);
        let mut o = Activation::zeros(run.precision, q.len());
        let mut logsumexp = vec![0.0; t * run.heads.query];
        attention::forward(run.heads, Inputs { q: &q, k: &k, v: &v, spans: &run.spans }, &mut o, &mut logsumexp);
        let mut middle = x.to_vec();
        inner[O] = self.linears[O].forward(o.view(), run.seed(layer, O), To::Add(&mut middle))?;

        let h = run.normed(&middle, &self.post_norm)?;
        let mut apply = |module, x| self.apply((layer, module), run, x, &mut inner);
        let (gate, up) = (apply(GATE, h.view())?, apply(UP, h.view())?);
        drop(h);
        let product = swiglu::forward(&gate, &up);
        let mut y = middle.clone();
        inner[DOWN] = self.linears[DOWN].forward(product.view(), run.seed(layer, DOWN), To::Add(&mut y))?;
        Ok((y, BlockTape { q, k, v, o, logsumexp, middle, gate, up, inner }))
    }

    /// Turns the gradient by the output, `g`, into the gradient by the input `x`. Where nothing before the block is
    /// trained (`first`), `g` is left without meaning.
    pub(crate) fn backward(
        &self,
        (layer, first): (usize, bool),
        run: &Run,
        (x, tape): (&[f32], BlockTape),
        g: &mut [f32],
        gradients: &mut Gradients,
    ) -> Result<()> {
        let BlockTape { q, k, v, o, logsumexp, middle, gate, up, inner } = tape;
        self.feed_forward_backward(layer, run, (&middle, gate, up, &inner), g, gradients)?;
        drop(middle);
        let mut by_o = Activation::zeros(run.precision, o.len());
        let lent = Lent::new(g, run.precision);
        let branches = [self.branch(layer, run, O, lent.view(), &inner)];
        let by_input = InputGradient::new(&branches)?;
        by_input.write(To::Activation(&mut by_o))?;
        by_input.weights(o.view(), gradients)?;
        drop(lent);

        let zeros = |like: &Activation| Activation::zeros(run.precision, like.len());
        let (mut dq, mut dk, mut dv) = (zeros(&q), zeros(&k), zeros(&v));
        attention::backward(
            run.heads,
            Inputs { q: &q, k: &k, v: &v, spans: &run.spans },
            Kept { o: &o, logsumexp: &logsumexp, g: &by_o },
            [&mut dq, &mut dk, &mut dv],
        );
        drop((q, k, v, o, by_o));
        run.rope.rotate(&mut dq, self.linears[Q].size.0, &run.positions, -1.0);
        run.rope.rotate(&mut dk, self.linears[K].size.0, &run.positions, -1.0);
        let branches = [(Q, &dq), (K, &dk), (V, &dv)].map(|(m, g)| self.branch(layer, run, m, g.view(), &inner));
        let by_input = InputGradient::new(&branches)?;
        by_input.weights(run.normed(x, &self.input_norm)?.view(), gradients)?;
        if first && self.input_norm.variable().is_none() {
            return Ok(());
        }
        let mut by_h = vec![0.0; x.len()];
        by_input.write(To::F32(&mut by_h))?;
        rms_norm::backward(x, &self.input_norm.values()?, run.eps, &by_h, g, gradients.of(&self.input_norm));
        Ok(())
    }

    fn feed_forward_backward(
        &self,
        layer: usize,
        run: &Run,
        (middle, mut gate, mut up, inner): (&[f32], Activation, Activation, &[Inner; 7]),
        g: &mut [f32],
        gradients: &mut Gradients,
    ) -> Result<()> {
        let mut product = Activation::zeros(run.precision, gate.len());
        {
            let lent = Lent::new(g, run.precision);
            let branches = [self.branch(layer, run, DOWN, lent.view(), inner)];
            let by_input = InputGradient::new(&branches)?;
            by_input.write(To::Activation(&mut product))?;
            swiglu::backward(&mut gate, &mut up, &mut product);
            by_input.weights(product.view(), gradients)?;
        }
        drop(product);
        let branches = [(GATE, &gate), (UP, &up)].map(|(m, g)| self.branch(layer, run, m, g.view(), inner));
        let by_input = InputGradient::new(&branches)?;
        by_input.weights(run.normed(middle, &self.post_norm)?.view(), gradients)?;
        let mut by_h = vec![0.0; middle.len()];
        by_input.write(To::F32(&mut by_h))?;
        rms_norm::backward(middle, &self.post_norm.values()?, run.eps, &by_h, g, gradients.of(&self.post_norm));
        Ok(())
    }

    fn apply(
        &self,
        (layer, module): (usize, usize),
        run: &Run,
        x: View<'_>,
        inner: &mut [Inner; 7],
    ) -> Result<Activation> {
        let linear = &self.linears[module];
        let mut y = Activation::zeros(run.precision, run.tokens.len() * linear.size.0);
        inner[module] = linear.forward(x, run.seed(layer, module), To::Activation(&mut y))?;
        Ok(y)
    }

    fn branch<'a>(&'a self, layer: usize, run: &Run, module: usize, g: View<'a>, inner: &'a [Inner; 7]) -> Branch<'a> {
        Branch { linear: &self.linears[module], g, inner: &inner[module], seed: run.seed(layer, module) }
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
