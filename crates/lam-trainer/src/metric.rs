//! Metrics as weighted sums, so that a mean over micro-batches is the mean over their tokens. Knows no file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Named means, each kept as a weighted sum and its weight.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics(BTreeMap<String, Mean>);

/// A weighted sum and its weight, in files as a pair. JSON has no infinity: it comes back as "not a number".
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "(Option<f64>, f64)", into = "(f64, f64)")]
struct Mean {
    sum: f64,
    weight: f64,
}

impl From<(Option<f64>, f64)> for Mean {
    fn from((sum, weight): (Option<f64>, f64)) -> Self {
        Self { sum: sum.unwrap_or(f64::NAN), weight }
    }
}

impl From<Mean> for (f64, f64) {
    fn from(mean: Mean) -> Self {
        (mean.sum, mean.weight)
    }
}

impl Metrics {
    /// Adds `sum`, which counts as `weight` things, to the metric.
    pub fn add(&mut self, name: &str, sum: f64, weight: f64) {
        let mean = self.0.entry(name.to_owned()).or_default();
        mean.sum += sum;
        mean.weight += weight;
    }

    /// As [`Metrics::add`], by value, for building a set in one expression.
    #[must_use]
    pub fn with(mut self, name: &str, sum: f64, weight: f64) -> Self {
        self.add(name, sum, weight);
        self
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Metrics) {
        for (name, mean) in &other.0 {
            self.add(name, mean.sum, mean.weight);
        }
    }

    /// The mean of the metric, if anything was added to it.
    pub fn mean(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Mean::value)
    }

    /// Every mean, by name.
    pub fn means(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().filter_map(|(name, mean)| Some((name.as_str(), mean.value()?)))
    }

    /// Forgets everything and returns what was there.
    pub fn take(&mut self) -> Metrics {
        std::mem::take(self)
    }
}

impl Mean {
    fn value(&self) -> Option<f64> {
        (self.weight != 0.0).then(|| self.sum / self.weight)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_weighted_and_survive_a_file_bit_for_bit() {
        let mut metrics = Metrics::default().with("loss", 0.1 + 0.2, 1.0);
        metrics.merge(&Metrics::default().with("loss", 3.0, 2.0));
        assert_eq!(metrics.mean("loss"), Some((0.1 + 0.2 + 3.0) / 3.0));
        assert_eq!(metrics.mean("accuracy"), None);
        let back: Metrics = serde_json::from_str(&serde_json::to_string(&metrics).unwrap()).unwrap();
        assert_eq!(back, metrics);
    }
}
