//! Which slot of the cache holds what, so that a prompt which begins like an earlier one is not read twice.

use lam_model::AdapterId;

use crate::{CachedModel, InferenceError};

/// Tokens that two prompts must share before a copy is worth it.
pub(crate) const WORTH_SHARING: usize = 8;

/// The slots of a cache.
pub(crate) struct Slots {
    /// Tokens in each slot.
    contents: Vec<Vec<u32>>,
    /// The adapter that each slot's tokens were read with.
    adapter_of_slot: Vec<Option<AdapterId>>,
    /// Whether an answer is being generated in it.
    busy: Vec<bool>,
    /// When it was last given away, for replacing the oldest.
    given: Vec<u64>,
    turn: u64,
}

impl Slots {
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            contents: vec![Vec::new(); slots],
            adapter_of_slot: vec![None; slots],
            busy: vec![false; slots],
            given: vec![0; slots],
            turn: 0,
        }
    }

    /// The longest prefix of `prompt` that a slot holds as `adapter` reads it, and the slot. One token is always
    /// left to be read.
    pub(crate) fn best_prefix(&self, prompt: &[u32], adapter: Option<AdapterId>) -> (usize, usize) {
        let shared = self
            .contents
            .iter()
            .zip(&self.adapter_of_slot)
            .map(|(held, own)| if *own == adapter { shared_prefix(held, prompt).min(prompt.len() - 1) } else { 0 });
        shared.enumerate().fold((0, 0), |best, (slot, length)| if length > best.1 { (slot, length) } else { best })
    }

    /// Gives a free slot, if there is one, that holds the longest known prefix of `prompt`; with it the prefix's
    /// length.
    pub(crate) fn take(
        &mut self,
        model: &mut dyn CachedModel,
        prompt: &[u32],
        adapter: Option<AdapterId>,
    ) -> Result<Option<(usize, usize)>, InferenceError> {
        let (source, length) = self.best_prefix(prompt, adapter);
        let length = if length >= WORTH_SHARING { length } else { 0 };
        let Some(slot) = self.free_slot(source, length) else { return Ok(None) };
        if slot == source || length == 0 {
            model.truncate(slot, length);
        } else {
            model.copy_prefix(source, slot, length);
        }
        model.set_adapter(slot, adapter)?;
        self.adapter_of_slot[slot] = adapter;
        self.turn += 1;
        (self.busy[slot], self.given[slot]) = (true, self.turn);
        self.contents[slot].clear();
        self.contents[slot].extend(&prompt[..length]);
        Ok(Some((slot, length)))
    }

    /// Remembers what was read into a slot.
    pub(crate) fn read(&mut self, slot: usize, tokens: &[u32]) {
        self.contents[slot].extend(tokens);
    }

    /// Lets others have the slot; what it holds can still be shared.
    pub(crate) fn release(&mut self, slot: usize) {
        self.busy[slot] = false;
    }

    /// The source itself if it is free and of use, else the free slot that was given away longest ago.
    fn free_slot(&self, source: usize, length: usize) -> Option<usize> {
        if length > 0 && !self.busy[source] {
            return Some(source);
        }
        (0..self.busy.len()).filter(|&slot| !self.busy[slot]).min_by_key(|&slot| self.given[slot])
    }
}

/// Tokens that both begin with.
pub(crate) fn shared_prefix(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
