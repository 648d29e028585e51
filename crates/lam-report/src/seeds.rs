//! Estimates over the seeds of a run: their mean, and whether two of them differ. Knows no table and no page.

use lam_types::{Estimate, Z95};

/// Mean of one metric over seeds, with Student's interval of the mean; `None` without values.
pub fn mean_over_seeds(values: &[f64]) -> Option<Estimate> {
    let count = values.len();
    if count == 0 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / count as f64;
    let ci95 = (count > 1).then(|| {
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (count - 1) as f64;
        let half = student_t(count - 1) * (variance / count as f64).sqrt();
        [mean - half, mean + half]
    });
    Some(Estimate { value: mean, ci95, n: Some(count as u64) })
}

/// Whether the intervals of both are known and do not touch.
pub fn are_apart(one: &Estimate, other: &Estimate) -> Option<bool> {
    let ([low, high], [other_low, other_high]) = (one.ci95?, other.ci95?);
    Some(low > other_high || other_low > high)
}

/// The 97.5 % point of Student's t with this many degrees of freedom: a table, and beyond it the expansion about the
/// normal point (Abramowitz and Stegun 26.7.5), right to three digits there.
fn student_t(freedom: usize) -> f64 {
    const POINTS: [f64; 15] =
        [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131];
    let expansion = || {
        let first = (Z95.powi(3) + Z95) / 4.0;
        let second = (5.0 * Z95.powi(5) + 16.0 * Z95.powi(3) + 3.0 * Z95) / 96.0;
        Z95 + first / freedom as f64 + second / (freedom as f64).powi(2)
    };
    POINTS.get(freedom.saturating_sub(1)).copied().unwrap_or_else(expansion)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_over_seeds_with_students_interval() {
        // python: scipy.stats.t.interval(0.95, 4, loc=81.0, scale=scipy.stats.sem([79, 80, 81, 82, 83]))
        let mean = mean_over_seeds(&[79.0, 80.0, 81.0, 82.0, 83.0]).unwrap();
        let [low, high] = mean.ci95.unwrap();
        assert!((mean.value - 81.0).abs() < 1e-9 && (low - 79.0368).abs() < 1e-3 && (high - 82.9632).abs() < 1e-3);
        assert!(mean_over_seeds(&[]).is_none());
    }

    #[test]
    fn beyond_the_table_the_points_go_on() {
        // python: scipy.stats.t.ppf(0.975, [16, 20, 30, 100])
        for (freedom, expected) in [(16, 2.1199), (20, 2.0860), (30, 2.0423), (100, 1.9840)] {
            assert!((student_t(freedom) - expected).abs() < 1e-3, "{freedom}: {}", student_t(freedom));
        }
    }
}
