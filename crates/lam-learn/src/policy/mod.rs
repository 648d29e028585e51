//! What a policy learns from its tries: the clipped ratio of PPO, preferences between two answers to one state, and the
//! imitation of answers that succeeded, by which both are anchored. Knows no model.

mod answers;
mod imitation;
mod ppo;
mod preference;

pub use answers::answer_sums;
pub use imitation::imitation_loss;
pub use ppo::{PolicyLoss, PpoClip, ValueLoss, policy_loss, value_loss};
pub use preference::{Preferred, preference_loss};
