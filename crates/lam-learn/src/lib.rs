//! The paper's equations over tensors and slices: optimizer, schedules, losses, advantages, the KL controller.
//!
//! Everything here is a formula with its source. Knows no model, no task and no file.
//!
//! ```
//! use lam_learn::{Gae, Schedule, generalized_advantages, schedule_factor};
//!
//! // Half a cosine down to zero, after two steps of warm-up.
//! assert_eq!(schedule_factor(Schedule::Cosine, 1, 2, 10), 0.5);
//! assert_eq!(schedule_factor(Schedule::Cosine, 2, 2, 10), 1.0);
//!
//! // Without discount, an answer's advantage is its whole reward less what the value head expected.
//! let (advantages, returns) = generalized_advantages(&[0.0, 1.0], &[0.25, 0.5], Gae { gamma: 1.0, lambda: 1.0 });
//! assert_eq!((advantages, returns), (vec![0.75, 0.5], vec![1.0, 1.0]));
//! ```

mod adamw;
mod advantage;
mod clip;
mod device;
mod kl;
mod policy;
mod reward;
mod schedule;
mod step;
mod wide;

pub use adamw::AdamW;
pub use advantage::{Gae, generalized_advantages, whiten};
pub use clip::{Clipped, clip_gradients};
pub use device::{Awaited, DeviceParameters};
pub use kl::AdaptiveKl;
pub use policy::{
    PolicyLoss, PpoClip, Preferred, ValueLoss, answer_sums, imitation_loss, policy_loss, preference_loss, value_loss,
};
pub use reward::{predicted_rewards, reward_loss};
pub use schedule::{Schedule, schedule_factor};
pub use step::{AdamWConfig, AdamWStep};
