//! What was measured at a step, under the names of Hugging Face and TRL. Knows no file.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// One line of the metrics' file: what was measured at a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogRecord {
    /// Optimizer steps done.
    pub global_step: u64,
    /// Epochs given out.
    pub epoch: f32,
    /// Input tokens read in training.
    pub num_tokens: u64,
    /// The figures: `loss`, `grad_norm`, `learning_rate`, the module's own; those of an evaluation begin with `eval_`.
    #[serde(flatten, deserialize_with = "figures")]
    pub values: BTreeMap<String, f32>,
}

/// JSON has no infinity and nothing else that is not a number: they are written as `null`.
fn figures<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, f32>, D::Error> {
    let values = BTreeMap::<String, Option<f32>>::deserialize(deserializer)?;
    Ok(values.into_iter().map(|(name, value)| (name, value.unwrap_or(f32::NAN))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_is_not_a_number_does_not_spoil_the_others() {
        let values = BTreeMap::from([("loss".to_owned(), 0.1f32), ("ratio".to_owned(), f32::INFINITY)]);
        let text = serde_json::to_string(&LogRecord { global_step: 3, epoch: 0.5, num_tokens: 7, values }).unwrap();
        assert_eq!(text, r#"{"global_step":3,"epoch":0.5,"num_tokens":7,"loss":0.1,"ratio":null}"#);
        let back: LogRecord = serde_json::from_str(&text).unwrap();
        assert_eq!((back.global_step, back.values["loss"]), (3, 0.1));
        assert!(back.values["ratio"].is_nan());
    }
}
