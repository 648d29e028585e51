//! Phase 1, task-plan pretraining (paper §4.1): the base model learns t_i → P_i from task-plan pairs and becomes LAM1.
//!
//! Supervised fine-tuning on the plan's tokens only. Knows no environment and no other stage: pairs come in as
//! files, a model directory goes out.

mod config;
mod error;
mod pretrain;
mod stage;

pub use config::PretrainConfig;
pub use error::PretrainError;
pub use pretrain::{PretrainIo, REPLAY_FILE, run};
pub use stage::register;
