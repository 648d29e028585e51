//! Requests in their slots, over the weights that the decoder has on the device.

use std::sync::Arc;

use super::adapter::Adapter;
use super::graphs::Graphs;
use super::model::Model;
use super::pages::Pages;
use super::rotations::Rotations;
use crate::decoder::OnCuda;
use crate::generation::read::AdapterId;
use crate::{CacheOptions, Decoder, ModelError};

/// Keys and values of many requests on a device, and the decoder's network there.
pub(crate) struct Cache {
    pub(crate) model: Arc<Model>,
    pub(crate) pages: Pages,
    pub(crate) rotations: Rotations,
    pub(crate) adapters: Vec<Arc<Adapter>>,
    /// The adapter that each slot's tokens are read with.
    pub(crate) adapter_of_slot: Vec<Option<AdapterId>>,
    /// Steps that are done with one call.
    pub(crate) graphs: Graphs,
}

impl Cache {
    /// Over the network of a decoder.
    pub(crate) fn of(
        decoder: &Decoder,
        on: &Arc<OnCuda>,
        (slots, options): (usize, CacheOptions),
    ) -> Result<Self, ModelError> {
        Ok(Self::new(Arc::new(Model::of(decoder, on, options.adapter)?), slots))
    }

    fn new(model: Arc<Model>, slots: usize) -> Self {
        Self {
            pages: Pages::new(model.device(), model.page_numbers(), slots),
            rotations: Rotations::new((*model.run.rope).clone()),
            adapters: Vec::new(),
            adapter_of_slot: vec![None; slots],
            graphs: Graphs::new(model.device()),
            model,
        }
    }

    /// Number of slots.
    pub(crate) fn slots(&self) -> usize {
        self.pages.slots()
    }

    /// Rows of the embedding: so many logits come for a token.
    pub(crate) fn vocabulary(&self) -> usize {
        self.model.vocabulary
    }

    /// Tokens that a slot holds.
    pub(crate) fn length(&self, slot: usize) -> usize {
        self.pages.length(slot)
    }

    /// Forgets what a slot holds from `length` on; 0 empties it.
    pub(crate) fn truncate(&mut self, slot: usize, length: usize) {
        self.pages.truncate(slot, length);
    }

    /// An empty cache of `slots` with the same weights and adapters, which are shared.
    pub(crate) fn sibling(&self, slots: usize) -> Self {
        let mut sibling = Self { adapters: self.adapters.clone(), ..Self::new(self.model.clone(), slots) };
        sibling.graphs.set(self.graphs.are_on());
        sibling
    }

    /// Lets slot `to` hold the first `length` tokens of slot `from`, instead of what it held, in the same pages.
    pub(crate) fn copy_prefix(&mut self, from: usize, to: usize, length: usize) {
        self.pages.share(from, to, length);
        self.adapter_of_slot[to] = self.adapter_of_slot[from];
    }

    /// Brings the adapter of `decoder`, whose other weights must be those of this cache, to the device.
    ///
    /// # Errors
    /// When the decoder carries none, or one of another shape, or the cache has an adapter merged into its weights.
    pub(crate) fn add_adapter(&mut self, decoder: &Decoder) -> Result<AdapterId, ModelError> {
        self.adapters.push(Arc::new(Adapter::of(decoder, &self.model)?));
        Ok(AdapterId(self.adapters.len() - 1))
    }
}
