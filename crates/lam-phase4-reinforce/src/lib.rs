//! Phase 4, learning from rewards (paper §4.4): a reward model is trained on every step of successes (+1) and
//! failures (−1); then LAM3 is trained on its own answers at the failures' states by offline PPO and becomes LAM4.
//!
//! [`reward::run`] and [`policy::run`] are the two halves. Knows no environment instance and no other stage.

pub mod policy;
pub mod reward;

mod balance;
mod buffer;
mod config;
mod error;
mod journal;
mod ppo;
mod rollout;
mod score;
mod stage;

pub use buffer::{RolloutBuffer, RolloutLoader};
pub use config::{Balance, Baseline, MOST_REPEATS, OldPolicy, PpoConfig, RewardConfig, Samples};
pub use error::ReinforceError;
pub use ppo::{PpoModule, PpoSample};
pub use rollout::{Rollout, RolloutMaker};
pub use stage::register;
