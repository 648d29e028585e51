//! The rollouts in the order in which they are trained on: a permutation each pass, cut into batches, each gone over
//! several times in mini-batches, with successes beside them that are imitated, if there are any. Does not know what
//! becomes of them.

use std::sync::Arc;

use lam_model::Answer;
use lam_trainer::{DataLoader, ForeignState, Sample, TrainerError, stream_seed};
use rand::SeedableRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::rollout::Rollout;

/// A rollout in its place: which batch it is trained in.
#[derive(Clone, Debug)]
pub struct PpoSample {
    /// The rollout.
    pub rollout: Arc<Rollout>,
    /// Number of its batch, over all passes.
    pub batch: u64,
    /// Its index in the batch; none for a success that is imitated beside it.
    pub index: Option<usize>,
}

impl Sample for PpoSample {
    fn id(&self) -> &str {
        &self.rollout.id
    }

    fn tokens(&self) -> usize {
        self.rollout.input_ids.len()
    }

    fn trained_tokens(&self) -> usize {
        self.rollout.answer().predicted_tokens()
    }

    fn answers(&self) -> Vec<Answer<'_>> {
        vec![self.rollout.answer()]
    }
}

/// Batches of rollouts without end, all fixed by the seed.
pub struct RolloutBuffer {
    rollouts: Vec<Arc<Rollout>>,
    anchors: Vec<Arc<Rollout>>,
    batch_size: usize,
    passes: u64,
    seed: u64,
}

impl RolloutBuffer {
    /// Batches of `batch_size` rollouts, of which `passes` passes are trained on; the last of a pass may have fewer.
    pub fn new(rollouts: Vec<Rollout>, batch_size: usize, passes: u64, seed: u64) -> Self {
        let rollouts = rollouts.into_iter().map(Arc::new).collect();
        Self { rollouts, anchors: Vec::new(), batch_size, passes, seed }
    }

    /// The same with successes that are imitated: each mini-batch gets as many of them as it has rollouts, drawn anew.
    #[must_use]
    pub fn with_anchors(mut self, anchors: Vec<Rollout>) -> Self {
        self.anchors = anchors.into_iter().map(Arc::new).collect();
        self
    }

    /// The successes that are imitated in a mini-batch of `count` rollouts.
    fn anchors(&self, batch: u64, mini_batch: usize, count: usize) -> Vec<Arc<Rollout>> {
        let mut random = ChaCha8Rng::from_seed(stream_seed(self.seed, &format!("anchors/{batch}/{mini_batch}")));
        self.anchors.choose_multiple(&mut random, count).cloned().collect()
    }

    /// The rollouts of a batch.
    pub fn batch(&self, number: u64) -> Vec<Arc<Rollout>> {
        let (pass, place) = (number / self.batches(), (number % self.batches()) as usize);
        let mut order = self.rollouts.clone();
        order.shuffle(&mut ChaCha8Rng::from_seed(stream_seed(self.seed, &format!("rollouts/{pass}"))));
        order.chunks(self.batch_size).nth(place).map(<[_]>::to_vec).unwrap_or_default()
    }

    /// Tokens of the longest rollout.
    pub fn longest(&self) -> usize {
        self.rollouts.iter().chain(&self.anchors).map(|rollout| rollout.input_ids.len()).max().unwrap_or(0)
    }

    /// Batches in one pass.
    fn batches(&self) -> u64 {
        self.rollouts.len().div_ceil(self.batch_size).max(1) as u64
    }
}

/// Mini-batches in order: for each batch, `ppo_epochs` permutations of it, cut into mini-batches.
pub struct RolloutLoader<'a> {
    buffer: &'a RolloutBuffer,
    ppo_epochs: usize,
    mini_batch_size: usize,
    seed: u64,
    /// Number of the present batch, its rollouts, and its mini-batches as indices into these.
    batch: u64,
    rollouts: Vec<Arc<Rollout>>,
    mini_batches: Vec<Vec<usize>>,
    /// Mini-batches of it that are given out.
    taken: usize,
}

impl<'a> RolloutLoader<'a> {
    /// A loader that starts at the first batch.
    pub fn new(buffer: &'a RolloutBuffer, ppo_epochs: usize, mini_batch_size: usize, seed: u64) -> Self {
        let (rollouts, mini_batches) = (Vec::new(), Vec::new());
        let mut loader = Self { buffer, ppo_epochs, mini_batch_size, seed, batch: 0, rollouts, mini_batches, taken: 0 };
        loader.open(0, 0);
        loader
    }

    /// As many of the longest samples as a mini-batch has.
    fn longest(&self, mut samples: Vec<PpoSample>) -> Vec<PpoSample> {
        samples.sort_by_key(|sample| std::cmp::Reverse(sample.tokens()));
        samples.truncate(self.mini_batch_size);
        samples
    }

    /// Goes to the mini-batch after the first `taken` ones of a batch.
    fn open(&mut self, batch: u64, taken: usize) {
        self.rollouts = self.buffer.batch(batch);
        let mini_batches = |epoch: usize| {
            let mut indices: Vec<usize> = (0..self.rollouts.len()).collect();
            let name = format!("mini-batches/{batch}/{epoch}");
            indices.shuffle(&mut ChaCha8Rng::from_seed(stream_seed(self.seed, &name)));
            indices.chunks(self.mini_batch_size).map(<[usize]>::to_vec).collect::<Vec<_>>()
        };
        self.mini_batches = (0..self.ppo_epochs).flat_map(mini_batches).collect();
        (self.batch, self.taken) = (batch, taken);
    }
}

impl DataLoader<PpoSample> for RolloutLoader<'_> {
    fn next_batch(&mut self, _step: u64) -> Result<Option<Vec<PpoSample>>, TrainerError> {
        if self.taken == self.mini_batches.len() {
            self.open(self.batch + 1, 0);
        }
        let Some(indices) = self.mini_batches.get(self.taken) else { return Ok(None) };
        let batch = self.batch;
        let anchors = self.buffer.anchors(batch, self.taken, indices.len()).into_iter();
        self.taken += 1;
        let of_batch = indices.iter().map(|&index| (self.rollouts[index].clone(), Some(index)));
        let all = of_batch.chain(anchors.map(|rollout| (rollout, None)));
        Ok(Some(all.map(|(rollout, index)| PpoSample { rollout, batch, index }).collect()))
    }

    fn batches_in(&self, epochs: f64) -> Option<u64> {
        let sizes = self.buffer.rollouts.chunks(self.buffer.batch_size).map(<[_]>::len);
        let a_pass: usize = sizes.map(|size| size.div_ceil(self.mini_batch_size) * self.ppo_epochs).sum();
        Some((a_pass as f64 * epochs).ceil() as u64)
    }

    fn epoch(&self) -> f64 {
        self.batch as f64 / self.buffer.batches() as f64
    }

    /// The mini-batch with the most tokens that could be drawn from any batch.
    fn longest_batch(&self) -> Option<Vec<PpoSample>> {
        let longest_of = |batch: u64| {
            let rollouts = self.buffer.batch(batch).into_iter().enumerate();
            let rollouts = rollouts.map(|(index, rollout)| PpoSample { rollout, batch, index: Some(index) });
            let anchors = self.buffer.anchors.iter().cloned();
            let anchors = anchors.map(|rollout| PpoSample { rollout, batch, index: None });
            [self.longest(rollouts.collect()), self.longest(anchors.collect())].concat()
        };
        let batches = (0..self.buffer.batches() * self.buffer.passes.max(1)).map(longest_of);
        batches.max_by_key(|batch| batch.iter().map(Sample::tokens).sum::<usize>())
    }

    fn state(&self) -> Value {
        json!({ "batch": self.batch, "taken": self.taken })
    }

    fn restore(&mut self, state: &Value) -> Result<(), ForeignState> {
        let number = |key: &str| state[key].as_u64().ok_or_else(|| ForeignState::new("the rollouts", state));
        let (batch, taken) = (number("batch")?, number("taken")? as usize);
        self.open(batch, taken);
        if taken > self.mini_batches.len() { Err(ForeignState::new("the rollouts", state)) } else { Ok(()) }
    }

    fn fingerprint(&self) -> String {
        let rollouts = self.buffer.rollouts.iter().map(|rollout| (rollout.id.as_str(), rollout.reward));
        let mut listing = format!("{:?}", rollouts.collect::<Vec<_>>());
        for anchor in &self.buffer.anchors {
            listing += &format!("\n{} {}", anchor.id, anchor.input_ids.len());
        }
        lam_store::hash_bytes(listing.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The index of an anchor, which has none.
    const MARK: usize = usize::MAX;

    fn rollouts(count: usize) -> Vec<Rollout> {
        let rollout = |number: usize| Rollout {
            id: number.to_string(),
            input_ids: vec![1; 4 + number],
            prompt_length: 3,
            ..Rollout::default()
        };
        (0..count).map(rollout).collect()
    }

    fn drawn(loader: &mut RolloutLoader<'_>, count: u64) -> Vec<Vec<(u64, usize, String)>> {
        let place = |sample: PpoSample| (sample.batch, sample.index.unwrap_or(MARK), sample.rollout.id.clone());
        (0..count).map(|step| loader.next_batch(step).unwrap().unwrap().into_iter().map(place).collect()).collect()
    }

    #[test]
    fn each_pass_goes_over_all_rollouts_so_often_and_resumes_anywhere() {
        let buffer = RolloutBuffer::new(rollouts(7), 3, 2, 5);
        let loader = || RolloutLoader::new(&buffer, 2, 2, 5);
        // Batches of 3, 3 and 1 rollouts, gone over twice in mini-batches of 2.
        let steps = loader().batches_in(2.0).unwrap();
        assert_eq!((loader().batches_in(1.0), steps), (Some(10), 20));
        let whole = drawn(&mut loader(), steps);
        for pass in whole.chunks(10) {
            let mut ids: Vec<&str> = pass.iter().flatten().map(|(_, _, id)| id.as_str()).collect();
            ids.sort_unstable();
            assert!(ids.chunks(2).all(|twice| twice[0] == twice[1]) && ids.len() == 14, "{ids:?}");
        }
        assert_ne!(whole[..10].concat(), whole[10..].concat(), "each pass has an order of its own");
        for done in 0..steps {
            let mut stopped = loader();
            drawn(&mut stopped, done);
            let mut resumed = loader();
            resumed.restore(&stopped.state()).unwrap();
            assert_eq!(drawn(&mut resumed, steps - done), whole[done as usize..]);
        }
        assert!(loader().restore(&json!({ "next": 3 })).is_err());
    }

    #[test]
    fn anchors_come_beside_the_rollouts_and_change_neither_their_order_nor_the_resume() {
        let plain = RolloutBuffer::new(rollouts(7), 3, 2, 5);
        let buffer = RolloutBuffer::new(rollouts(7), 3, 2, 5).with_anchors(rollouts(5));
        let loader = || RolloutLoader::new(&buffer, 2, 2, 5);
        let steps = loader().batches_in(2.0).unwrap();
        let whole = drawn(&mut loader(), steps);
        let of_rollouts = |batch: &Vec<(u64, usize, String)>| {
            batch.iter().filter(|(_, index, _)| *index != MARK).cloned().collect::<Vec<_>>()
        };
        let expected = drawn(&mut RolloutLoader::new(&plain, 2, 2, 5), steps);
        assert_eq!(whole.iter().map(of_rollouts).collect::<Vec<_>>(), expected);
        assert!(whole.iter().all(|batch| batch.len() == 2 * of_rollouts(batch).len()), "one anchor a rollout");
        let mut resumed = loader();
        resumed.restore(&json!({ "batch": 1, "taken": 1 })).unwrap();
        assert_eq!(drawn(&mut resumed, 3), whole[5..8]);
        assert_eq!(loader().longest_batch().unwrap().len(), 4);
        assert_ne!(loader().fingerprint(), RolloutLoader::new(&plain, 2, 2, 5).fingerprint());
    }

    #[test]
    fn the_longest_mini_batch_is_one_that_can_be_drawn() {
        let buffer = RolloutBuffer::new(rollouts(7), 3, 2, 5);
        let longest = RolloutLoader::new(&buffer, 1, 2, 5).longest_batch().unwrap();
        let batch = buffer.batch(longest[0].batch);
        let is_drawn = |sample: &PpoSample| batch[sample.index.unwrap()].id == sample.rollout.id;
        assert!(longest.len() == 2 && longest.iter().all(is_drawn));
        assert_eq!(buffer.longest(), 10);
    }
}
