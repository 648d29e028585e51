//! How one token is chosen from the model's scores. Each request has its own random stream.

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
    /// Its log p under the model itself.
    pub logprob: f32,
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
    /// when the scores are not finite or nothing is allowed. Shape of `logits`: [V].
    pub fn choose(&mut self, logits: &[f32], allowed: Option<&[u32]>, seen: impl Iterator<Item = u32>) -> Option<Choice> {
        let normalizer = log_sum_exp(logits.iter().copied());
        if !normalizer.is_finite() {
            return None;
        }
        let (token, behavior_logprob) = self.draw(self.candidates(logits, allowed, seen))?;
        Some(Choice { token, logprob: logits[token as usize] - normalizer, behavior_logprob })
    }

    /// Tokens that may be drawn, with their penalised scores, ascending by id.
    fn candidates(&self, logits: &[f32], allowed: Option<&[u32]>, seen: impl Iterator<Item = u32>) -> Vec<(u32, f32)> {
        let score = |id: u32| Some((id, *logits.get(id as usize)?));
        let mut candidates: Vec<(u32, f32)> = match allowed {
            Some(ids) => ids.iter().filter_map(|&id| score(id)).collect(),
            None => (0..logits.len() as u32).filter_map(score).collect(),
        };
        let penalty = self.sampling.repetition_penalty;
        if penalty != 1.0 {
            let seen: std::collections::BTreeSet<u32> = seen.collect();
            for (_, score) in candidates.iter_mut().filter(|(id, _)| seen.contains(id)) {
                *score = if *score > 0.0 { *score / penalty } else { *score * penalty };
            }
        }
        candidates
    }

    fn draw(&mut self, mut candidates: Vec<(u32, f32)>) -> Option<(u32, f32)> {
        if self.sampling.temperature == 0.0 {
            return best(&candidates).map(|token| (token, 0.0));
        }
        for (_, score) in &mut candidates {
            *score /= self.sampling.temperature;
        }
        self.cut(&mut candidates);
        let normalizer = log_sum_exp(candidates.iter().map(|(_, score)| *score));
        let point: f32 = self.random.random();
        let mut below = 0.0;
        for &(token, score) in &candidates {
            below += (score - normalizer).exp();
            if point < below {
                return Some((token, score - normalizer));
            }
        }
        // Rounding can leave the sum a little below the point: the last token covers the rest.
        candidates.last().map(|&(token, score)| (token, score - normalizer))
    }

    /// Keeps the best `top_k`, then the smallest set that reaches `top_p`, both of the best first.
    fn cut(&self, candidates: &mut Vec<(u32, f32)>) {
        let (top_k, top_p) = (self.sampling.top_k, self.sampling.top_p);
        if top_k == 0 && top_p >= 1.0 {
            return;
        }
        candidates.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if top_k > 0 {
            candidates.truncate(top_k);
        }
        if top_p < 1.0 {
            let normalizer = log_sum_exp(candidates.iter().map(|(_, score)| *score));
            let mut sum = 0.0;
            let below = candidates.iter().take_while(|(_, score)| {
                let goes_on = sum < top_p;
                sum += (score - normalizer).exp();
                goes_on
            });
            let kept = below.count().max(1);
            candidates.truncate(kept);
        }
    }
}

/// log p of `token` under the model. Shape of `logits`: [V].
pub(crate) fn logprob(logits: &[f32], token: u32) -> Option<f32> {
    let normalizer = log_sum_exp(logits.iter().copied());
    normalizer.is_finite().then(|| logits.get(token as usize).map(|score| score - normalizer))?
}

/// The token with the highest score; the lowest id of equals.
fn best(candidates: &[(u32, f32)]) -> Option<u32> {
    let better = |best: (u32, f32), next: &(u32, f32)| if next.1 > best.1 { *next } else { best };
    let (first, rest) = candidates.split_first()?;
    Some(rest.iter().fold(*first, better).0)
}

fn log_sum_exp(scores: impl Iterator<Item = f32> + Clone) -> f32 {
    let highest = scores.clone().fold(f32::NEG_INFINITY, f32::max);
    highest + scores.map(|score| (score - highest).exp()).sum::<f32>().ln()
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
    fn both_logprobs_are_told() {
        let sampling = Sampling { temperature: 1.0, ..Default::default() };
        let choice = Sampler::new(sampling).choose(&logits(), Some(&[1]), std::iter::empty()).unwrap();
        assert!((choice.logprob - 0.25f32.ln()).abs() < 1e-5, "{choice:?}");
        assert!(choice.behavior_logprob.abs() < 1e-5, "{choice:?}");
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
        assert_eq!(Sampler::new(Sampling::default()).choose(&[f32::NAN, 1.0], None, std::iter::empty()), None);
    }
}
