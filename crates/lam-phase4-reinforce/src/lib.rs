//! Phase 4, learning from rewards (paper §4.4): a reward model is trained on the steps of successes (+1) and failures
//! (−1) that are valid actions; then LAM3 is trained on its own answers at the failures' states by offline PPO and
//! becomes LAM4.
//! Beside PPO there are rejection fine-tuning and direct preference optimisation over the same tries, without a reward
//! model.
//!
//! [`reward::run`] and [`policy::run`] are the two halves. Knows no particular environment and no other stage: it is
//! handed one as the trait, for its functions and for the held-out tasks that are played while the policy trains.
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
mod calibration;
mod choices;
mod config;
mod dpo;
mod error;
#[cfg(test)]
mod example_tries;
mod imitate;
mod maker;
mod ppo;
mod preference;
mod rollout;
mod share;
mod stage;
mod tries;
mod value;
mod words;

pub use buffer::{PpoSample, RolloutBuffer, RolloutLoader};
pub use choices::Choice;
pub use config::{
    Balance, Baseline, DevConfig, Imitate, MOST_REPEATS, Method, OldPolicy, PolicyConfig, RewardConfig, Samples, Target,
};
pub use dpo::DpoModule;
pub use error::ReinforceError;
pub use maker::RolloutMaker;
pub use ppo::PpoModule;
pub use preference::PreferenceExample;
pub use rollout::Rollout;
pub use stage::register;
