//! Phase 2, learning from experts (paper §4.2): LAM1 imitates the teacher's successful trajectories, s_t → a_t, and
//! becomes LAM2. Phase 3's second half is the same run on the enlarged set, from LAM2 to LAM3 (§4.3).
//!
//! Supervised fine-tuning on the action's tokens only. Knows no environment instance and no other stage:
//! trajectories come in as files, a model directory goes out.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use lam_phase2_imitate::{ImitateConfig, ImitateIo, run};
//! use lam_model::ModelSource;
//! use lam_signal::{Cancel, NoProgress};
//!
//! let model = ModelSource::open(Path::new("runs/quickstart/lam1"), None)?;
//! let io = ImitateIo {
//!     model: &model,
//!     trajectories: &["runs/quickstart/expert/expert_success.parquet".into()],
//!     functions: &[],
//!     environment: "sim",
//!     replay: &[],
//!     output: Path::new("lam2"),
//!     progress: &NoProgress,
//!     cancel: &Cancel::default(),
//! };
//! println!("{:#}", run(&ImitateConfig::default(), &io)?);
//! # Ok::<(), lam_signal::Failure>(())
//! ```

mod config;
mod imitate;
mod pass_on;
mod stage;

pub use config::ImitateConfig;
pub use imitate::{ImitateIo, run};
pub use stage::register;
