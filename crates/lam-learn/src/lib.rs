//! The paper's equations over tensors and slices: optimizer, schedules, losses, advantages, the KL controller.
//!
//! Everything here is a formula with its source. Knows no model, no task and no file.

mod adamw;
mod advantage;
mod clip;
mod kl;
mod policy;
mod reward;
mod schedule;

pub use adamw::{AdamW, AdamWConfig};
pub use advantage::{Gae, generalized_advantages, whiten};
pub use clip::clip_gradients;
pub use kl::AdaptiveKl;
pub use policy::{PolicyLoss, PpoClip, ValueLoss, policy_loss, value_loss};
pub use reward::{predicted_rewards, reward_loss};
pub use schedule::{Schedule, schedule_factor};
