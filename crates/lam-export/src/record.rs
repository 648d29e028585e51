//! `export.json`: what was written, from what, and the numbers by which anyone can check it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{ExportConfig, ExportError, Kind};

/// Name of the record in an export's directory.
pub const RECORD_FILE: &str = "export.json";

/// What an export says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportRecord {
    /// Version of this form.
    pub format_version: u32,
    /// What was written.
    pub kind: Kind,
    /// Content hash of what it was made from, by role.
    pub sources: Vec<(String, String)>,
    /// On which base an adapter stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// What whoever uses it should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Comparisons that were made before the export was called done.
    pub checks: Vec<Check>,
    /// A text and its tokens, for checking the tokenizer.
    pub text: String,
    /// Its tokens, without special ones.
    pub text_ids: Vec<u32>,
    /// Inputs with the numbers that the model gives for them.
    pub probes: Vec<Probe>,
}

/// One comparison of logits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// What was compared.
    pub what: String,
    /// Largest absolute difference.
    pub max_abs_difference: f32,
}

/// One input and its output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// Tokens of the input.
    pub input_ids: Vec<u32>,
    /// Logits of the last position (for a reward model: its one score).
    pub logits: Vec<f32>,
}

/// The largest absolute difference between two sets of probes over the same inputs.
pub fn difference(one: &[Probe], other: &[Probe]) -> f32 {
    let pairs = one.iter().zip(other).flat_map(|(one, other)| one.logits.iter().zip(&other.logits));
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, |most, each| if each.is_nan() { f32::INFINITY } else { most.max(each) })
}

/// The root mean square of the differences, over that of the first logits.
pub fn relative_difference(one: &[Probe], other: &[Probe]) -> f32 {
    let pairs = one.iter().zip(other).flat_map(|(one, other)| one.logits.iter().zip(&other.logits));
    let (apart, size) = pairs.fold((0.0_f64, 0.0_f64), |(apart, size), (a, b)| {
        let (a, b) = (f64::from(*a), f64::from(*b));
        (apart + (a - b).powi(2), size + a.powi(2))
    });
    let relative = (apart / size.max(f64::MIN_POSITIVE)).sqrt() as f32;
    if relative.is_nan() { f32::INFINITY } else { relative }
}

/// Refuses logits that are further apart than the configuration lets them be.
pub fn refuse_difference(
    path: &Path,
    what: &'static str,
    difference: f32,
    config: &ExportConfig,
) -> Result<(), ExportError> {
    let tolerance = config.tolerance;
    if difference <= tolerance {
        return Ok(());
    }
    Err(ExportError::Differs { path: path.to_owned(), what, difference, tolerance })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logit_that_is_no_number_is_never_equal() {
        let probe = |logits: &[f32]| vec![Probe { input_ids: vec![1], logits: logits.to_vec() }];
        assert_eq!(difference(&probe(&[1.0, 2.0]), &probe(&[1.5, 2.0])), 0.5);
        assert_eq!(difference(&probe(&[f32::NAN]), &probe(&[0.0])), f32::INFINITY);
        assert_eq!(relative_difference(&probe(&[3.0, 4.0]), &probe(&[3.0, 4.5])), 0.1);
        assert_eq!(relative_difference(&probe(&[3.0]), &probe(&[f32::NAN])), f32::INFINITY);
    }
}
