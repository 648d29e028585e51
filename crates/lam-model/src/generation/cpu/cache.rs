//! Requests in their slots, and the weights as they were when the cache was made.

use std::sync::Arc;

use super::adapter::Adapter;
use super::key_values::{KeyValues, Shape};
use super::model::Model;
use super::workspace::Workspace;
use crate::backend::cpu::ops::rope::Rope;
use crate::generation::read::AdapterId;
use crate::{CacheOptions, Decoder, ModelError};

/// Keys and values of many requests, and the weights as they were when it was made: a later training step does not reach
/// it.
pub(crate) struct Cache {
    pub(crate) model: Arc<Model>,
    pub(crate) rope: Rope,
    pub(crate) key_values: KeyValues,
    pub(crate) adapters: Vec<Arc<Adapter>>,
    /// The adapter that each slot's tokens are read with.
    pub(crate) adapter_of_slot: Vec<Option<AdapterId>>,
    pub(crate) workspace: Workspace,
}

impl Cache {
    /// Over the weights of a decoder, which keeps them.
    pub(crate) fn of(decoder: &Decoder, slots: usize, options: CacheOptions) -> Result<Self, ModelError> {
        Ok(Self::new(Arc::new(Model::of(decoder, options)?), slots))
    }

    /// Over the weights of a decoder that is given up.
    pub(crate) fn from(decoder: Decoder, slots: usize, options: CacheOptions) -> Result<Self, ModelError> {
        Ok(Self::new(Arc::new(Model::from(decoder, options)?), slots))
    }

    fn new(model: Arc<Model>, slots: usize) -> Self {
        let heads = model.heads;
        let format = model.options.key_values;
        let shape = Shape { format, layers: model.blocks.len(), heads: heads.key_value, dim: heads.dim };
        Self {
            rope: Rope::new(model.config.rotary().expect("the decoder was made with it"), 0),
            key_values: KeyValues::new(shape, slots),
            adapters: Vec::new(),
            adapter_of_slot: vec![None; slots],
            workspace: Workspace::new(model.options.weights),
            model,
        }
    }

    /// Number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.key_values.slots()
    }

    /// Rows of the embedding: so many logits come for a token.
    pub(crate) fn vocabulary(&self) -> usize {
        self.model.config.vocab_size
    }

    /// Tokens that a slot holds.
    pub(crate) fn length(&self, slot: usize) -> usize {
        self.key_values.length(slot)
    }

    /// Forgets what a slot holds from `length` on; 0 empties it.
    pub(crate) fn truncate(&mut self, slot: usize, length: usize) {
        self.key_values.truncate(slot, length);
    }

    /// An empty cache of `slots` with the same weights and adapters, which are shared.
    pub(crate) fn sibling(&self, slots: usize) -> Self {
        Self { adapters: self.adapters.clone(), ..Self::new(self.model.clone(), slots) }
    }

    /// Lets slot `to` hold the first `length` tokens of slot `from`, instead of what it held. Nothing is copied: both
    /// slots read the same memory until one of them grows.
    pub(crate) fn copy_prefix(&mut self, from: usize, to: usize, length: usize) {
        self.key_values.share(from, to, length);
        self.adapter_of_slot[to] = self.adapter_of_slot[from];
    }

    /// Lays out the adapter of `decoder`, whose other weights must be those of this cache.
    ///
    /// # Errors
    /// When the decoder carries none, or one of another shape, or the cache has an adapter merged into its weights.
    pub(crate) fn add_adapter(&mut self, decoder: &Decoder) -> Result<AdapterId, ModelError> {
        self.adapters.push(Arc::new(Adapter::of(decoder, &self.model)?));
        Ok(AdapterId(self.adapters.len() - 1))
    }
}
