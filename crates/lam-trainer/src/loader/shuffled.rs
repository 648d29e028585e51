//! A finite set of samples, permuted anew in each epoch. Batches are packed without padding, so length plays no
//! part in which samples go together.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::DataLoader;
use crate::limits::Limits;
use crate::{ForeignState, Sample, TrainerError, TrainingArguments, check_samples, stream::stream_seed};

/// Epoch after epoch over a finite set; epoch e's order depends on the seed and e alone.
#[derive(Clone, Debug)]
pub struct ShuffledLoader<S> {
    samples: Vec<S>,
    limits: Limits,
    seed: u64,
    cursor: Cursor,
    order: Vec<usize>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Cursor {
    epoch: u64,
    next: usize,
}

impl<S: Sample> ShuffledLoader<S> {
    /// A loader over `samples`, with the arguments' batch limits and seed.
    ///
    /// # Errors
    /// Names a sample that is too long or has no trained token.
    pub fn new(mut samples: Vec<S>, arguments: &TrainingArguments) -> Result<Self, TrainerError> {
        if samples.is_empty() {
            return Err(TrainerError::NoSamples);
        }
        check_samples(&mut samples, arguments.max_length, arguments.truncation)?;
        let limits = Limits::training(arguments);
        let order = order_of(samples.len(), arguments.seed, 0);
        Ok(Self { samples, limits, seed: arguments.seed, cursor: Cursor { epoch: 0, next: 0 }, order })
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Never true: an empty set is refused.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// Where the batch that begins at `start` ends.
    fn batch_end(&self, order: &[usize], start: usize) -> usize {
        start + self.limits.fill(order[start..].iter().map(|&index| &self.samples[index]))
    }

    fn batches_of(&self, order: &[usize]) -> u64 {
        let (mut start, mut batches) = (0, 0);
        while start < order.len() {
            start = self.batch_end(order, start);
            batches += 1;
        }
        batches
    }
}

impl<S: Sample> DataLoader<S> for ShuffledLoader<S> {
    fn next_batch(&mut self, _step: u64) -> Result<Option<Vec<S>>, TrainerError> {
        if self.cursor.next == self.samples.len() {
            self.cursor = Cursor { epoch: self.cursor.epoch + 1, next: 0 };
            self.order = order_of(self.samples.len(), self.seed, self.cursor.epoch);
        }
        let end = self.batch_end(&self.order, self.cursor.next);
        let batch = self.order[self.cursor.next..end].iter().map(|&index| self.samples[index].clone()).collect();
        self.cursor.next = end;
        Ok(Some(batch))
    }

    fn batches_in(&self, epochs: f64) -> Option<u64> {
        let whole = epochs.floor() as u64;
        let batches = |epoch| self.batches_of(&order_of(self.samples.len(), self.seed, epoch));
        let rest = ((epochs - epochs.floor()) * batches(whole) as f64).ceil() as u64;
        Some((0..whole).map(batches).sum::<u64>() + rest)
    }

    fn epoch(&self) -> f64 {
        self.cursor.epoch as f64 + self.cursor.next as f64 / self.samples.len() as f64
    }

    /// The longest samples together, as many as could meet in a batch.
    fn longest_batch(&self) -> Option<Vec<S>> {
        let mut order: Vec<usize> = (0..self.samples.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(self.samples[index].tokens()));
        let end = self.batch_end(&order, 0);
        Some(order[..end].iter().map(|&index| self.samples[index].clone()).collect())
    }

    fn state(&self) -> Value {
        serde_json::to_value(self.cursor).expect("two integers serialise")
    }

    fn restore(&mut self, state: &Value) -> Result<(), ForeignState> {
        let foreign = || ForeignState::new("a finite set of samples", state);
        let cursor: Cursor = serde_json::from_value(state.clone()).map_err(|_| foreign())?;
        if cursor.next > self.samples.len() {
            return Err(foreign());
        }
        self.order = order_of(self.samples.len(), self.seed, cursor.epoch);
        self.cursor = cursor;
        Ok(())
    }

    fn fingerprint(&self) -> String {
        let mut listing = String::new();
        for sample in &self.samples {
            listing += &format!("{}\t{}\t{}\n", sample.id(), sample.tokens(), sample.trained_tokens());
        }
        lam_store::hash_bytes(listing.as_bytes())
    }
}

fn order_of(len: usize, seed: u64, epoch: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.shuffle(&mut rand_chacha::ChaCha8Rng::from_seed(stream_seed(seed, &format!("epoch/{epoch}"))));
    order
}
