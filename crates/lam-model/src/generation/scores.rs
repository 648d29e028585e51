//! What sampling computes over a token's scores, in loops that vectorise. Knows no sampling.

use crate::backend::cpu::kernel::rows;

/// Logarithm of the sum of the exponentials, in nats; not finite where a score is not a number or infinite.
pub fn logsumexp(scores: &[f32]) -> f32 {
    let highest = rows::max(scores);
    highest + rows::exp_total(scores, highest).ln()
}

/// Whether [`logsumexp`] is finite: no score is not a number or infinite upwards, and not all are infinite downwards.
pub fn are_scores(scores: &[f32]) -> bool {
    // A fold over all vectorises; stopping early would not, and would seldom stop.
    let wrong = scores.iter().fold(0, |wrong, score| wrong | u32::from(score.is_nan() | (*score == f32::INFINITY)));
    wrong == 0 && scores.iter().any(|score| *score > f32::NEG_INFINITY)
}

/// Replaces each score by exp(score - shift) and returns the sum.
pub fn exp_in_place(scores: &mut [f32], shift: f32) -> f32 {
    rows::exp_sum(scores, shift)
}

/// The place of the highest score, the first of equals; none where there is none.
pub fn argmax(scores: &[f32]) -> Option<usize> {
    let highest = rows::max(scores);
    scores.iter().position(|score| *score >= highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_what_they_are_called() {
        let scores: Vec<f32> = (0..100).map(|i| (i * 37 % 101) as f32 / 7.0 - 9.0).collect();
        let sum: f64 = scores.iter().map(|score| f64::from(*score).exp()).sum();
        assert!((f64::from(logsumexp(&scores)) - sum.ln()).abs() < 1e-6);
        let mut powers = scores.clone();
        assert!((f64::from(exp_in_place(&mut powers, 0.0)) / sum - 1.0).abs() < 1e-5);
        assert_eq!(argmax(&[1.0, 3.0, 3.0, 2.0]), Some(1));
        assert_eq!(argmax(&[]), None);
        assert!(!logsumexp(&[1.0, f32::NAN]).is_finite() && !logsumexp(&[1.0, f32::INFINITY]).is_finite());
    }

    #[test]
    fn scores_are_those_whose_sum_is_finite() {
        let ends = [f32::NEG_INFINITY, f32::INFINITY, f32::NAN, f32::MIN, f32::MAX, 0.0];
        for first in ends {
            for second in ends {
                let scores = [first, second];
                assert_eq!(are_scores(&scores), logsumexp(&scores).is_finite(), "{scores:?}");
            }
        }
        assert!(!are_scores(&[]));
    }
}
