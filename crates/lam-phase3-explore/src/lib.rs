//! Phase 3, self-boosting exploration (paper §4.3): LAM2 attempts the tasks at which the expert failed, several
//! tries a task; what succeeds enlarges the training set of LAM3, what fails is kept for phase 4.
//!
//! [`explore`] attempts, [`curate`] chooses. Training is not here: the enlarged set goes to the same supervised
//! trainer as phase 2's. Knows no tensor: whoever acts is a [`lam_agent::Policy`].

mod config;
mod curate;
mod error;
mod explore;
mod stage;

pub use config::ExploreConfig;
pub use curate::{Curated, Keep, curate};
pub use error::ExploreError;
pub use explore::{ATTEMPTS_FILE, ExploreIo, FAILURES_FILE, SUCCESSES_FILE, explore};
pub use stage::register;
