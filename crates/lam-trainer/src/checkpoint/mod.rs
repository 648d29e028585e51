//! Checkpoints: `checkpoint-<step>/` with the names of Hugging Face's Trainer, written aside, synced, renamed.
//! Older ones go only after the new one is complete. Each holds the hashes of its files.

mod directory;
mod hashes;
mod identity;
mod tensors;

pub(crate) use directory::Checkpoints;
pub(crate) use hashes::{damage, write_hashes};
pub(crate) use identity::{ARITHMETIC, ON_A_DEVICE, fixed_arguments, refuse_other};
pub use identity::{Identity, settings_identity};
pub(crate) use tensors::{assign_variables, load_tensors, save_tensors};

use std::path::Path;

use lam_store::{StoreError, write_atomic};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{LogRecord, Metrics, TrainerError};

/// File of the random streams and cursors.
pub(crate) const RNG_FILE: &str = "rng_state.json";
/// File of the optimizer's moments.
pub(crate) const OPTIMIZER_FILE: &str = "optimizer.safetensors";
/// File of the loop's own state.
pub(crate) const STATE_FILE: &str = "trainer_state.json";
/// File of the arguments.
pub(crate) const ARGUMENTS_FILE: &str = "training_args.json";
/// File of what must not differ on resume.
pub(crate) const IDENTITY_FILE: &str = "identity.json";

/// The loop's own state, as `trainer_state.json` holds it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainerState {
    /// Optimizer steps done.
    pub global_step: u64,
    /// Epochs given out.
    pub epoch: f32,
    /// Optimizer steps planned; 0 where tokens decide.
    pub max_steps: u64,
    /// Input tokens read.
    pub num_input_tokens_seen: u64,
    /// Micro-batches drawn.
    pub batches_seen: u64,
    /// Best value of the metric so far.
    pub best_metric: Option<f32>,
    /// Step of the best checkpoint.
    pub best_global_step: Option<u64>,
    /// Evaluations in a row that were not better.
    pub evaluations_without_progress: u64,
    /// Whether the evaluation after this step, or before the first, is still to be made.
    #[serde(default)]
    pub evaluation_due: bool,
    /// Whether training is over.
    pub finished: bool,
    /// Sums since the last record.
    pub since_last_record: Metrics,
    /// Every record so far.
    pub log_history: Vec<LogRecord>,
}

/// States that are not tensors: of the data's order and of the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Streams {
    pub(crate) seed: u64,
    pub(crate) source: Value,
    pub(crate) module: Value,
}

/// Writes `value` as indented JSON.
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), TrainerError> {
    let mut text = serde_json::to_string_pretty(value).expect("plain data serialises");
    text.push('\n');
    Ok(write_atomic(path, text.as_bytes())?)
}

/// Reads what [`write_json`] wrote.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, TrainerError> {
    let text = std::fs::read_to_string(path).map_err(StoreError::io("read", path))?;
    serde_json::from_str(&text)
        .map_err(|error| TrainerError::Checkpoint { path: path.into(), reason: error.to_string() })
}
