//! Whether a predicted chance is kept: of the steps that are said to succeed with 70 %, do 70 % succeed?

use serde::Serialize;

/// Bins of equal width between 0 and 1.
const BINS: usize = 10;

/// How predicted chances and outcomes agree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Steps that were predicted.
    pub steps: usize,
    /// Mean of (predicted − outcome)², with outcomes of 0 and 1 (Brier 1950): 0 is perfect.
    pub brier_score: f64,
    /// The same of whoever always predicts the share of successes: a prediction that knows more lies below.
    pub brier_score_of_share: f64,
    /// Mean distance between predicted and kept over the bins, weighted by their steps.
    pub expected_calibration_error: f64,
    /// Bins with a step, from low to high.
    pub bins: Vec<Bin>,
}

/// Steps of similar prediction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// Lower end of what was predicted.
    pub from: f64,
    /// How many steps.
    pub steps: usize,
    /// Mean prediction.
    pub predicted: f64,
    /// Share that succeeded.
    pub succeeded: f64,
}

impl Calibration {
    /// Of predicted chances in [0, 1] with what came; `None` of nothing.
    pub fn of(predictions: &[(f64, bool)]) -> Option<Self> {
        let count = predictions.len() as f64;
        let outcome = |succeeded: bool| f64::from(u8::from(succeeded));
        let share = predictions.iter().map(|&(_, succeeded)| outcome(succeeded)).sum::<f64>() / count;
        let square = |predicted: f64, succeeded| (predicted - outcome(succeeded)).powi(2);
        let bins: Vec<Bin> = (0..BINS).filter_map(|bin| Bin::of(bin, predictions)).collect();
        let apart = |bin: &Bin| (bin.predicted - bin.succeeded).abs() * bin.steps as f64;
        (!predictions.is_empty()).then(|| Self {
            steps: predictions.len(),
            brier_score: predictions.iter().map(|&(predicted, came)| square(predicted, came)).sum::<f64>() / count,
            brier_score_of_share: predictions.iter().map(|&(_, came)| square(share, came)).sum::<f64>() / count,
            expected_calibration_error: bins.iter().map(apart).sum::<f64>() / count,
            bins,
        })
    }
}

impl Bin {
    fn of(bin: usize, predictions: &[(f64, bool)]) -> Option<Self> {
        let its = |&&(predicted, _): &&(f64, bool)| ((predicted * BINS as f64) as usize).min(BINS - 1) == bin;
        let its: Vec<&(f64, bool)> = predictions.iter().filter(its).collect();
        let mean = |of: fn(&(f64, bool)) -> f64| its.iter().map(|&one| of(one)).sum::<f64>() / its.len() as f64;
        (!its.is_empty()).then(|| Self {
            from: bin as f64 / BINS as f64,
            steps: its.len(),
            predicted: mean(|one| one.0),
            succeeded: mean(|one| f64::from(u8::from(one.1))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_and_broken_promises_are_told_apart() {
        let promised = |chance: f64, kept: usize, of: usize| (0..of).map(move |step| (chance, step < kept));
        let kept: Vec<_> = promised(0.75, 3, 4).chain(promised(0.25, 1, 4)).collect();
        let found = Calibration::of(&kept).unwrap();
        // Half of the steps succeed: 0.25 for who says 50 %; 0.75 · 0.25² + 0.25 · 0.75² for who knows more.
        assert_eq!((found.steps, found.brier_score, found.brier_score_of_share), (8, 0.1875, 0.25));
        assert_eq!(found.expected_calibration_error, 0.0);
        let bin = Bin { from: 0.2, steps: 4, predicted: 0.25, succeeded: 0.25 };
        assert_eq!((found.bins.len(), found.bins[0]), (2, bin));
        let broken: Vec<_> = promised(1.0, 1, 2).chain(promised(0.0, 0, 2)).collect();
        let found = Calibration::of(&broken).unwrap();
        assert_eq!((found.brier_score, found.expected_calibration_error), (0.25, 0.25));
        assert_eq!(Calibration::of(&[]), None);
    }
}
