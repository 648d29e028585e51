//! Phase 3, self-boosting exploration (paper §4.3): LAM2 attempts the tasks at which the expert failed, several
//! tries a task; what succeeds enlarges the training set of LAM3, what fails is kept for phase 4.
//!
//! [`explore`] attempts, [`curate`] chooses. Training is not here: the enlarged set goes to the same supervised
//! trainer as phase 2's. Knows no tensor: whoever acts is a [`lam_agent::Policy`].
//!
//! ```no_run
//! use std::path::Path;
//!
//! use lam_agent::Policy;
//! use lam_env::Application;
//! use lam_phase3_explore::{ExploreConfig, ExploreError, ExploreIo, SUCCESSES_FILE, explore};
//! use lam_signal::{Cancel, NoProgress};
//!
//! fn try_again(app: &dyn Application, lam2: &mut dyn Policy) -> Result<(), ExploreError> {
//!     let io = ExploreIo {
//!         failures: &["runs/quickstart/expert/expert_failure.parquet".into()],
//!         output: Path::new("explore"),
//!         progress: &NoProgress,
//!         cancel: &Cancel::default(),
//!     };
//!     println!("{:#}", explore(&ExploreConfig::default(), app, lam2, &io)?);
//!     println!("LAM3's new examples: {}", io.output.join(SUCCESSES_FILE).display());
//!     Ok(())
//! }
//! ```

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
