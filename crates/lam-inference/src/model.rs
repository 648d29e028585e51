//! What generation needs of a model: to read tokens into a slot of its cache and give scores for what comes next.

use lam_model::{AdapterId, CacheOptions, Decoder, KvCache, Read};

use crate::InferenceError;

/// Scores after the scored tokens of some reads, in their order.
pub struct Scores {
    logits: Vec<f32>,
    vocabulary: usize,
}

/// A model with a cache of independent slots.
pub trait CachedModel {
    /// Number of slots.
    fn slots(&self) -> usize;

    /// Appends tokens to slots and scores what may come after the last `scored` ones of each; at least one is scored.
    ///
    /// # Errors
    /// When the model fails.
    fn read(&mut self, reads: &[Read<'_>]) -> Result<Scores, InferenceError>;

    /// Keeps the first `length` tokens of a slot.
    fn truncate(&mut self, slot: usize, length: usize);

    /// Lets `to` hold the first `length` tokens of `from`, and nothing else, with the same adapter.
    fn copy_prefix(&mut self, from: usize, to: usize, length: usize);

    /// Whether the model has an adapter of this name.
    fn knows(&self, _adapter: AdapterId) -> bool {
        false
    }

    /// Gives a slot an adapter that the model knows, or none. A slot whose adapter changes is emptied.
    ///
    /// # Errors
    /// When the model does not know the adapter.
    fn set_adapter(&mut self, slot: usize, adapter: Option<AdapterId>) -> Result<(), InferenceError>;
}

impl Scores {
    /// Scores of so many tokens of a vocabulary each. Shape of `logits`: [Σ scored, V].
    pub fn new(logits: Vec<f32>, vocabulary: usize) -> Self {
        Self { logits, vocabulary }
    }

    /// One row after the other. Shape of each: `[V]`.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.logits.chunks_exact(self.vocabulary)
    }
}

/// A decoder's cache: its weights as they were when it was made, and adapters beside them.
pub struct CachedDecoder {
    cache: KvCache,
}

impl CachedDecoder {
    /// An empty cache for `decoder` in the numbers of its own precision, with any adapter merged.
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn new(decoder: &Decoder, slots: usize) -> Result<Self, InferenceError> {
        Self::with(decoder, slots, decoder.cache_options())
    }

    /// An empty cache for `decoder` in the numbers that `options` says.
    ///
    /// # Errors
    /// As [`CachedDecoder::new`].
    pub fn with(decoder: &Decoder, slots: usize, options: CacheOptions) -> Result<Self, InferenceError> {
        Ok(Self { cache: decoder.new_cache_with(slots, options)? })
    }

    /// Lays out the adapter of `decoder`, whose other weights must be those of this cache, for requests to name.
    ///
    /// # Errors
    /// When it carries none or does not fit.
    pub fn add_adapter(&mut self, decoder: &Decoder) -> Result<AdapterId, InferenceError> {
        Ok(self.cache.add_adapter(decoder)?)
    }
}

impl From<KvCache> for CachedDecoder {
    fn from(cache: KvCache) -> Self {
        Self { cache }
    }
}

impl CachedModel for CachedDecoder {
    fn slots(&self) -> usize {
        self.cache.slots()
    }

    fn read(&mut self, reads: &[Read<'_>]) -> Result<Scores, InferenceError> {
        Ok(Scores::new(self.cache.read(reads)?, self.cache.vocabulary()))
    }

    fn truncate(&mut self, slot: usize, length: usize) {
        self.cache.truncate(slot, length);
    }

    fn copy_prefix(&mut self, from: usize, to: usize, length: usize) {
        self.cache.copy_prefix(from, to, length);
    }

    fn knows(&self, adapter: AdapterId) -> bool {
        self.cache.knows(adapter)
    }

    fn set_adapter(&mut self, slot: usize, adapter: Option<AdapterId>) -> Result<(), InferenceError> {
        Ok(self.cache.set_adapter(slot, adapter)?)
    }
}
