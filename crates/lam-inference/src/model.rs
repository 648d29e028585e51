//! What generation needs of a model: to read tokens into a slot of its cache and give scores for what comes next.

use lam_model::{Decoder, KvCache};

use crate::InferenceError;

/// Tokens to be read into a slot.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The slot.
    pub slot: usize,
    /// What is read, at least one token.
    pub tokens: &'a [u32],
    /// Scores are wanted after each of so many last tokens, at least one.
    pub scored: usize,
}

impl<'a> Input<'a> {
    /// What is read in one of `scored` rounds, each of which ends at a scored token.
    fn part(&self, round: usize) -> &'a [u32] {
        let first = self.tokens.len() - self.scored;
        if round == 0 { &self.tokens[..=first] } else { &self.tokens[first + round..=first + round] }
    }
}

/// A model with a cache of independent slots.
pub trait CachedModel {
    /// Number of slots.
    fn slots(&self) -> usize;

    /// Reads every input after what its slot holds. Per input the scores after its last `scored` tokens, in their
    /// order. Shape of each: [V].
    ///
    /// # Errors
    /// When the model fails.
    fn read(&mut self, inputs: &[Input<'_>]) -> Result<Vec<Vec<Vec<f32>>>, InferenceError>;

    /// Keeps the first `length` tokens of a slot.
    fn truncate(&mut self, slot: usize, length: usize);

    /// Lets `to` hold the first `length` tokens of `from`, and nothing else.
    fn copy_prefix(&mut self, from: usize, to: usize, length: usize);
}

/// A decoder with its cache: the weights as they were when it was made.
pub struct CachedDecoder<'a> {
    decoder: &'a Decoder,
    cache: KvCache,
}

impl<'a> CachedDecoder<'a> {
    /// An empty cache for `decoder`.
    ///
    /// # Errors
    /// When the weights cannot be read.
    pub fn new(decoder: &'a Decoder, slots: usize) -> Result<Self, InferenceError> {
        Ok(Self { decoder, cache: decoder.new_cache(slots)? })
    }

    /// Reads the inputs and gives the scores after the last token of each. Shape: [inputs, V].
    fn decode(&mut self, inputs: &[(usize, &[u32])]) -> Result<Vec<Vec<f32>>, InferenceError> {
        let logits = self.decoder.decode(&mut self.cache, inputs)?;
        Ok(logits.chunks(self.decoder.config().vocab_size).map(<[f32]>::to_vec).collect())
    }
}

impl CachedModel for CachedDecoder<'_> {
    fn slots(&self) -> usize {
        self.cache.slots()
    }

    /// The decoder scores the end of what it reads, so an input with several scored tokens is read up to each in turn.
    fn read(&mut self, inputs: &[Input<'_>]) -> Result<Vec<Vec<Vec<f32>>>, InferenceError> {
        let mut scores: Vec<Vec<Vec<f32>>> = vec![Vec::new(); inputs.len()];
        let rounds = inputs.iter().map(|input| input.scored).max().unwrap_or(0);
        for round in 0..rounds {
            let reads: Vec<usize> = (0..inputs.len()).filter(|&index| round < inputs[index].scored).collect();
            let parts: Vec<_> = reads.iter().map(|&index| (inputs[index].slot, inputs[index].part(round))).collect();
            for (index, last) in reads.into_iter().zip(self.decode(&parts)?) {
                scores[index].push(last);
            }
        }
        Ok(scores)
    }

    fn truncate(&mut self, slot: usize, length: usize) {
        self.cache.truncate(slot, length);
    }

    fn copy_prefix(&mut self, from: usize, to: usize, length: usize) {
        self.cache.copy_prefix(from, to, length);
    }
}
