//! The KL penalty's weight, adapted to a target (Ziegler et al. 2019, arXiv 1909.08593, §2.2).

use serde::{Deserialize, Serialize};

/// β of the penalty β·KL, moved towards the KL that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdaptiveKl {
    coefficient: f64,
    target: f64,
    horizon: f64,
}

impl AdaptiveKl {
    /// Starts at `initial`, aims at `target` nats an answer, adapts over `horizon` answers.
    pub fn new(initial: f64, target: f64, horizon: f64) -> Self {
        Self { coefficient: initial, target, horizon }
    }

    /// The present β.
    pub fn coefficient(&self) -> f64 {
        self.coefficient
    }

    /// β ← β (1 + clip(KL/target − 1, ±0.2) · min(answers/horizon, 1)): a batch of more answers than the horizon has
    /// counts as the whole horizon, a fifth of β at most. The original has batches that are small against the horizon;
    /// without the limit one of more than five horizons would turn β negative, and the penalty into a reward.
    pub fn update(&mut self, mean_kl: f64, answers: usize) {
        let error = (mean_kl / self.target - 1.0).clamp(-0.2, 0.2);
        self.coefficient *= 1.0 + error * (answers as f64 / self.horizon).min(1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beta_rises_above_the_target_and_falls_below_it() {
        let mut kl = AdaptiveKl::new(0.2, 0.1, 100.0);
        kl.update(10.0, 50);
        assert!((kl.coefficient() - 0.2 * 1.1).abs() < 1e-12, "the error is clipped at 0.2");
        kl.update(0.09, 100);
        assert!((kl.coefficient() - 0.22 * 0.9).abs() < 1e-9);
    }

    #[test]
    fn beta_keeps_its_sign_in_batches_of_many_horizons() {
        let mut kl = AdaptiveKl::new(0.2, 0.1, 100.0);
        kl.update(0.0, 600);
        assert!((kl.coefficient() - 0.16).abs() < 1e-12, "a fifth at most, not 0.2 · (1 − 0.2 · 6)");
        kl.update(10.0, usize::MAX);
        assert!((kl.coefficient() - 0.192).abs() < 1e-12);
    }
}
