//! What phase 4 may be told. Defaults are the paper's (§5.1.2, §5.1.3) where it prints one, and the reading of the
//! design document where it does not.

mod dev;
mod policy;
mod refused;
mod reward;

use lam_config::ConfigError;
use lam_trainer::{FinetuningType, check_quantization};
use serde::Serialize;
use serde_json::Value;

pub use dev::DevConfig;
pub use policy::{Baseline, Imitate, Method, OldPolicy, PolicyConfig, Samples};
pub use reward::{Balance, MOST_REPEATS, RewardConfig, Target};

/// Refuses what phase 4 cannot train over, and bits that are not known.
fn check_base(finetuning_type: FinetuningType, quantization_bit: u8) -> Result<(), ConfigError> {
    if finetuning_type == FinetuningType::Full {
        let reason = "phase 4 trains an adapter";
        return Err(ConfigError::value("finetuning_type", "full", reason, "set it to \"lora\" or \"qlora\""));
    }
    check_quantization(quantization_bit)
}

/// Settings by key, as they stand in files.
fn values<T: Serialize>(of: &T) -> Value {
    serde_json::to_value(of).expect("plain data serialises")
}
