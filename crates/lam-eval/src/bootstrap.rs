//! Confidence intervals by resampling whole tasks: the steps of a task are not independent of each other.

use lam_types::Estimate;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Ratio;

/// Percentile bootstrap (Efron 1979) over tasks; the same seed gives the same intervals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bootstrap {
    /// How often the tasks are drawn again.
    pub resamples: usize,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 2000, seed: 0 }
    }
}

impl Bootstrap {
    /// The estimate over `tasks` in percent.
    pub fn percent(&self, tasks: &[Ratio]) -> Estimate {
        self.estimate(tasks, 100.0)
    }

    /// The estimate over `tasks` as it is.
    pub fn mean(&self, tasks: &[Ratio]) -> Estimate {
        self.estimate(tasks, 1.0)
    }

    fn estimate(&self, tasks: &[Ratio], scale: f64) -> Estimate {
        let n = tasks.iter().map(|task| task.of).sum::<f64>().round() as u64;
        let value = scale * quotient(tasks.iter());
        if tasks.is_empty() || self.resamples == 0 {
            return Estimate { value, ci95: Some([value, value]), n: Some(n) };
        }
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let mut drawn: Vec<f64> = (0..self.resamples)
            .map(|_| scale * quotient((0..tasks.len()).map(|_| &tasks[random.random_range(0..tasks.len())])))
            .collect();
        drawn.sort_by(f64::total_cmp);
        let at = |share: f64| drawn[((drawn.len() - 1) as f64 * share).round() as usize];
        Estimate { value, ci95: Some([at(0.025), at(0.975)]), n: Some(n) }
    }
}

/// Sum of the parts over the sum of what they are parts of; 0 of nothing is 0.
fn quotient<'a>(tasks: impl Iterator<Item = &'a Ratio>) -> f64 {
    let (part, of) = tasks.fold((0.0, 0.0), |(part, of), task| (part + task.part, of + task.of));
    if of == 0.0 { 0.0 } else { part / of }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coin(heads: usize, tails: usize) -> Vec<Ratio> {
        (0..heads + tails).map(|toss| Ratio::of_one(toss < heads)).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let tasks = coin(60, 40);
        let figure = Bootstrap::default().percent(&tasks);
        assert_eq!(figure, Bootstrap::default().percent(&tasks));
        assert_ne!(figure.ci95, Bootstrap { seed: 1, resamples: 50 }.percent(&tasks).ci95);
        assert_eq!((figure.value, figure.n), (60.0, Some(100)));
        // The normal approximation: 60 ± 1.96 · sqrt(.6 · .4 / 100) = 60 ± 9.6.
        let [low, high] = figure.ci95.unwrap();
        assert!((low - 50.4).abs() < 1.7 && (high - 69.6).abs() < 1.7, "{figure:?}");
    }

    #[test]
    fn tasks_are_resampled_whole() {
        // Two tasks of fifty steps each: an interval over steps would be narrow, over tasks it spans everything.
        let tasks = [Ratio { part: 50.0, of: 50.0 }, Ratio { part: 0.0, of: 50.0 }];
        let figure = Bootstrap::default().percent(&tasks);
        assert_eq!((figure.value, figure.ci95, figure.n), (50.0, Some([0.0, 100.0]), Some(100)));
    }

    #[test]
    fn nothing_is_zero_of_nothing() {
        assert_eq!(Bootstrap::default().percent(&[]), Estimate { value: 0.0, ci95: Some([0.0, 0.0]), n: Some(0) });
        assert_eq!(Bootstrap::default().mean(&[Ratio { part: 3.0, of: 2.0 }]).value, 1.5);
    }
}
