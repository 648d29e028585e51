//! What the settings of training stages must be beyond their types, told with the key. Knows no stage.

use lam_config::ConfigError;
use lam_model::{LoraConfig, ModelError};

use crate::TrainerError;

/// The training arguments below `train`, once they were looked at.
///
/// # Errors
/// The argument that is wrong.
pub fn check_arguments(checked: Result<(), TrainerError>) -> Result<(), ConfigError> {
    match checked {
        Err(TrainerError::Arguments { key, value, reason, hint }) => {
            Err(ConfigError::value(&format!("train.{key}"), value, reason, hint))
        }
        _ => Ok(()),
    }
}

/// The adapter below `lora`.
///
/// # Errors
/// Target modules that cannot be used.
pub fn check_adapter(lora: &LoraConfig) -> Result<(), ConfigError> {
    match lora.modules() {
        Err(ModelError::Adapter { what, hint }) => {
            let what = what.replace("`lora_target_modules`", "`lora.lora_target_modules`");
            Err(ConfigError::refused("lora.lora_target_modules", what, hint))
        }
        _ => Ok(()),
    }
}

/// The bits of a quantised base.
///
/// # Errors
/// Other numbers than 4 and 8.
pub fn check_quantization(bits: u8) -> Result<(), ConfigError> {
    match bits {
        4 | 8 => Ok(()),
        _ => Err(ConfigError::value("quantization_bit", bits, "must be 4 (Q4_K) or 8 (Q8_0)", "")),
    }
}

/// Each of the replayed files gets its share of the batches, and something is left for the stage's own data.
///
/// # Errors
/// Shares that leave nothing.
pub fn check_replay(share: f64, files: usize) -> Result<(), ConfigError> {
    if share * (files as f64) < 1.0 {
        return Ok(());
    }
    let what = format!("`replay_share` = {share} for each of {files} files leaves nothing for the stage's own data");
    Err(ConfigError::refused("replay_share", what, format!("it must be below {:.3}", 1.0 / files as f64)))
}
