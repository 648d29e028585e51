//! The interval of a proportion. Knows not what was counted.

use lam_types::Z95;

/// Wilson's score interval of a proportion, 95 %, within [0, 1]: E. B. Wilson, "Probable Inference, the Law of
/// Succession, and Statistical Inference", JASA 22 (1927). It holds what it promises down to a few trials and at the
/// ends, where a bootstrap sees no spread (Brown, Cai and DasGupta, "Interval Estimation for a Binomial Proportion",
/// 2001).
///
/// `None` for no trials.
pub fn wilson(successes: f64, trials: f64) -> Option<[f64; 2]> {
    if trials <= 0.0 {
        return None;
    }
    let (share, square) = (successes / trials, Z95 * Z95 / trials);
    let middle = share + square / 2.0;
    let half = (square * (share * (1.0 - share) + square / 4.0)).sqrt();
    let [low, high] = [middle - half, middle + half].map(|end| (end / (1.0 + square)).clamp(0.0, 1.0));
    // At the ends the formula gives 0 and 1, rounding aside.
    Some([if successes == 0.0 { 0.0 } else { low }, if successes == trials { 1.0 } else { high }])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998),
    /// table I, method 3.
    #[test]
    fn the_published_intervals_come_out() {
        for (successes, trials, expected) in [
            (81.0, 263.0, [0.2553, 0.3662]),
            (15.0, 148.0, [0.0624, 0.1605]),
            (0.0, 20.0, [0.0, 0.1611]),
            (1.0, 29.0, [0.0061, 0.1718]),
        ] {
            let found = wilson(successes, trials).unwrap();
            let is_near = found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 5e-5);
            assert!(is_near, "{successes} of {trials}: {found:?}");
        }
    }

    #[test]
    fn the_ends_are_exact_and_mirror_each_other() {
        for trials in [1.0, 7.0, 300.0] {
            let ([low, high], [other_low, other_high]) =
                (wilson(0.0, trials).unwrap(), wilson(trials, trials).unwrap());
            assert_eq!((low, other_high), (0.0, 1.0));
            assert!((high + other_low - 1.0).abs() < 1e-12 && high > 0.0, "{trials}: {high} and {other_low}");
        }
        assert_eq!(wilson(0.0, 0.0), None);
    }
}
