//! What settings must be beyond their types: looked at before anything runs, so that a bad value is refused with its
//! file and line and not in the middle of a run.

use std::path::PathBuf;

use lam_agent::Limits;
use lam_base::BaseConfig;
use lam_config::ConfigError;
use lam_model::{LoraConfig, ModelError};
use lam_phase1_pretrain::PretrainConfig;
use lam_phase2_imitate::ImitateConfig;
use lam_phase3_explore::ExploreConfig;
use lam_phase4_reinforce::{PpoConfig, RewardConfig};
use lam_trainer::{TrainerError, TrainingArguments};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{applications, hub};

/// A stage's configuration.
pub trait Settings: Default + DeserializeOwned + Serialize {
    /// Refuses values that cannot be meant.
    fn check(&self) -> Result<(), ConfigError>;

    /// Files and folders that the settings name.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Refuses values that do not go with the number of artifacts of each input.
    fn check_inputs(&self, _count: &dyn Fn(&str) -> usize) -> Result<(), ConfigError> {
        Ok(())
    }
}

impl Settings for BaseConfig {
    fn files(&self) -> Vec<PathBuf> {
        // Names of the hub and of shipped shapes are no files, and are left out as such.
        self.model_name_or_path.iter().chain([&self.model_config]).map(PathBuf::from).collect()
    }

    fn check(&self) -> Result<(), ConfigError> {
        environment(&self.environment)?;
        self.model_name_or_path.as_deref().map_or(Ok(()), hub::refuse_unknown)?;
        at_least_one("min_controls", self.min_controls)?;
        at_least_one("max_steps", self.max_steps)?;
        at_least_one("train.max_tokens_per_batch", self.train.max_tokens_per_batch)?;
        if self.min_controls > self.max_controls {
            let (fewest, most) = (self.min_controls, self.max_controls);
            let what = format!("`min_controls` = {fewest} is more than `max_controls` = {most}");
            return Err(ConfigError::refused("min_controls", what, ""));
        }
        let shares = [
            ("mixture.instructions", self.mixture.instructions),
            ("mixture.look_up", self.mixture.look_up),
            ("mixture.spans", self.mixture.spans),
            ("mixture.text", self.mixture.text),
        ];
        for (key, value) in shares {
            within(key, value, 0.0..=f64::MAX, "a share that is not negative")?;
        }
        training(&self.train)
    }
}

impl Settings for PretrainConfig {
    fn check(&self) -> Result<(), ConfigError> {
        adapter(&self.lora)?;
        share_left_out("replay_share", self.replay_share)?;
        quantization(self.quantization_bit)?;
        training(&self.train)
    }

    fn check_inputs(&self, count: &dyn Fn(&str) -> usize) -> Result<(), ConfigError> {
        replay(self.replay_share, count("replay"))
    }
}

impl Settings for ImitateConfig {
    fn check(&self) -> Result<(), ConfigError> {
        environment(&self.environment)?;
        adapter(&self.lora)?;
        share_left_out("validation_share", self.validation_share)?;
        share_left_out("replay_share", self.replay_share)?;
        quantization(self.quantization_bit)?;
        training(&self.train)
    }

    fn check_inputs(&self, count: &dyn Fn(&str) -> usize) -> Result<(), ConfigError> {
        replay(self.replay_share, count("replay"))
    }
}

impl Settings for ExploreConfig {
    fn check(&self) -> Result<(), ConfigError> {
        environment(&self.environment)?;
        at_least_one("attempts", self.attempts as usize)?;
        at_least_one("max_new_tokens", self.max_new_tokens)?;
        within("temperature", f64::from(self.temperature), 0.0..=f64::MAX, "a number that is not negative")?;
        within("top_p", f64::from(self.top_p), f64::MIN_POSITIVE..=1.0, "above 0 and at most 1")?;
        limits("limits", &self.limits)
    }
}

impl Settings for RewardConfig {
    fn check(&self) -> Result<(), ConfigError> {
        environment(&self.environment)?;
        adapter(&self.lora)?;
        share_left_out("validation_share", self.validation_share)?;
        share_left_out("contrast_share", self.contrast_share)?;
        training(&self.train)
    }
}

impl Settings for PpoConfig {
    fn check(&self) -> Result<(), ConfigError> {
        environment(&self.environment)?;
        adapter(&self.lora)?;
        let counts = [
            ("samples_per_state", self.samples_per_state),
            ("min_distinct_calls", self.min_distinct_calls),
            ("response_length", self.response_length),
            ("num_train_epochs", self.num_train_epochs),
            ("num_ppo_epochs", self.num_ppo_epochs),
            ("batch_size", self.batch_size),
            ("mini_batch_size", self.mini_batch_size),
        ];
        for (key, value) in counts {
            at_least_one(key, value)?;
        }
        let numbers = [
            ("temperature", f64::from(self.temperature)),
            ("learning_rate", self.learning_rate),
            ("cliprange", self.cliprange),
            ("cliprange_value", self.cliprange_value),
            ("vf_coef", self.vf_coef),
            ("init_kl_coef", self.init_kl_coef),
            ("max_grad_norm", self.max_grad_norm),
        ];
        for (key, value) in numbers {
            within(key, value, 0.0..=f64::MAX, "a number that is not negative")?;
        }
        for (key, value) in [("target_kl", self.target_kl), ("kl_horizon", self.kl_horizon)] {
            within(key, value, f64::MIN_POSITIVE..=f64::MAX, "a number above 0")?;
        }
        within("gamma", self.gamma, 0.0..=1.0, "from 0 to 1")?;
        within("lam", self.lam, 0.0..=1.0, "from 0 to 1")
    }
}

/// The environment is registered.
pub fn environment(name: &str) -> Result<(), ConfigError> {
    if applications::is_known(name) {
        return Ok(());
    }
    Err(ConfigError::value("environment", name, "there is no such environment", applications::hint()))
}

/// Episodes have room; `key` is the table's name.
pub fn limits(key: &str, limits: &Limits) -> Result<(), ConfigError> {
    at_least_one(&format!("{key}.max_steps"), limits.max_steps as usize)?;
    at_least_one(&format!("{key}.parallel"), limits.parallel)
}

/// A count is not 0.
pub fn at_least_one(key: &str, value: usize) -> Result<(), ConfigError> {
    if value == 0 { Err(ConfigError::value(key, 0, "must be at least 1", "")) } else { Ok(()) }
}

fn within(key: &str, value: f64, range: std::ops::RangeInclusive<f64>, must_be: &str) -> Result<(), ConfigError> {
    if range.contains(&value) { Ok(()) } else { Err(ConfigError::value(key, value, format!("must be {must_be}"), "")) }
}

/// A share held out of training leaves something to train on.
fn share_left_out(key: &str, value: f64) -> Result<(), ConfigError> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    Err(ConfigError::value(key, value, "must be at least 0 and below 1", "0 holds nothing out"))
}

/// Each of the replayed files gets its share of the batches, and something is left for the stage's own data.
fn replay(share: f64, files: usize) -> Result<(), ConfigError> {
    if share * (files as f64) < 1.0 {
        return Ok(());
    }
    let what = format!("`replay_share` = {share} for each of {files} files leaves nothing for the stage's own data");
    Err(ConfigError::refused("replay_share", what, format!("it must be below {:.3}", 1.0 / files as f64)))
}

fn quantization(bits: u8) -> Result<(), ConfigError> {
    match bits {
        4 | 8 => Ok(()),
        _ => Err(ConfigError::value("quantization_bit", bits, "must be 4 (Q4_K) or 8 (Q8_0)", "")),
    }
}

fn adapter(lora: &LoraConfig) -> Result<(), ConfigError> {
    at_least_one("lora.lora_r", lora.lora_r)?;
    share_left_out("lora.lora_dropout", lora.lora_dropout)?;
    match lora.modules() {
        Err(ModelError::Adapter { what, hint }) => {
            let what = what.replace("`lora_target_modules`", "`lora.lora_target_modules`");
            Err(ConfigError::refused("lora.lora_target_modules", what, hint))
        }
        _ => Ok(()),
    }
}

fn training(arguments: &TrainingArguments) -> Result<(), ConfigError> {
    match arguments.check() {
        Err(TrainerError::Arguments { key, value, reason }) => {
            Err(ConfigError::value(&format!("train.{key}"), value, reason, ""))
        }
        _ => Ok(()),
    }
}
