//! Keys and values of many requests, each in a slot, and the weights as they were when the cache was made.

use std::sync::Arc;

use super::panels::Panels;
use crate::ops::rope::Rope;
use crate::{Decoder, ModelError};

/// Positions whose keys stand side by side.
pub(crate) const KEY_BLOCK: usize = 16;

/// Weights of a block, laid out for generation, with any adapter added in.
pub(crate) struct BlockPanels {
    pub(crate) input_norm: Vec<f32>,
    pub(crate) qkv: Panels,
    pub(crate) o: Panels,
    pub(crate) post_norm: Vec<f32>,
    pub(crate) gate_up: Panels,
    pub(crate) down: Panels,
}

/// All weights, laid out for generation.
pub(crate) struct ModelPanels {
    pub(crate) embedding: Vec<f32>,
    pub(crate) blocks: Vec<BlockPanels>,
    pub(crate) norm: Vec<f32>,
    pub(crate) head: Panels,
}

/// Keys and values of one slot in one block.
#[derive(Clone, Default)]
pub(crate) struct Past {
    /// [position / 16, K, E, 16]: scores of 16 positions are computed side by side.
    pub(crate) keys: Vec<f32>,
    /// [position, K E].
    pub(crate) values: Vec<f32>,
}

/// Keys and values of many requests. Each slot holds one, at its own length, and grows as tokens come.
///
/// It also holds the weights as they were when it was made: a later training step does not reach it.
pub struct KvCache {
    pub(crate) model: Arc<ModelPanels>,
    pub(crate) rope: Rope,
    pub(crate) lengths: Vec<usize>,
    /// [layer][slot]
    pub(crate) past: Vec<Vec<Past>>,
    /// K E.
    pub(crate) width: usize,
}

impl Decoder {
    /// An empty cache for `slots` requests at a time, with the weights of now.
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn new_cache(&self, slots: usize) -> Result<KvCache, ModelError> {
        let d = self.config.hidden_size;
        let mut blocks = Vec::new();
        for block in &self.stack.blocks {
            let mut weights = Vec::new();
            for linear in &block.linears {
                let merged = linear.merged()?;
                let values = match merged {
                    Some(merged) => crate::ops::storage::values(&merged)?.to_vec(),
                    None => linear.weight.held()?.source().wide(0..linear.weight.len()),
                };
                weights.push((values, linear.size.1));
            }
            let panels = |range: std::ops::Range<usize>| {
                let parts: Vec<&[f32]> = weights[range.clone()].iter().map(|(w, _)| w.as_slice()).collect();
                Panels::new(&parts, weights[range.start].1)
            };
            blocks.push(BlockPanels {
                input_norm: block.input_norm.values()?.to_vec(),
                qkv: panels(0..3),
                o: panels(3..4),
                post_norm: block.post_norm.values()?.to_vec(),
                gate_up: panels(4..6),
                down: panels(6..7),
            });
        }
        let model = ModelPanels {
            embedding: self.stack.embedding.held()?.source().wide(0..self.stack.embedding.len()),
            blocks,
            norm: self.stack.norm.values()?.to_vec(),
            head: Panels::new(&[&self.output().held()?.source().wide(0..self.output().len())], d),
        };
        Ok(KvCache {
            past: vec![vec![Past::default(); slots]; model.blocks.len()],
            model: Arc::new(model),
            rope: Rope::new(self.config.head_dim(), self.config.theta(), 0),
            lengths: vec![0; slots],
            width: self.config.num_key_value_heads * self.config.head_dim(),
        })
    }
}

impl KvCache {
    /// Number of slots.
    pub fn slots(&self) -> usize {
        self.lengths.len()
    }

    /// Tokens that a slot holds.
    pub fn length(&self, slot: usize) -> usize {
        self.lengths[slot]
    }

    /// Forgets what a slot holds from `length` on; 0 empties it.
    pub fn truncate(&mut self, slot: usize, length: usize) {
        self.lengths[slot] = self.lengths[slot].min(length);
    }

    /// An empty cache of `slots` with the same weights, which are shared.
    pub fn sibling(&self, slots: usize) -> Self {
        Self {
            past: vec![vec![Past::default(); slots]; self.past.len()],
            model: self.model.clone(),
            rope: self.rope.clone(),
            lengths: vec![0; slots],
            width: self.width,
        }
    }

    /// Lets slot `to` hold the first `length` tokens of slot `from`, instead of what it held.
    pub fn copy_prefix(&mut self, from: usize, to: usize, length: usize) {
        let length = length.min(self.lengths[from]);
        let (keys, values) = (length.div_ceil(KEY_BLOCK) * KEY_BLOCK * self.width, length * self.width);
        if from != to {
            for slots in &mut self.past {
                let source = std::mem::take(&mut slots[from]);
                let target = &mut slots[to];
                target.keys.clear();
                target.keys.extend_from_slice(&source.keys[..keys]);
                target.values.clear();
                target.values.extend_from_slice(&source.values[..values]);
                slots[from] = source;
            }
        }
        self.lengths[to] = length;
    }
}

impl Past {
    /// Puts the key and value of a position, which must be the next one or an earlier one.
    pub(crate) fn put(&mut self, position: usize, key: &[f32], value: &[f32]) {
        let width = key.len();
        let block = position / KEY_BLOCK * KEY_BLOCK * width;
        if self.keys.len() < block + KEY_BLOCK * width {
            self.keys.resize(block + KEY_BLOCK * width, 0.0);
        }
        for (i, key) in key.iter().enumerate() {
            self.keys[block + i * KEY_BLOCK + position % KEY_BLOCK] = *key;
        }
        self.values.truncate(position * width);
        self.values.extend_from_slice(value);
    }
}
