//! All blocks between the tokens and the hidden states, forward and backward, written once for every device.

mod block;
mod tape;

use candle_core::Result;

use crate::backend::Backend;
pub(crate) use block::Block;
use block::{At, BlockTape};

/// Embedding, blocks and final norm on a device.
#[derive(Debug)]
pub(crate) struct Network<B: Backend> {
    pub(crate) on: B,
    pub(crate) embedding: B::Table,
    pub(crate) blocks: Vec<Block<B>>,
    pub(crate) norm: B::Norm,
    /// Whether a block's tape is made again in the backward, instead of being kept.
    pub(crate) checkpointing: bool,
}

/// What the backward wants: each block's input and tape, and the last block's output.
pub(crate) struct Kept<B: Backend> {
    blocks: Vec<(B::Wide, Option<BlockTape<B>>)>,
    last: B::Wide,
    roots: B::Roots,
}

impl<B: Backend> Network<B> {
    /// Hidden states, and where `keep` what the backward wants.
    pub(crate) fn forward(&self, batch: &B::Batch, keep: bool) -> Result<(B::Hidden, Kept<B>)> {
        let mut x = self.on.embed(batch, &self.embedding)?;
        let mut blocks = Vec::new();
        for (number, block) in self.blocks.iter().enumerate() {
            let (y, tape) = block.forward(&self.on, number, batch, &x)?;
            let x = std::mem::replace(&mut x, y);
            if keep {
                blocks.push((x, (!self.checkpointing).then_some(tape)));
            }
        }
        let (hidden, roots) = self.on.final_norm(batch, &x, &self.norm)?;
        Ok((hidden, Kept { blocks, last: x, roots }))
    }

    /// Adds the gradients by all that is trained, from the one by the hidden states.
    pub(crate) fn backward(
        &self,
        batch: &B::Batch,
        kept: Kept<B>,
        by_hidden: &B::Hidden,
        gradients: &mut B::Gradients,
    ) -> Result<()> {
        let mut g = self.on.final_norm_backward(batch, (&kept.last, &self.norm, &kept.roots), by_hidden, gradients)?;
        drop(kept.last);
        let frozen_start = !self.on.trains_table(&self.embedding);
        for (number, (x, tape)) in kept.blocks.into_iter().enumerate().rev() {
            let block = &self.blocks[number];
            let again = || block.forward(&self.on, number, batch, &x).map(|(_, tape)| tape);
            let tape = tape.map_or_else(again, Ok)?;
            let at = At { block: number, first_trained: number == 0 && frozen_start };
            block.backward(&self.on, at, batch, (&x, tape), &mut g, gradients)?;
        }
        self.on.embed_backward(batch, &self.embedding, &g, gradients)
    }
}
