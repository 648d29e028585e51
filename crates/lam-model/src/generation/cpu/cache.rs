//! Requests in their slots, and the weights as they were when the cache was made.

use std::sync::Arc;

use super::adapter::{Adapter, AdapterId};
use super::key_values::{KeyValues, Shape};
use super::model::Model;
use super::workspace::Workspace;
use crate::backend::cpu::ops::rope::Rope;
use crate::{CacheOptions, Decoder, ModelError, Precision, WeightFormat};

/// Keys and values of many requests. Each slot holds one, at its own length, and grows as tokens come.
///
/// It also holds the weights as they were when it was made: a later training step does not reach it.
pub struct KvCache {
    pub(crate) model: Arc<Model>,
    pub(crate) rope: Rope,
    pub(crate) key_values: KeyValues,
    pub(crate) adapters: Vec<Arc<Adapter>>,
    /// The adapter that each slot's tokens are read with.
    pub(crate) adapter_of_slot: Vec<Option<AdapterId>>,
    pub(crate) workspace: Workspace,
}

impl Decoder {
    /// An empty cache for `slots` requests at a time, with the weights of now, in [`Decoder::cache_options`].
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn new_cache(&self, slots: usize) -> Result<KvCache, ModelError> {
        self.new_cache_with(slots, self.cache_options())
    }

    /// The numbers that this decoder's own precision asks for, with any adapter merged: exact in f32; in bf16, weights,
    /// keys and values in bf16, as in training, so that generation holds no wider copy of a narrow base.
    pub fn cache_options(&self) -> CacheOptions {
        CacheOptions::of(match self.precision() {
            Precision::F32 => WeightFormat::F32,
            Precision::Bf16 => WeightFormat::Bf16,
        })
    }

    /// As [`Decoder::new_cache`], in the numbers that `options` says.
    ///
    /// # Errors
    /// As [`Decoder::new_cache`].
    pub fn new_cache_with(&self, slots: usize, options: CacheOptions) -> Result<KvCache, ModelError> {
        Ok(KvCache::new(Arc::new(Model::of(self, options)?), slots))
    }

    /// As [`Decoder::new_cache_with`], giving up the decoder: each block's weights are given back as soon as they are
    /// laid out, unless somebody else holds them, so that there are never two copies of a large model.
    ///
    /// # Errors
    /// As [`Decoder::new_cache`].
    pub fn into_cache(self, slots: usize, options: CacheOptions) -> Result<KvCache, ModelError> {
        Ok(KvCache::new(Arc::new(Model::from(self, options)?), slots))
    }
}

impl KvCache {
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
    pub fn slots(&self) -> usize {
        self.key_values.slots()
    }

    /// Rows of the embedding: so many logits come for a token.
    pub fn vocabulary(&self) -> usize {
        self.model.config.vocab_size
    }

    /// Tokens that a slot holds.
    pub fn length(&self, slot: usize) -> usize {
        self.key_values.length(slot)
    }

    /// Forgets what a slot holds from `length` on; 0 empties it.
    pub fn truncate(&mut self, slot: usize, length: usize) {
        self.key_values.truncate(slot, length);
    }

    /// An empty cache of `slots` with the same weights and adapters, which are shared.
    pub fn sibling(&self, slots: usize) -> Self {
        Self { adapters: self.adapters.clone(), ..Self::new(self.model.clone(), slots) }
    }

    /// Lets slot `to` hold the first `length` tokens of slot `from`, instead of what it held. Nothing is copied: both
    /// slots read the same memory until one of them grows.
    pub fn copy_prefix(&mut self, from: usize, to: usize, length: usize) {
        self.key_values.share(from, to, length);
        self.adapter_of_slot[to] = self.adapter_of_slot[from];
    }

    /// Lays out the adapter of `decoder`, whose other weights must be those of this cache, for [`KvCache::set_adapter`].
    ///
    /// # Errors
    /// When the decoder carries none, or one of another shape, or the cache has an adapter merged into its weights.
    pub fn add_adapter(&mut self, decoder: &Decoder) -> Result<AdapterId, ModelError> {
        self.adapters.push(Arc::new(Adapter::of(decoder, &self.model)?));
        Ok(AdapterId(self.adapters.len() - 1))
    }

    /// Whether this cache has an adapter.
    pub fn knows(&self, adapter: AdapterId) -> bool {
        adapter.0 < self.adapters.len()
    }

    /// Gives a slot an adapter, or none. A slot whose adapter changes is emptied: it was read with another one.
    ///
    /// # Errors
    /// When there is no such slot or adapter.
    pub fn set_adapter(&mut self, slot: usize, adapter: Option<AdapterId>) -> Result<(), ModelError> {
        if slot >= self.slots() || adapter.is_some_and(|adapter| !self.knows(adapter)) {
            let (slots, adapters) = (self.slots(), self.adapters.len());
            return Err(ModelError::batch(
                format!("slot {slot} of {slots} cannot have {adapter:?} of {adapters} adapters"),
                "",
            ));
        }
        if self.adapter_of_slot[slot] != adapter {
            self.adapter_of_slot[slot] = adapter;
            self.truncate(slot, 0);
        }
        Ok(())
    }
}
