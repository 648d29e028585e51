//! A measured number with its uncertainty. Knows not what was measured, nor how the interval was made.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The 97.5 % point of the standard normal distribution: a 95 % interval reaches so many standard errors to each side.
pub const Z95: f64 = 1.959_963_984_540_054;

/// A value, its 95 % interval and the number of things it was measured on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The value itself: percent for rates, else in the metric's unit.
    pub value: f64,
    /// Lower and upper end of the 95 % interval; `None` where none is known.
    pub ci95: Option<[f64; 2]>,
    /// How many tasks, steps, plan items or seeds are behind it; `None` where it is not known.
    pub n: Option<u64>,
}

impl Estimate {
    /// Reads `{value, ci95, n}` or a bare number; `None` for anything else.
    pub fn parse(json: &Value) -> Option<Self> {
        if let Some(value) = json.as_f64() {
            return Some(Self { value, ci95: None, n: None });
        }
        let object = json.as_object()?;
        let value = object.get("value")?.as_f64()?;
        let ci95 = object.get("ci95").and_then(interval);
        Some(Self { value, ci95, n: object.get("n").and_then(Value::as_u64) })
    }
}

/// `[low, high]`, or an object that names its ends, as other people's tables do.
fn interval(json: &Value) -> Option<[f64; 2]> {
    let ends = match json {
        Value::Array(ends) => [ends.first()?.as_f64()?, ends.get(1)?.as_f64()?],
        Value::Object(ends) => [
            ends.get("low").or_else(|| ends.get("lower"))?.as_f64()?,
            ends.get("high").or_else(|| ends.get("upper"))?.as_f64()?,
        ],
        _ => return None,
    };
    Some(ends)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_every_form_of_a_figure() {
        let full = Estimate::parse(&json!({"value": 80.0, "ci95": [75.0, 84.0], "n": 300})).unwrap();
        assert_eq!(full, Estimate { value: 80.0, ci95: Some([75.0, 84.0]), n: Some(300) });
        assert_eq!(Estimate::parse(&json!(3)).unwrap().value, 3.0);
        assert_eq!(
            Estimate::parse(&json!({"value": 1.0, "ci95": {"low": 0.5, "high": 2.0}})).unwrap().ci95,
            Some([0.5, 2.0])
        );
        assert!(Estimate::parse(&json!({"seen": {"value": 1.0}})).is_none());
    }
}
