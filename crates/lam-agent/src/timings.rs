//! Measured times apart from what was done: the same run gives the same records, and other times.

use lam_types::Trajectory;
use serde::{Deserialize, Serialize};

/// Seconds that a set of episodes took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Steps in all.
    pub steps: usize,
    /// Seconds spent in the policy, summed over steps.
    pub policy_seconds: f64,
    /// Seconds spent in the environment, summed over steps.
    pub environment_seconds: f64,
}

/// Takes the times out of the records, so that what is stored is the same bytes however often the run was
/// interrupted, and returns their sums for the run's metrics.
pub fn take_timings(trajectories: &mut [Trajectory]) -> Timings {
    let mut sums = Timings::default();
    for step in trajectories.iter_mut().flat_map(|trajectory| &mut trajectory.steps) {
        sums.steps += 1;
        sums.policy_seconds += std::mem::take(&mut step.policy_seconds);
        sums.environment_seconds += std::mem::take(&mut step.environment_seconds);
    }
    sums
}
