//! Which pairs are kept for the test set: within each family, by a hash of the plan.
//!
//! Two wordings of the same plan fall on the same side, and a pair's side does not change when others are added.

use lam_store::hash_bytes;
use lam_types::{Split, TaskPlan};

/// Puts about `test_fraction` of the pairs into the test set.
pub(crate) fn assign(pairs: &mut [TaskPlan], test_fraction: f64) {
    for pair in pairs {
        let hash = hash_bytes(format!("{}\n{}", pair.family, pair.plan.join("\n")).as_bytes());
        let place = u32::from_str_radix(&hash[..8], 16).expect("a hash is hex");
        let test = f64::from(place) / f64::from(u32::MAX) < test_fraction;
        pair.split = if test { Split::Test } else { Split::Train };
    }
}
