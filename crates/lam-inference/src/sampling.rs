//! How one token is chosen from the model's scores. Each request has its own random stream.

use std::borrow::Cow;

use lam_model::{are_scores, argmax, exp_in_place, logsumexp};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::InferenceError;

/// How a token is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// Scores are divided by it; 0 takes the best token.
    pub temperature: f32,
    /// Keeps the smallest set of tokens with this probability in sum; 1 keeps all.
    pub top_p: f32,
    /// Keeps so many tokens; 0 keeps all.
    pub top_k: usize,
    /// Scores of tokens already in prompt or answer are divided (if positive) or multiplied by it; 1 is off.
    pub repetition_penalty: f32,
    /// Seed of the request's own stream.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_p: 1.0, top_k: 0, repetition_penalty: 1.0, seed: 0 }
    }
}

impl Sampling {
    pub(crate) fn check(&self) -> Result<(), InferenceError> {
        let refuse = |field, value: f32, bounds: &str| {
            Err(InferenceError::Request { field, reason: format!("is {value}, must be {bounds}") })
        };
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return refuse("temperature", self.temperature, "0 or above");
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return refuse("top_p", self.top_p, "above 0 and at most 1");
        }
        if !(self.repetition_penalty.is_finite() && self.repetition_penalty > 0.0) {
            return refuse("repetition_penalty", self.repetition_penalty, "above 0");
        }
        Ok(())
    }
}

/// A chosen token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// The token.
    pub token: u32,
    /// Its log p under the distribution it was drawn from.
    pub behavior_logprob: f32,
}

/// Chooses tokens for one request.
pub struct Sampler {
    sampling: Sampling,
    random: ChaCha8Rng,
}

impl Sampler {
    /// A sampler at the start of its request's stream.
    pub fn new(sampling: Sampling) -> Self {
        Self { sampling, random: ChaCha8Rng::seed_from_u64(sampling.seed) }
    }

    /// Chooses among `allowed` (all, if `None`) by the model's scores; `seen` is prompt and answer so far. `None`
    /// when the scores are not finite or nothing is allowed. Shape of `logits`: `[V]`.
    pub fn choose(
        &mut self,
        logits: &[f32],
        allowed: Option<&[u32]>,
        seen: impl Iterator<Item = u32>,
    ) -> Option<Choice> {
        if !are_scores(logits) {
            return None;
        }
        let mut candidates = Candidates::new(logits, allowed);
        if self.sampling.repetition_penalty != 1.0 {
            candidates.penalise(self.sampling.repetition_penalty, seen);
        }
        let (token, behavior_logprob) = self.draw(candidates)?;
        Some(Choice { token, behavior_logprob })
    }

    fn draw(&mut self, mut candidates: Candidates<'_>) -> Option<(u32, f32)> {
        if self.sampling.temperature == 0.0 {
            return argmax(&candidates.scores).map(|place| (candidates.token(place), 0.0));
        }
        candidates.scores.to_mut().iter_mut().for_each(|score| *score /= self.sampling.temperature);
        if self.sampling.top_k > 0 || self.sampling.top_p < 1.0 {
            candidates.cut(self.sampling.top_k, self.sampling.top_p);
        }
        let scores = candidates.scores.as_ref();
        let normalizer = logsumexp(scores);
        let mut powers = scores.to_vec();
        exp_in_place(&mut powers, normalizer);
        let point: f32 = self.random.random();
        let mut below = 0.0;
        let chosen = powers.iter().position(|power| {
            below += power;
            point < below
        });
        // Rounding can leave the sum a little below the point: the last token covers the rest.
        let place = chosen.or(scores.len().checked_sub(1))?;
        Some((candidates.token(place), scores[place] - normalizer))
    }
}

/// Tokens that may be drawn, with their scores.
struct Candidates<'a> {
    /// Their ids; none where each place is the id.
    ids: Option<Cow<'a, [u32]>>,
    scores: Cow<'a, [f32]>,
}

impl<'a> Candidates<'a> {
    /// Those of the allowed tokens that the model knows.
    fn new(logits: &'a [f32], allowed: Option<&'a [u32]>) -> Self {
        let Some(allowed) = allowed else { return Self { ids: None, scores: logits.into() } };
        let known = |id: &u32| (*id as usize) < logits.len();
        let ids: Cow<'_, [u32]> =
            if allowed.iter().all(known) { allowed.into() } else { allowed.iter().copied().filter(known).collect() };
        let scores = ids.iter().map(|&id| logits[id as usize]).collect();
        Self { ids: Some(ids), scores }
    }

    fn token(&self, place: usize) -> u32 {
        self.ids.as_ref().map_or(place as u32, |ids| ids[place])
    }

    /// Makes tokens that were seen less probable.
    fn penalise(&mut self, penalty: f32, seen: impl Iterator<Item = u32>) {
        let seen: std::collections::BTreeSet<u32> = seen.collect();
        for (place, score) in self.scores.to_mut().iter_mut().enumerate() {
            let id = self.ids.as_ref().map_or(place as u32, |ids| ids[place]);
            if seen.contains(&id) {
                *score = if *score > 0.0 { *score / penalty } else { *score * penalty };
            }
        }
    }

    /// Keeps the best `top_k`, then the smallest set that reaches `top_p`, both of the best first.
    fn cut(&mut self, top_k: usize, top_p: f32) {
        let numbered = self.scores.iter().enumerate();
        let mut best: Vec<(u32, f32)> = numbered.map(|(place, score)| (self.token(place), *score)).collect();
        if top_k > 0 && top_k < best.len() {
            best.select_nth_unstable_by(top_k, better);
            best.truncate(top_k);
        }
        if top_p < 1.0 {
            keep_nucleus(&mut best, top_p);
        } else {
            best.sort_unstable_by(better);
        }
        let (ids, scores): (Vec<u32>, Vec<f32>) = best.into_iter().unzip();
        (self.ids, self.scores) = (Some(ids.into()), scores.into());
    }
}

/// The higher score first; of equals the lower id.
fn better(a: &(u32, f32), b: &(u32, f32)) -> std::cmp::Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

/// Keeps the smallest set of the best that reaches `top_p`. Sorting all of a large vocabulary would cost more than
/// reading a token, so the best are looked for in sets that grow.
fn keep_nucleus(best: &mut Vec<(u32, f32)>, top_p: f32) {
    let normalizer = logsumexp(&best.iter().map(|(_, score)| *score).collect::<Vec<_>>());
    let (mut sorted, mut sum) = (0, 0.0);
    while sorted < best.len() {
        let end = (4 * sorted).max(64).min(best.len());
        let rest = &mut best[sorted..];
        if end - sorted < rest.len() {
            rest.select_nth_unstable_by(end - sorted, better);
        }
        rest[..end - sorted].sort_unstable_by(better);
        for place in sorted..end {
            if sum >= top_p {
                return best.truncate(place);
            }
            sum += (best[place].1 - normalizer).exp();
        }
        sorted = end;
    }
}

/// Log-probabilities under the model, with scores divided by `temperature`. Shape of `logits`: `[V]`.
pub(crate) struct Logprobs<'a> {
    logits: Cow<'a, [f32]>,
    normalizer: f32,
}

impl<'a> Logprobs<'a> {
    /// `None` when the scores are not finite.
    pub(crate) fn of(logits: &'a [f32], temperature: f32) -> Option<Self> {
        let mut logits = Cow::Borrowed(logits);
        if temperature != 1.0 {
            logits.to_mut().iter_mut().for_each(|score| *score /= temperature);
        }
        let normalizer = logsumexp(&logits);
        normalizer.is_finite().then_some(Self { logits, normalizer })
    }

    /// log p of a token that the model knows.
    pub(crate) fn token(&self, token: u32) -> Option<f32> {
        self.logits.get(token as usize).map(|score| score - self.normalizer)
    }

    /// The `count` most probable tokens, the best first; of equals the lower id.
    pub(crate) fn top(&self, count: usize) -> Vec<(u32, f32)> {
        if count == 0 {
            return Vec::new();
        }
        let mut best: Vec<(u32, f32)> = (0..).zip(self.logits.iter().copied()).collect();
        if count < best.len() {
            best.select_nth_unstable_by(count, better);
            best.truncate(count);
        }
        best.sort_unstable_by(better);
        best.into_iter().map(|(token, score)| (token, score - self.normalizer)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probabilities 0.5, 0.25, 0.15, 0.1.
    fn logits() -> Vec<f32> {
        [0.5f32, 0.25, 0.15, 0.1].iter().map(|p| p.ln() + 3.0).collect()
    }

    fn shares(sampling: Sampling, allowed: Option<&[u32]>) -> [f32; 4] {
        let mut sampler = Sampler::new(sampling);
        let mut counts = [0.0; 4];
        for _ in 0..4000 {
            let choice = sampler.choose(&logits(), allowed, std::iter::empty()).unwrap();
            counts[choice.token as usize] += 1.0 / 4000.0;
        }
        counts
    }

    fn assert_near(shares: [f32; 4], expected: [f32; 4]) {
        let far = shares.iter().zip(expected).any(|(share, expected)| (share - expected).abs() > 0.03);
        assert!(!far, "{shares:?}, expected {expected:?}");
    }

    #[test]
    fn temperature_top_k_top_p_and_masks_give_their_distributions() {
        let free = Sampling { temperature: 1.0, seed: 7, ..Default::default() };
        assert_near(shares(free, None), [0.5, 0.25, 0.15, 0.1]);
        assert_near(shares(Sampling { top_k: 2, ..free }, None), [2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0]);
        assert_near(shares(Sampling { top_p: 0.8, ..free }, None), [5.0 / 9.0, 2.5 / 9.0, 1.5 / 9.0, 0.0]);
        assert_near(shares(Sampling { top_p: 0.4, ..free }, None), [1.0, 0.0, 0.0, 0.0]);
        assert_near(shares(free, Some(&[1, 3])), [0.0, 0.25 / 0.35, 0.0, 0.1 / 0.35]);
        let squared = [0.25, 0.0625, 0.0225, 0.01].map(|p| p / 0.345);
        assert_near(shares(Sampling { temperature: 0.5, ..free }, None), squared);
    }

    #[test]
    fn the_nucleus_of_a_large_vocabulary_is_the_sorted_one() {
        let mut best: Vec<(u32, f32)> = (0..3000).map(|id| (id, (id * 7919 % 3001) as f32 / 400.0)).collect();
        let mut sorted = best.clone();
        sorted.sort_by(better);
        keep_nucleus(&mut best, 0.9);
        let share = |count: usize| {
            let sum = |all: &[(u32, f32)]| all.iter().map(|(_, score)| f64::from(*score).exp()).sum::<f64>();
            sum(&sorted[..count]) / sum(&sorted)
        };
        assert!(best.len() > 256 && share(best.len()) > 0.8999 && share(best.len() - 1) < 0.9001, "{}", best.len());
        assert_eq!(best, sorted[..best.len()]);
    }

    #[test]
    fn log_probabilities_are_of_what_was_drawn_from_and_of_the_model() {
        let sampling = Sampling { temperature: 1.0, ..Default::default() };
        let choice = Sampler::new(sampling).choose(&logits(), Some(&[1]), std::iter::empty()).unwrap();
        assert!(choice.behavior_logprob.abs() < 1e-5, "{choice:?}");
        assert!((Logprobs::of(&logits(), 1.0).unwrap().token(choice.token).unwrap() - 0.25f32.ln()).abs() < 1e-5);
    }

    #[test]
    fn the_most_probable_tokens_come_best_first_and_of_equals_the_lower_id() {
        let scores = [1.0, 3.0, 2.0, 3.0];
        let logprobs = Logprobs::of(&scores, 1.0).unwrap();
        let ids = |count: usize| logprobs.top(count).iter().map(|(id, _)| *id).collect::<Vec<_>>();
        assert_eq!((ids(0), ids(1), ids(3), ids(9)), (vec![], vec![1], vec![1, 3, 2], vec![1, 3, 2, 0]));
        let sum: f32 = logprobs.top(9).iter().map(|(_, value)| value.exp()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{sum}");
        assert!(Logprobs::of(&[f32::NAN, 1.0], 1.0).is_none());
    }

    #[test]
    fn greedy_takes_the_first_of_equals_and_a_penalty_moves_it() {
        let mut greedy = Sampler::new(Sampling::default());
        assert_eq!(greedy.choose(&[1.0, 2.0, 2.0], None, std::iter::empty()).unwrap().token, 1);
        let mut penalised = Sampler::new(Sampling { repetition_penalty: 1.5, ..Default::default() });
        assert_eq!(penalised.choose(&[1.0, 2.0, 2.0], None, [1].into_iter()).unwrap().token, 2);
    }

    #[test]
    fn scores_that_are_no_numbers_choose_nothing() {
        for scores in [[f32::NAN, 1.0], [1.0, f32::NAN], [f32::INFINITY, 1.0], [f32::NEG_INFINITY; 2]] {
            assert_eq!(Sampler::new(Sampling::default()).choose(&scores, None, std::iter::empty()), None, "{scores:?}");
        }
    }
}
