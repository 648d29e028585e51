//! A decoder's weights as they are read, changed and written: in the processor's memory, under their names.

use crate::backend::cpu::{Cpu, Group};
use crate::backend::storage::linear::Linear;
use crate::backend::storage::weight::Weight;
use crate::decoder::network::{self, Network};
use crate::layout::GROUPS;

/// Embedding, blocks and final norm.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    pub(crate) embedding: Weight,
    pub(crate) blocks: Vec<Block>,
    pub(crate) norm: Weight,
    pub(crate) width: usize,
}

/// The weights of a block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) input_norm: Weight,
    /// In the order of [`crate::layout::MODULES`].
    pub(crate) linears: [Linear; 7],
    /// Over each head of queries, and of keys.
    pub(crate) head_norms: Option<[Weight; 2]>,
    pub(crate) post_norm: Weight,
}

/// Where the feed-forward's layers begin among a block's.
const GATE: usize = 4;

impl Stack {
    /// Every weight, in the order of the forward pass.
    pub(crate) fn weights(&self) -> impl Iterator<Item = &Weight> {
        let blocks = self.blocks.iter().flat_map(Block::weights);
        std::iter::once(&self.embedding).chain(blocks).chain(std::iter::once(&self.norm))
    }

    /// Every weight, to be changed, but for adapters.
    pub(crate) fn weights_mut(&mut self) -> impl Iterator<Item = &mut Weight> {
        let blocks = self.blocks.iter_mut().flat_map(Block::weights_mut);
        std::iter::once(&mut self.embedding).chain(blocks).chain(std::iter::once(&mut self.norm))
    }

    /// The network over these weights on the processor, which shares their memory.
    pub(crate) fn on_cpu(&self, checkpointing: bool) -> Network<Cpu> {
        let (embedding, norm) = (self.embedding.clone(), self.norm.clone());
        Network { on: Cpu, embedding, blocks: self.blocks.iter().map(Block::on_cpu).collect(), norm, checkpointing }
    }
}

impl Block {
    /// Every weight, in the order of the forward pass.
    pub(crate) fn weights(&self) -> impl Iterator<Item = &Weight> {
        let (attention, feed_forward) = self.linears.split_at(GATE);
        let norm = std::iter::once;
        norm(&self.input_norm)
            .chain(attention.iter().flat_map(Linear::weights))
            .chain(self.head_norms.iter().flatten())
            .chain(norm(&self.post_norm))
            .chain(feed_forward.iter().flat_map(Linear::weights))
    }

    fn weights_mut(&mut self) -> impl Iterator<Item = &mut Weight> {
        let linears =
            self.linears.iter_mut().flat_map(|linear| std::iter::once(&mut linear.weight).chain(&mut linear.bias));
        [&mut self.input_norm, &mut self.post_norm]
            .into_iter()
            .chain(linears)
            .chain(self.head_norms.iter_mut().flatten())
    }

    fn on_cpu(&self) -> network::Block<Cpu> {
        let group = |modules: std::ops::Range<usize>| Group::new(&self.linears[modules.clone()], modules.start);
        let [qkv, o, gate_up, down] = GROUPS.map(group);
        let (input_norm, head_norms, post_norm) =
            (self.input_norm.clone(), self.head_norms.clone(), self.post_norm.clone());
        network::Block { input_norm, qkv, head_norms, o, post_norm, gate_up, down }
    }
}
