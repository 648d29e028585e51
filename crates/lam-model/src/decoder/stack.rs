//! All blocks between the tokens and the hidden states, as one node of candle's tape.
//!
//! candle's operations take at most three arguments, and its tape keeps and copies much. So the stack runs and
//! differentiates itself, and hangs on the tape by a thread: a scalar passes through one [`Tie`] for each trained
//! weight and into [`StackOp`]. On the way back, the stack computes all gradients and leaves them in a shared place;
//! each tie then picks up the one of its weight.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, Tensor, bail};

use super::block::{Block, BlockTape, Run};
use crate::backend::ops::{embedding, rms_norm};
use crate::backend::storage;
use crate::backend::storage::weight::{Gradients, Weight};

/// Embedding, blocks and final norm.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    pub(crate) embedding: Weight,
    pub(crate) blocks: Vec<Block>,
    pub(crate) norm: Weight,
    pub(crate) width: usize,
}

/// What the backward wants: each block's input and tape, and the last block's output.
struct Kept {
    blocks: Vec<(Vec<f32>, Option<BlockTape>)>,
    last: Vec<f32>,
}

impl Stack {
    /// Hidden states of a run. With `checkpointing`, a block's tape is made again in the backward.
    pub(crate) fn hidden(self: &Arc<Self>, run: Run, keep: bool, checkpointing: bool) -> Result<Tensor> {
        let gradients = Arc::new(Mutex::new(Gradients::default()));
        let mut thread = storage::tensor(vec![0.0], ())?;
        let mut tied = false;
        for weight in self.weights().filter(|_| keep) {
            if let (Some(var), Some(index)) = (weight.variable(), weight.index()) {
                thread = thread.apply_op2(var.as_tensor(), Tie { index, gradients: gradients.clone() })?;
                tied = true;
            }
        }
        let op = StackOp { stack: self.clone(), run, keep: tied, checkpointing, kept: Mutex::new(None), gradients };
        thread.apply_op1(op)
    }

    /// Every weight, in the order of the forward pass.
    pub(crate) fn weights(&self) -> impl Iterator<Item = &Weight> {
        let blocks = self.blocks.iter().flat_map(Block::weights);
        std::iter::once(&self.embedding).chain(blocks).chain(std::iter::once(&self.norm))
    }

    fn forward(&self, run: &Run, keep: bool, checkpointing: bool) -> Result<(Vec<f32>, Kept)> {
        let mut x = embedding::forward(&run.tokens, self.embedding.held()?.numbers(), self.width);
        let mut blocks = Vec::new();
        for (layer, block) in self.blocks.iter().enumerate() {
            let (y, tape) = block.forward(layer, run, &x)?;
            let x = std::mem::replace(&mut x, y);
            if keep {
                blocks.push((x, (!checkpointing).then_some(tape)));
            }
        }
        let mut hidden = vec![0.0; x.len()];
        rms_norm::forward(&x, &self.norm.values()?, run.eps, &mut hidden);
        Ok((hidden, Kept { blocks, last: x }))
    }

    fn backward(&self, run: &Run, kept: Kept, g: &[f32], gradients: &mut Gradients) -> Result<()> {
        let mut by_x = vec![0.0; g.len()];
        rms_norm::backward(&kept.last, &self.norm.values()?, run.eps, g, &mut by_x, gradients.of(&self.norm));
        drop(kept.last);
        let frozen_start = self.embedding.variable().is_none();
        for (layer, (x, tape)) in kept.blocks.into_iter().enumerate().rev() {
            let block = &self.blocks[layer];
            let place = (layer, layer == 0 && frozen_start);
            let tape = tape.map_or_else(|| block.forward(layer, run, &x).map(|(_, tape)| tape), Ok)?;
            block.backward(place, run, (&x, tape), &mut by_x, gradients)?;
        }
        if let Some(gradient) = gradients.of(&self.embedding) {
            embedding::backward(&run.tokens, &by_x, gradient, self.width);
        }
        Ok(())
    }
}

struct StackOp {
    stack: Arc<Stack>,
    run: Run,
    keep: bool,
    checkpointing: bool,
    kept: Mutex<Option<Kept>>,
    gradients: Arc<Mutex<Gradients>>,
}

impl CustomOp1 for StackOp {
    fn name(&self) -> &'static str {
        "decoder-stack"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        let (hidden, kept) = self.stack.forward(&self.run, self.keep, self.checkpointing)?;
        if self.keep {
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        }
        Ok((CpuStorage::F32(hidden), Shape::from((self.run.tokens.len(), self.stack.width))))
    }

    fn bwd(&self, thread: &Tensor, _: &Tensor, g: &Tensor) -> Result<Option<Tensor>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(kept) = kept else { bail!("the backward of the decoder can run only once") };
        let g = g.contiguous()?;
        let mut gradients = self.gradients.lock().unwrap_or_else(PoisonError::into_inner);
        self.stack.backward(&self.run, kept, &storage::values(&g)?, &mut gradients)?;
        Ok(Some(thread.zeros_like()?))
    }
}

/// Ties one trained weight to the thread.
struct Tie {
    index: usize,
    gradients: Arc<Mutex<Gradients>>,
}

impl CustomOp2 for Tie {
    fn name(&self) -> &'static str {
        "decoder-tie"
    }

    fn cpu_fwd(&self, _: &CpuStorage, _: &Layout, _: &CpuStorage, _: &Layout) -> Result<(CpuStorage, Shape)> {
        Ok((CpuStorage::F32(vec![0.0]), Shape::from(())))
    }

    fn bwd(&self, _: &Tensor, weight: &Tensor, _: &Tensor, g: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gradient = self.gradients.lock().unwrap_or_else(PoisonError::into_inner).take(self.index);
        let gradient = gradient.map(|values| storage::tensor(values, weight.shape())).transpose()?;
        Ok((Some(g.clone()), gradient))
    }
}
