//! Phase 1, task-plan pretraining (paper §4.1): the base model learns t_i → P_i from task-plan pairs and becomes LAM1.
//!
//! Supervised fine-tuning on the plan's tokens only. Knows no environment and no other stage: pairs come in as
//! files, a model directory goes out.
//!
//! ```no_run
//! use std::path::Path;
//!
//! use lam_phase1_pretrain::{PretrainConfig, PretrainIo, run};
//! use lam_model::ModelSource;
//! use lam_signal::{Cancel, NoProgress};
//!
//! let model = ModelSource::open(Path::new("runs/quickstart/base"), None)?;
//! let io = PretrainIo {
//!     model: &model,
//!     plans: &["runs/quickstart/plans/task_plans.parquet".into()],
//!     replay: &[],
//!     output: Path::new("lam1"),
//!     progress: &NoProgress,
//!     cancel: &Cancel::default(),
//! };
//! println!("{:#}", run(&PretrainConfig::default(), &io)?);
//! # Ok::<(), lam_signal::Failure>(())
//! ```

mod config;
mod pretrain;
mod stage;

pub use config::PretrainConfig;
pub use pretrain::{PretrainIo, REPLAY_FILE, run};
pub use stage::register;
