//! Learning-rate schedules with Hugging Face's names and values.

use std::f64::consts::PI;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the learning rate goes over the steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Always the same.
    Constant,
    /// Linear warm-up, then always the same.
    ConstantWithWarmup,
    /// Linear warm-up, then linearly to zero.
    Linear,
    /// Linear warm-up, then half a cosine to zero.
    #[default]
    Cosine,
}

/// Factor of the learning rate at the step with this index, from 0, of `total`, `warmup` of them warm-up.
pub fn schedule_factor(schedule: Schedule, step: u64, warmup: u64, total: u64) -> f64 {
    if schedule != Schedule::Constant && step < warmup {
        return step as f64 / warmup as f64;
    }
    let progress = (step.saturating_sub(warmup) as f64 / total.saturating_sub(warmup).max(1) as f64).min(1.0);
    match schedule {
        Schedule::Constant | Schedule::ConstantWithWarmup => 1.0,
        Schedule::Linear => 1.0 - progress,
        Schedule::Cosine => 0.5 * (1.0 + (PI * progress).cos()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// transformers.get_cosine_schedule_with_warmup(o, 2, 10) and get_linear_schedule_with_warmup(o, 2, 10), lr 1.
    #[test]
    fn factors_are_those_of_transformers() {
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        close(schedule_factor(Schedule::Cosine, 0, 2, 10), 0.0);
        close(schedule_factor(Schedule::Cosine, 1, 2, 10), 0.5);
        close(schedule_factor(Schedule::Cosine, 2, 2, 10), 1.0);
        close(schedule_factor(Schedule::Cosine, 4, 2, 10), 0.853_553_390_593_273_7);
        close(schedule_factor(Schedule::Cosine, 10, 2, 10), 0.0);
        close(schedule_factor(Schedule::Linear, 6, 2, 10), 0.5);
        close(schedule_factor(Schedule::ConstantWithWarmup, 9, 2, 10), 1.0);
        close(schedule_factor(Schedule::Constant, 0, 2, 10), 1.0);
    }
}
