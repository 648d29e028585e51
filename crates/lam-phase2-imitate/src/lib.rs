//! Phase 2, learning from experts (paper §4.2): LAM1 imitates the teacher's successful trajectories, s_t → a_t, and
//! becomes LAM2. Phase 3's second half is the same run on the enlarged set, from LAM2 to LAM3 (§4.3).
//!
//! Supervised fine-tuning on the action's tokens only. Knows no environment instance and no other stage:
//! trajectories come in as files, a model directory goes out.

mod config;
mod error;
mod imitate;
mod stage;

pub use config::ImitateConfig;
pub use error::ImitateError;
pub use imitate::{ImitateIo, run};
pub use stage::register;
