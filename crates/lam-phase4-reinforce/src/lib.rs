//! Phase 4, learning from rewards (paper §4.4): a reward model is trained on every step of successes (+1) and
//! failures (−1); then LAM3 is trained on its own answers at the failures' states by offline PPO and becomes LAM4.
//!
//! [`reward::run`] and [`policy::run`] are the two halves. Knows no environment instance and no other stage.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use lam_model::ModelSource;
//! use lam_phase4_reinforce::RewardConfig;
//! use lam_phase4_reinforce::reward::{RewardIo, run};
//! use lam_signal::{Cancel, NoProgress};
//!
//! let model = ModelSource::open(Path::new("runs/quickstart/lam3"), None)?;
//! let io = RewardIo {
//!     model: &model,
//!     trajectories: &["success.parquet".into(), "failure.parquet".into()],
//!     functions: &[],
//!     environment: "sim",
//!     output: Path::new("reward_model"),
//!     seed: 42,
//!     progress: &NoProgress,
//!     cancel: &Cancel::default(),
//! };
//! println!("{:#}", run(&RewardConfig::default(), &io)?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod policy;
pub mod reward;

mod balance;
mod buffer;
mod config;
mod error;
mod ppo;
mod rollout;
mod score;
mod stage;

pub use buffer::{PpoSample, RolloutBuffer, RolloutLoader};
pub use config::{Balance, Baseline, MOST_REPEATS, OldPolicy, PpoConfig, RewardConfig, Samples};
pub use error::ReinforceError;
pub use ppo::PpoModule;
pub use rollout::{Rollout, RolloutMaker};
pub use stage::register;
