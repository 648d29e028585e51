//! In which order rollouts are trained on: a permutation a pass, cut into batches, each gone over several times.

use std::sync::Arc;

use lam_trainer::{DataLoader, Metrics, Sample, TrainerError, stream_seed};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::ppo::PpoSample;
use crate::rollout::Rollout;

/// The batches of rollouts, all fixed by the seed.
pub struct RolloutBuffer {
    batches: Vec<Vec<Arc<Rollout>>>,
}

impl RolloutBuffer {
    /// `passes` passes over the rollouts in batches of `batch_size`.
    pub fn new(rollouts: Vec<Rollout>, passes: usize, batch_size: usize, seed: u64) -> Self {
        let rollouts: Vec<Arc<Rollout>> = rollouts.into_iter().map(Arc::new).collect();
        let mut batches = Vec::new();
        for pass in 0..passes {
            let mut order = rollouts.clone();
            order.shuffle(&mut ChaCha8Rng::from_seed(stream_seed(seed, &format!("rollouts/{pass}"))));
            batches.extend(order.chunks(batch_size).map(<[_]>::to_vec));
        }
        Self { batches }
    }

    /// The rollouts of a batch.
    pub fn batch(&self, number: u64) -> Vec<Arc<Rollout>> {
        self.batches[number as usize].clone()
    }

    /// Number of batches.
    pub fn len(&self) -> usize {
        self.batches.len()
    }

    /// Whether there is nothing to train on.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}

/// Mini-batches in order: for each batch, `ppo_epochs` permutations of it, cut into mini-batches.
pub struct RolloutLoader<'a> {
    buffer: &'a RolloutBuffer,
    ppo_epochs: usize,
    mini_batch_size: usize,
    seed: u64,
    batch: u64,
    pending: Vec<Vec<usize>>,
    taken: usize,
}

impl<'a> RolloutLoader<'a> {
    /// A loader that starts at the first batch.
    pub fn new(buffer: &'a RolloutBuffer, ppo_epochs: usize, mini_batch_size: usize, seed: u64) -> Self {
        let mut loader = Self { buffer, ppo_epochs, mini_batch_size, seed, batch: 0, pending: Vec::new(), taken: 0 };
        loader.pending = loader.mini_batches();
        loader
    }

    /// Optimizer steps in all.
    pub fn steps(&self) -> u64 {
        let steps = |batch: &Vec<Arc<Rollout>>| batch.len().div_ceil(self.mini_batch_size) * self.ppo_epochs;
        self.buffer.batches.iter().map(steps).sum::<usize>() as u64
    }

    /// The mini-batches of the present batch, as indices into it.
    fn mini_batches(&self) -> Vec<Vec<usize>> {
        let Some(batch) = self.buffer.batches.get(self.batch as usize) else { return Vec::new() };
        let mut pending = Vec::new();
        for epoch in 0..self.ppo_epochs {
            let mut indices: Vec<usize> = (0..batch.len()).collect();
            let name = format!("mini-batches/{}/{epoch}", self.batch);
            indices.shuffle(&mut ChaCha8Rng::from_seed(stream_seed(self.seed, &name)));
            pending.extend(indices.chunks(self.mini_batch_size).map(<[usize]>::to_vec));
        }
        pending
    }
}

impl DataLoader<PpoSample> for RolloutLoader<'_> {
    fn next_batch(&mut self, _step: u64) -> Result<Option<Vec<PpoSample>>, TrainerError> {
        if self.taken == self.pending.len() {
            self.batch += 1;
            (self.pending, self.taken) = (self.mini_batches(), 0);
        }
        let Some(indices) = self.pending.get(self.taken) else { return Ok(None) };
        self.taken += 1;
        let batch = &self.buffer.batches[self.batch as usize];
        let sample = |&index: &usize| PpoSample { rollout: batch[index].clone(), batch: self.batch, index };
        Ok(Some(indices.iter().map(sample).collect()))
    }

    fn feedback(&mut self, _metrics: &Metrics) {}

    fn batches_in(&self, epochs: f64) -> Option<u64> {
        Some((self.steps() as f64 * epochs).ceil() as u64)
    }

    fn epoch(&self) -> f64 {
        self.batch as f64 / self.buffer.len().max(1) as f64
    }

    /// The mini-batch with the most tokens that could be drawn from any one batch of rollouts.
    fn longest_batch(&self) -> Option<Vec<PpoSample>> {
        let longest_of = |(batch, rollouts): (usize, &Vec<Arc<Rollout>>)| {
            let sample = |(index, rollout): (usize, &Arc<Rollout>)| PpoSample {
                rollout: rollout.clone(),
                batch: batch as u64,
                index,
            };
            let mut samples: Vec<PpoSample> = rollouts.iter().enumerate().map(sample).collect();
            samples.sort_by_key(|sample| std::cmp::Reverse(sample.tokens()));
            samples.truncate(self.mini_batch_size);
            samples
        };
        let batches = self.buffer.batches.iter().enumerate().map(longest_of);
        batches.max_by_key(|batch| batch.iter().map(Sample::tokens).sum::<usize>())
    }

    fn state(&self) -> Value {
        json!({ "batch": self.batch, "taken": self.taken })
    }

    fn restore(&mut self, state: &Value) -> Result<(), TrainerError> {
        let number = |key: &str| {
            state[key].as_u64().ok_or_else(|| TrainerError::Checkpoint {
                path: "rng_state.json".into(),
                reason: format!("no state of the rollouts: {state}"),
            })
        };
        (self.batch, self.taken) = (number("batch")?, number("taken")? as usize);
        self.pending = self.mini_batches();
        Ok(())
    }

    fn fingerprint(&self) -> String {
        let rollouts = self.buffer.batches.iter().flatten().map(|rollout| (rollout.id.as_str(), rollout.reward));
        lam_store::hash_bytes(format!("{:?}", rollouts.collect::<Vec<_>>()).as_bytes())
    }
}
