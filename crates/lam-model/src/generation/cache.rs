//! The door of generation: one cache to callers, on whatever device the decoder computes.

use super::read::{AdapterId, Read};
use super::{cpu, cuda};
use crate::batch::check_tokens;
use crate::{AdapterUse, CacheOptions, Decoder, ModelError, Precision, WeightFormat};

/// Keys and values of many requests. Each slot holds one, at its own length, and grows as tokens come.
///
/// On the processor it also holds the weights as they were when it was made: a later training step does not reach it. On
/// a CUDA device it shares the decoder's weights: after a training step it is to be made anew.
pub struct KvCache {
    on: On,
}

/// Where a cache computes.
enum On {
    Cpu(Box<cpu::Cache>),
    Cuda(Box<cuda::Cache>),
}

/// The same with whichever cache it is.
macro_rules! with {
    ($on:expr, $cache:ident => $what:expr) => {
        match $on {
            On::Cpu($cache) => $what,
            On::Cuda($cache) => $what,
        }
    };
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

    /// The numbers in which the frozen matrices lie: blocks of 4 or 8 bits as they are, with inputs in 8 bits, or bf16; as
    /// [`Decoder::cache_options`] where they lie in f32, or the decoder's own adapter is to be added to them (`adapter`
    /// merged), which none of these would hold as it is. Weights in blocks are taken so only without an adapter.
    pub fn stored_options(&self, adapter: AdapterUse) -> CacheOptions {
        let linears = || self.stack.blocks.iter().flat_map(|block| &block.linears);
        let bits = |wanted: u8| {
            linears()
                .filter(|linear| linear.weight.blocks().is_some_and(|blocks| blocks.raw().1.bits() == wanted))
                .count()
        };
        let (four, eight, all) = (bits(4), bits(8), linears().count());
        let is_added_to = self.lora.is_some() && adapter == AdapterUse::Merged;
        if is_added_to || self.on_cuda().is_some() {
            return self.cache_options();
        }
        if linears().all(|linear| linear.weight.is_bf16()) {
            return CacheOptions::of(WeightFormat::Bf16);
        }
        if self.lora.is_some() || four + eight == 0 || 2 * (four + eight) < all {
            return self.cache_options();
        }
        CacheOptions::of(if four > 0 { WeightFormat::Q4 } else { WeightFormat::Q8 })
    }

    /// As [`Decoder::new_cache`], in the numbers that `options` says. On a CUDA device weights are as the decoder has them
    /// there, keys and values are bf16, and of the options only that about the adapter counts.
    ///
    /// # Errors
    /// As [`Decoder::new_cache`].
    pub fn new_cache_with(&self, slots: usize, options: CacheOptions) -> Result<KvCache, ModelError> {
        let on = match self.on_cuda() {
            Some(on_cuda) => On::Cuda(Box::new(cuda::Cache::of(self, on_cuda, (slots, options))?)),
            None => On::Cpu(Box::new(cpu::Cache::of(self, slots, options)?)),
        };
        Ok(KvCache { on })
    }

    /// As [`Decoder::new_cache_with`], giving up the decoder: each block's weights are given back as soon as they are
    /// laid out, unless somebody else holds them, so that there are never two copies of a large model.
    ///
    /// # Errors
    /// As [`Decoder::new_cache`].
    pub fn into_cache(self, slots: usize, options: CacheOptions) -> Result<KvCache, ModelError> {
        match self.on_cuda() {
            Some(_) => self.new_cache_with(slots, options),
            None => Ok(KvCache { on: On::Cpu(Box::new(cpu::Cache::from(self, slots, options)?)) }),
        }
    }

    /// As [`KvCache::decode`]; the weights are those of the cache.
    ///
    /// # Errors
    /// As [`KvCache::read`].
    pub fn decode(&self, cache: &mut KvCache, inputs: &[(usize, &[u32])]) -> Result<Vec<f32>, ModelError> {
        cache.decode(inputs)
    }
}

impl KvCache {
    /// Number of slots.
    pub fn slots(&self) -> usize {
        with!(&self.on, cache => cache.slots())
    }

    /// Rows of the embedding: so many logits come for a token.
    pub fn vocabulary(&self) -> usize {
        with!(&self.on, cache => cache.vocabulary())
    }

    /// Tokens that a slot holds.
    pub fn length(&self, slot: usize) -> usize {
        with!(&self.on, cache => cache.length(slot))
    }

    /// Forgets what a slot holds from `length` on; 0 empties it.
    pub fn truncate(&mut self, slot: usize, length: usize) {
        with!(&mut self.on, cache => cache.truncate(slot, length));
    }

    /// On a CUDA device: whether steps that recur are captured as CUDA graphs, which give the same bits and spare the
    /// device its waits for the processor. They are, unless the environment has `LAM_CUDA_GRAPHS=0`. Elsewhere this
    /// changes nothing.
    pub fn set_graphs(&mut self, on: bool) {
        if let On::Cuda(cache) = &mut self.on {
            cache.graphs.set(on);
        }
    }

    /// Number of CUDA graphs that there are at the moment.
    pub fn graphs(&self) -> usize {
        match &self.on {
            On::Cpu(_) => 0,
            On::Cuda(cache) => cache.graphs.count(),
        }
    }

    /// An empty cache of `slots` with the same weights and adapters, which are shared.
    pub fn sibling(&self, slots: usize) -> Self {
        let on = match &self.on {
            On::Cpu(cache) => On::Cpu(Box::new(cache.sibling(slots))),
            On::Cuda(cache) => On::Cuda(Box::new(cache.sibling(slots))),
        };
        Self { on }
    }

    /// Lets slot `to` hold the first `length` tokens of slot `from`, instead of what it held. Nothing is copied: both
    /// slots read the same memory until one of them grows.
    pub fn copy_prefix(&mut self, from: usize, to: usize, length: usize) {
        with!(&mut self.on, cache => cache.copy_prefix(from, to, length));
    }

    /// Lays out the adapter of `decoder`, whose other weights must be those of this cache, for [`KvCache::set_adapter`].
    ///
    /// # Errors
    /// When the decoder carries none, or one of another shape, or the cache has an adapter merged into its weights.
    pub fn add_adapter(&mut self, decoder: &Decoder) -> Result<AdapterId, ModelError> {
        with!(&mut self.on, cache => cache.add_adapter(decoder))
    }

    /// Whether this cache has an adapter.
    pub fn knows(&self, adapter: AdapterId) -> bool {
        adapter.0 < self.adapters()
    }

    /// Gives a slot an adapter, or none. A slot whose adapter changes is emptied: it was read with another one.
    ///
    /// # Errors
    /// When there is no such slot or adapter.
    pub fn set_adapter(&mut self, slot: usize, adapter: Option<AdapterId>) -> Result<(), ModelError> {
        if slot >= self.slots() || adapter.is_some_and(|adapter| !self.knows(adapter)) {
            let (slots, adapters) = (self.slots(), self.adapters());
            return Err(ModelError::batch(
                format!("slot {slot} of {slots} cannot have {adapter:?} of {adapters} adapters"),
                "",
            ));
        }
        let own = with!(&mut self.on, cache => &mut cache.adapter_of_slot[slot]);
        if *own != adapter {
            *own = adapter;
            self.truncate(slot, 0);
        }
        Ok(())
    }

    /// Appends tokens to slots and returns the logits after the last token of each input. Shape: [B, V].
    ///
    /// # Errors
    /// As [`KvCache::read`].
    pub fn decode(&mut self, inputs: &[(usize, &[u32])]) -> Result<Vec<f32>, ModelError> {
        let reads: Vec<_> = inputs.iter().map(|&(slot, tokens)| Read { slot, tokens, scored: 1 }).collect();
        self.read(&reads)
    }

    /// Appends tokens to slots and returns the logits after each scored token, in the order of the reads.
    /// Shape: [Σ scored, V].
    ///
    /// Whole prompts and single tokens can be mixed. A slot may appear once.
    ///
    /// # Errors
    /// When a slot does not exist or appears twice, a read is empty or scores more than it reads, or a token is outside
    /// the embedding; on a CUDA device also when its memory is used up. The cache is then as it was.
    pub fn read(&mut self, reads: &[Read<'_>]) -> Result<Vec<f32>, ModelError> {
        self.check(reads)?;
        with!(&mut self.on, cache => cache.read(reads))
    }

    fn check(&self, reads: &[Read<'_>]) -> Result<(), ModelError> {
        let mut named = vec![false; self.slots()];
        for (i, &Read { slot, tokens, scored }) in reads.iter().enumerate() {
            let fresh = named.get_mut(slot).is_some_and(|named| !std::mem::replace(named, true));
            if !fresh || tokens.is_empty() || scored > tokens.len() {
                return Err(ModelError::batch(
                    format!(
                        "input {i}: slot {slot} of {} must appear once, with at least one token and no more scored ones",
                        self.slots()
                    ),
                    "",
                ));
            }
            check_tokens(tokens, self.vocabulary())?;
        }
        Ok(())
    }

    /// Number of adapters.
    fn adapters(&self) -> usize {
        with!(&self.on, cache => cache.adapters.len())
    }
}
