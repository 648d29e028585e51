//! Whether one model solves more of the same tasks than another. Knows no table and no page.

use std::collections::BTreeMap;

use lam_types::{Estimate, Z95};

/// Two models at the same tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paired {
    /// Tasks that both attempted.
    pub tasks: u64,
    /// Of these, tasks that the one alone solved.
    pub won: u64,
    /// Tasks that the other alone solved.
    pub lost: u64,
}

impl Paired {
    /// Of outcomes by task; `None` where no task is common.
    pub fn of(one: &BTreeMap<String, bool>, other: &BTreeMap<String, bool>) -> Option<Self> {
        let mut paired = Self::default();
        for (task, solved) in one {
            let Some(of_other) = other.get(task) else { continue };
            paired.tasks += 1;
            paired.won += u64::from(*solved && !of_other);
            paired.lost += u64::from(!solved && *of_other);
        }
        (paired.tasks > 0).then_some(paired)
    }

    /// The difference in points of percent, with the 95 % interval of D. G. Bonett and R. M. Price, "Adjusted Wald
    /// Confidence Interval for a Difference of Binomial Proportions Based on Paired Data", Journal of Educational and
    /// Behavioral Statistics 37 (2012): it holds what it promises where few tasks tell the two apart, or none.
    pub fn points(&self) -> Estimate {
        let (tasks, won, lost) = (self.tasks as f64, self.won as f64, self.lost as f64);
        let [won_share, lost_share] = [won, lost].map(|count| (count + 1.0) / (tasks + 2.0));
        let middle = won_share - lost_share;
        let half = Z95 * ((won_share + lost_share - middle * middle) / (tasks + 2.0)).sqrt();
        let ends = [middle - half, middle + half].map(|end| 100.0 * end.clamp(-1.0, 1.0));
        Estimate { value: 100.0 * (won - lost) / tasks, ci95: Some(ends), n: Some(self.tasks) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R: contingencytables::Wald_CI_BonettPrice_paired_2x2(rbind(c(59, 6), c(16, 80))), complete response before and after
    /// consolidation therapy (Cavo et al. 2012), gives −0.0621 (−0.1195 to −0.0032).
    #[test]
    fn the_published_interval_comes_out() {
        let figure = Paired { tasks: 161, won: 6, lost: 16 }.points();
        let [low, high] = figure.ci95.unwrap();
        assert!((figure.value + 6.21).abs() < 5e-3, "{figure:?}");
        assert!((low + 11.95).abs() < 5e-3 && (high + 0.32).abs() < 5e-3, "{figure:?}");
    }

    #[test]
    fn only_tasks_that_both_attempted_count() {
        let of = |outcomes: &[(&str, bool)]| outcomes.iter().map(|(task, so)| ((*task).to_owned(), *so)).collect();
        let one = of(&[("a", true), ("b", true), ("c", false), ("d", true), ("x", true)]);
        let other = of(&[("a", true), ("b", false), ("c", true), ("d", false), ("y", true)]);
        let paired = Paired::of(&one, &other).unwrap();
        assert_eq!(paired, Paired { tasks: 4, won: 2, lost: 1 });
        assert_eq!(paired.points().value, 25.0);
        assert_eq!(Paired::of(&one, &of(&[("y", true)])), None);
        let [low, high] = Paired { tasks: 300, won: 0, lost: 0 }.points().ci95.unwrap();
        assert!(low < -0.3 && high > 0.3 && (low + high).abs() < 1e-9, "equal on 300 tasks is not equal: {low} {high}");
    }
}
