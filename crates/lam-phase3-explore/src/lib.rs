//! Phase 3, self-boosting exploration (paper §4.3): LAM2 attempts the tasks at which the expert failed, several
//! tries a task; what succeeds enlarges the training set of LAM3, what fails is kept for phase 4. Tasks that it does
//! not solve may be explored in two more ways ([`Way`]): plans of LAM1, and procedures of the documentation, carried
//! out step by step without the model, as the paper executes task-plan pairs (§3.2).
//!
//! An exploration is a *round*: after training on it, the better model explores again what is still open, carrying over
//! what the rounds before it solved (`explored`), until a round brings less than it costs (`min_new_share`).
//!
//! [`explore`] goes the ways, [`curate`] chooses. Training is not here: the enlarged set goes to the same supervised
//! trainer as phase 2's. Knows no tensor: whoever acts is a [`lam_agent::Policy`].
//!
//! ```no_run
//! use std::path::Path;
//!
//! use lam_agent::Policy;
//! use lam_env::Application;
//! use lam_phase3_explore::{ExploreConfig, ExploreError, ExploreIo, Explorers, SUCCESSES_FILE, explore};
//! use lam_signal::{Cancel, NoProgress};
//!
//! fn try_again(app: &dyn Application, lam2: &mut dyn Policy) -> Result<(), ExploreError> {
//!     let io = ExploreIo {
//!         failures: &["runs/quickstart/expert/expert_failure.parquet".into()],
//!         explored: &[],
//!         output: Path::new("explore"),
//!         progress: &NoProgress,
//!         cancel: &Cancel::default(),
//!     };
//!     let mut explorers = Explorers { policy: Some(lam2), ..Explorers::default() };
//!     println!("{:#}", explore(&ExploreConfig::default(), app, &mut explorers, &io)?);
//!     println!("LAM3's new examples: {}", io.output.join(SUCCESSES_FILE).display());
//!     Ok(())
//! }
//! ```

mod config;
mod coverage;
mod curate;
mod earlier;
mod error;
mod explore;
mod explorers;
mod parts;
mod procedures;
mod quoted;
mod rounds;
mod stage;
mod values;
mod way;

pub use config::ExploreConfig;
pub use coverage::{Coverage, Example, FamilyCoverage, RoundCoverage, TryRecord};
pub use curate::{Curated, Keep, curate};
pub use error::ExploreError;
pub use explore::{ATTEMPTS_FILE, FAILURES_FILE, FOLLOWED_FILE, WAYS_FILE, explore};
pub use explorers::{ExploreIo, Explorers, SUCCESSES_FILE};
pub use lam_data::COVERAGE_FILE;
pub use procedures::Procedures;
pub use stage::register;
pub use way::Way;
