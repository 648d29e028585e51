//! By how much one figure differs from another, with the interval that what is known of both allows. Knows no table and no
//! file.

use std::collections::BTreeMap;

use lam_types::Estimate;
use serde::Serialize;

use crate::paired::Paired;
use crate::seeds::mean_over_seeds;

/// What a difference is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pairing {
    /// Task by task, as both attempted the same ones.
    Tasks {
        /// Tasks that the one alone solved.
        won: u64,
        /// Tasks that the other alone solved.
        lost: u64,
    },
    /// Seed by seed, as both were repeated with the same ones.
    Seeds,
    /// Between two figures by themselves: the interval is wider than need be where they have something in common.
    Apart,
}

/// A difference: the one less the other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Its size, in the metric's unit, with its 95 % interval.
    pub size: Estimate,
    /// What it is taken over.
    pub pairing: Pairing,
}

/// Whether each task was solved, by its id.
pub type Outcomes = BTreeMap<String, bool>;

impl Difference {
    /// Of task success in percent, where both attempted the same tasks.
    pub fn of_tasks(one: &Outcomes, other: &Outcomes) -> Option<Self> {
        if one.is_empty() || !one.keys().eq(other.keys()) {
            return None;
        }
        let paired = Paired::of(one, other)?;
        Some(Self { size: paired.points(), pairing: Pairing::Tasks { won: paired.won, lost: paired.lost } })
    }

    /// Of a figure that both have for the same seeds, by seed.
    pub fn of_seeds(one: &BTreeMap<u64, f64>, other: &BTreeMap<u64, f64>) -> Option<Self> {
        if one.len() < 2 || !one.keys().eq(other.keys()) {
            return None;
        }
        let differences: Vec<f64> = one.values().zip(other.values()).map(|(one, other)| one - other).collect();
        Some(Self { size: mean_over_seeds(&differences)?, pairing: Pairing::Seeds })
    }

    /// Of two figures by themselves: R. G. Newcombe, "Interval Estimation for the Difference Between Independent
    /// Proportions", Statistics in Medicine 17 (1998), method 10, which holds for any two figures with intervals (G. Y. Zou
    /// and A. Donner, Statistics in Medicine 27 (2008)). Without an interval where one of them has none.
    pub fn apart(one: &Estimate, other: &Estimate) -> Self {
        let value = one.value - other.value;
        let ends = one.ci95.zip(other.ci95).map(|([low, high], [other_low, other_high])| {
            let below = (one.value - low).hypot(other_high - other.value);
            let above = (high - one.value).hypot(other.value - other_low);
            [value - below, value + above]
        });
        Self { size: Estimate { value, ci95: ends, n: None }, pairing: Pairing::Apart }
    }

    /// Whether its interval leaves out 0; `None` without one.
    pub fn is_clear(&self) -> Option<bool> {
        self.size.ci95.map(|[low, high]| low > 0.0 || high < 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_interval_of_two_proportions_comes_out() {
        // Newcombe 1998, table II, (a): 56/70 and 48/80 differ by 0.2000, method 10 gives 0.0524 to 0.3339; the intervals of
        // each are Wilson's.
        let one = Estimate { value: 80.0, ci95: Some([69.1834, 87.6953]), n: Some(70) };
        let other = Estimate { value: 60.0, ci95: Some([49.0455, 70.0382]), n: Some(80) };
        let difference = Difference::apart(&one, &other);
        let [low, high] = difference.size.ci95.unwrap();
        assert!((difference.size.value - 20.0).abs() < 1e-9);
        assert!((low - 5.24).abs() < 0.02 && (high - 33.39).abs() < 0.02, "{low} {high}");
        assert_eq!(difference.is_clear(), Some(true));
        let bare = Estimate { ci95: None, ..other };
        assert_eq!(Difference::apart(&one, &bare).is_clear(), None);
    }

    #[test]
    fn tasks_are_paired_only_where_both_attempted_the_same() {
        let of = |tasks: &[(&str, bool)]| tasks.iter().map(|(task, solved)| ((*task).to_owned(), *solved)).collect();
        let (one, other): (Outcomes, Outcomes) = (of(&[("a", true), ("b", true)]), of(&[("a", false), ("b", true)]));
        let paired = Difference::of_tasks(&one, &other).unwrap();
        assert_eq!((paired.size.value, paired.pairing), (50.0, Pairing::Tasks { won: 1, lost: 0 }));
        assert_eq!(Difference::of_tasks(&one, &of(&[("a", true), ("c", true)])), None);
    }

    #[test]
    fn seeds_are_paired_by_their_number() {
        let of = |seeds: &[(u64, f64)]| seeds.iter().copied().collect::<BTreeMap<u64, f64>>();
        let (one, other) = (of(&[(1, 80.0), (2, 82.0), (3, 81.0)]), of(&[(1, 70.0), (2, 71.0), (3, 72.0)]));
        let paired = Difference::of_seeds(&one, &other).unwrap();
        assert_eq!((paired.size.value, paired.pairing), (10.0, Pairing::Seeds));
        assert_eq!(Difference::of_seeds(&one, &of(&[(1, 70.0), (2, 71.0), (4, 72.0)])), None);
    }
}
