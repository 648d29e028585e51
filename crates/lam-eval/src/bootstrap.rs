//! Confidence intervals over whole tasks: the steps of a task are not independent of each other.

use lam_types::Estimate;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Ratio;
use crate::wilson::wilson;

/// Percentile bootstrap (Efron 1979) over tasks; the same seed gives the same intervals. Proportions of tasks have
/// Wilson's interval instead, which needs no draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Bootstrap {
    /// How often the tasks are drawn again; 0 for no intervals but those of proportions of tasks.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub resamples: usize,
    /// Seed of the draws.
    #[schemars(range(min = 0, max = 9_223_372_036_854_775_807_u64))]
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 2000, seed: 0 }
    }
}

impl Bootstrap {
    /// The estimate over `tasks` in percent: Wilson's interval where each task is one thing that is so or not, else by
    /// drawing the tasks again. Where nothing or everything is so, draws all say the same: then it is Wilson's interval
    /// of as many trials as there are tasks, as if each were so or not as a whole.
    pub fn percent(&self, tasks: &[Ratio]) -> Estimate {
        let counted: Vec<&Ratio> = tasks.iter().filter(|task| task.of > 0.0).collect();
        let so = counted.iter().filter(|task| task.part == task.of).count();
        let not = counted.iter().filter(|task| task.part == 0.0).count();
        let are_trials = so + not == counted.len() && counted.iter().all(|task| task.of == 1.0);
        let estimate = self.estimate(tasks, 100.0);
        match are_trials || so == counted.len() || not == counted.len() {
            true => {
                let ends = wilson(so as f64, counted.len() as f64);
                Estimate { ci95: ends.map(|ends| ends.map(|end| 100.0 * end)), ..estimate }
            }
            false => estimate,
        }
    }

    /// The estimate over `tasks` as it is.
    pub fn mean(&self, tasks: &[Ratio]) -> Estimate {
        self.estimate(tasks, 1.0)
    }

    /// The estimate with an interval by drawing the tasks again; a single task says nothing of others.
    fn estimate(&self, tasks: &[Ratio], scale: f64) -> Estimate {
        let n = Some(tasks.iter().map(|task| task.of).sum::<f64>().round() as u64);
        let value = scale * quotient(tasks.iter());
        if tasks.len() < 2 || self.resamples == 0 {
            return Estimate { value, ci95: None, n };
        }
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        let mut drawn: Vec<f64> = (0..self.resamples)
            .map(|_| scale * quotient((0..tasks.len()).map(|_| &tasks[random.random_range(0..tasks.len())])))
            .collect();
        drawn.sort_by(f64::total_cmp);
        let at = |share: f64| drawn[((drawn.len() - 1) as f64 * share).round() as usize];
        Estimate { value, ci95: Some([at(0.025), at(0.975)]), n }
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

    /// Tasks of two steps each, so many of them all right and so many all wrong.
    fn pairs(right: usize, wrong: usize) -> Vec<Ratio> {
        (0..right + wrong).map(|task| Ratio { part: if task < right { 2.0 } else { 0.0 }, of: 2.0 }).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let tasks = pairs(60, 40);
        let figure = Bootstrap::default().percent(&tasks);
        assert_eq!(figure, Bootstrap::default().percent(&tasks));
        assert_ne!(figure.ci95, Bootstrap { seed: 1, resamples: 50 }.percent(&tasks).ci95);
        assert_eq!((figure.value, figure.n), (60.0, Some(200)));
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
    fn none_or_all_of_some_tasks_leave_room_for_others() {
        let near = |figure: Estimate, expected: [f64; 2]| {
            let ends = figure.ci95.expect("an interval");
            assert!(ends.iter().zip(expected).all(|(end, expected)| (end - expected).abs() < 0.005), "{ends:?}");
        };
        let percent = |tasks: &[Ratio]| Bootstrap::default().percent(tasks);
        near(percent(&coin(60, 40)), [50.20, 69.06]);
        near(percent(&coin(0, 20)), [0.0, 16.11]);
        near(percent(&coin(300, 0)), [98.74, 100.0]);
        // Steps of a task hang together: what counts are the tasks, and those without steps do not.
        near(percent(&pairs(0, 20)), [0.0, 16.11]);
        near(percent(&[pairs(20, 0), vec![Ratio::default()]].concat()), [83.89, 100.0]);
        assert_eq!(Bootstrap { resamples: 0, seed: 0 }.percent(&coin(60, 40)), percent(&coin(60, 40)));
    }

    #[test]
    fn what_cannot_be_known_has_no_interval() {
        let nothing = Estimate { value: 0.0, ci95: None, n: Some(0) };
        assert_eq!((Bootstrap::default().percent(&[]), Bootstrap::default().mean(&[])), (nothing, nothing));
        let one = Bootstrap::default().mean(&[Ratio { part: 3.0, of: 2.0 }]);
        assert_eq!(one, Estimate { value: 1.5, ci95: None, n: Some(2) });
    }
}
