//! A figure with its 95 % interval, read from JSON and averaged over seeds. Knows no table and no page.

use serde::Serialize;
use serde_json::Value;

/// A value, its 95 % interval and the number of things it was measured on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The value itself: percent for rates, else in the metric's unit.
    pub value: f64,
    /// Lower and upper end of the 95 % interval.
    pub ci95: Option<[f64; 2]>,
    /// How many tasks, steps or seeds are behind it.
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

    /// Mean of one figure over seeds, with Student's interval of the mean; `None` without values.
    pub fn over_seeds(values: &[f64]) -> Option<Self> {
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
        Some(Self { value: mean, ci95, n: Some(count as u64) })
    }

    /// Whether the intervals of both are known and do not touch.
    pub fn apart_from(&self, other: &Self) -> Option<bool> {
        let ([low, high], [other_low, other_high]) = (self.ci95?, other.ci95?);
        Some(low > other_high || other_low > high)
    }
}

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

/// The 97.5 % point of Student's t with this many degrees of freedom; 1.96 beyond the table.
fn student_t(freedom: usize) -> f64 {
    const POINTS: [f64; 15] =
        [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131];
    POINTS.get(freedom.saturating_sub(1)).copied().unwrap_or(1.96)
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

    #[test]
    fn averages_over_seeds_with_students_interval() {
        // python: scipy.stats.t.interval(0.95, 4, loc=81.0, scale=scipy.stats.sem([79, 80, 81, 82, 83]))
        let mean = Estimate::over_seeds(&[79.0, 80.0, 81.0, 82.0, 83.0]).unwrap();
        let [low, high] = mean.ci95.unwrap();
        assert!((mean.value - 81.0).abs() < 1e-9 && (low - 79.0368).abs() < 1e-3 && (high - 82.9632).abs() < 1e-3);
        assert!(Estimate::over_seeds(&[]).is_none());
    }
}
