//! Whether the reward model's predicted chances are kept, as its stage measured it on held-out steps: read from the
//! stage's manifest, told in the card.

use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;

use crate::ExportError;

/// Key of the figures in the manifest of the stage that trained it.
const KEY: &str = "eval_calibration";

/// How predicted chances and outcomes agree.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Calibration {
    steps: usize,
    brier_score: f64,
    brier_score_of_share: f64,
    expected_calibration_error: f64,
    bins: Vec<Bin>,
}

/// Steps of similar prediction.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
struct Bin {
    from: f64,
    steps: usize,
    predicted: f64,
    succeeded: f64,
}

impl Calibration {
    /// The figures of the reward model in `directory`, whose stage is that directory or the one above; `None` where no
    /// manifest tells any.
    ///
    /// # Errors
    /// A manifest that is damaged, or whose figures are of another form.
    pub fn of_model(directory: &Path) -> Result<Option<Self>, ExportError> {
        for place in [Some(directory), directory.parent()].into_iter().flatten() {
            let Some(mut manifest) = lam_store::read_manifest(place)? else { continue };
            let figures =
                manifest.metrics.get_mut(KEY).map(serde_json::Value::take).filter(|figures| !figures.is_null());
            let read = |figures| serde_json::from_value(figures).map_err(|error| format!("`metrics.{KEY}`: {error}"));
            return figures
                .map(read)
                .transpose()
                .map_err(|reason| ExportError::file(&place.join(lam_store::MANIFEST_FILE), reason));
        }
        Ok(None)
    }

    /// The section's text: the scores, then the bins that hold a step.
    pub fn text(&self) -> String {
        let Self { steps, brier_score, brier_score_of_share, expected_calibration_error, bins } = self;
        let mut text = format!(
            "sigmoid(score) is a chance of success. On {steps} held-out steps its Brier score is {brier_score:.4} (0 is \
             perfect); whoever always predicts the share of successes has {brier_score_of_share:.4}. Predicted and kept \
             lie {expected_calibration_error:.4} apart (mean over ten bins, weighted by their steps).\n\n\
             | predicted | steps | mean prediction | succeeded |\n|---|---:|---:|---:|\n"
        );
        for Bin { from, steps, predicted, succeeded } in bins {
            let to = from + 0.1;
            writeln!(text, "| {from:.1} to {to:.1} | {steps} | {predicted:.3} | {succeeded:.3} |")
                .expect("writing to a string cannot fail");
        }
        text.trim_end().to_owned()
    }
}

/// The section's text, with figures or without.
pub fn section(calibration: Option<&Calibration>) -> String {
    match calibration {
        Some(calibration) => calibration.text(),
        None => {
            "Not known: no manifest of the stage that trained it tells of held-out steps. Take the score for an order \
                 among answers to one state, not for a chance."
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scores_and_bins_stand_in_the_card() {
        let calibration: Calibration = serde_json::from_value(json!({
            "steps": 8, "brier_score": 0.1875, "brier_score_of_share": 0.25, "expected_calibration_error": 0.0125,
            "bins": [{"from": 0.2, "steps": 4, "predicted": 0.25, "succeeded": 0.2625},
                {"from": 0.7, "steps": 4, "predicted": 0.75, "succeeded": 0.7375}],
        }))
        .unwrap();
        let text = section(Some(&calibration));
        assert!(text.contains("On 8 held-out steps its Brier score is 0.1875"), "{text}");
        assert!(text.contains("the share of successes has 0.2500"), "{text}");
        assert!(text.ends_with("| 0.2 to 0.3 | 4 | 0.250 | 0.263 |\n| 0.7 to 0.8 | 4 | 0.750 | 0.738 |"), "{text}");
        assert!(section(None).starts_with("Not known"));
    }
}
