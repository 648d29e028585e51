//! The stage `base`: its settings checked, a named model fetched, the base model made.

use std::path::{Path, PathBuf};

use lam_config::ConfigError;
use lam_hub::NamedModel;
use lam_pipeline::{InputCounts, InputSpec, Registry, Stage, StageContext};
use lam_signal::Failure;
use lam_trainer::{TRAINING_WORK, check_arguments};
use serde_json::Value;

use crate::shapes::{is_shipped, model_config};
use crate::{BaseConfig, BaseError, BaseIo};

/// Adds this crate's stage.
pub fn register(registry: Registry) -> Registry {
    registry.with(Base)
}

struct Base;

impl Stage for Base {
    type Settings = BaseConfig;

    fn kind(&self) -> &'static str {
        "base"
    }

    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn inputs(&self) -> &'static [InputSpec] {
        &[]
    }

    fn model_name(&self) -> Option<&'static str> {
        Some("base")
    }

    fn takes_checkpoint(&self) -> bool {
        true
    }

    fn work(&self) -> &'static [&'static str] {
        TRAINING_WORK
    }

    fn environment<'s>(&self, settings: &'s BaseConfig) -> Option<&'s str> {
        Some(&settings.environment)
    }

    /// Names of the hub and of shipped shapes are not files, and are left out as such.
    fn files(&self, settings: &BaseConfig) -> Vec<(String, PathBuf)> {
        let BaseConfig { model_name_or_path, adapter_name_or_path, model_config, .. } = settings;
        let named = [
            ("model_name_or_path", model_name_or_path.as_ref()),
            ("adapter_name_or_path", adapter_name_or_path.as_ref()),
            ("model_config", Some(model_config).filter(|name| !is_shipped(name))),
        ];
        named.into_iter().filter_map(|(key, name)| Some((key.to_owned(), PathBuf::from(name?)))).collect()
    }

    fn check(&self, settings: &BaseConfig, _inputs: &InputCounts) -> Result<(), ConfigError> {
        settings.model_name_or_path.as_deref().map_or_else(|| check_shape(&settings.model_config), refuse_unknown)?;
        settings.adapter_name_or_path.as_deref().map_or(Ok(()), |name| refuse_adapter(name, settings))?;
        if settings.train.max_tokens_per_batch == 0 {
            return Err(ConfigError::value("train.max_tokens_per_batch", 0, "must be at least 1 here", ""));
        }
        let (fewest, most) = (settings.min_controls, settings.max_controls);
        if fewest > most {
            let what = format!("`min_controls` = {fewest} is more than `max_controls` = {most}");
            return Err(ConfigError::refused("min_controls", what, ""));
        }
        check_arguments(settings.train.check())
    }

    fn run(&self, settings: &BaseConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
        let app = context.open(&settings.environment)?;
        let name = settings.model_name_or_path.as_deref();
        let named = name.map(|name| NamedModel::find(name, context.monitor())).transpose()?;
        let settings = BaseConfig {
            model_name_or_path: named.as_ref().map(|named| named.directory.display().to_string()),
            train: settings.train.in_run(context.seed, context.device, context.resume),
            ..settings.clone()
        };
        let io = BaseIo {
            app: app.as_ref(),
            output: context.output,
            seed: context.seed,
            progress: context.progress,
            cancel: context.cancel,
        };
        let mut metrics = crate::run(&settings, &io)?;
        if let Some(origin) = named.and_then(|named| named.origin) {
            metrics["pretrained"] = origin;
        }
        Ok(metrics)
    }
}

/// Refuses a shape that is neither shipped nor a file that can be read as one.
fn check_shape(name: &str) -> Result<(), ConfigError> {
    match model_config(name) {
        Err(BaseError::Config { key, value, reason, hint }) => Err(ConfigError::value(key, value, reason, hint)),
        // What no decoder can be is refused when one is to be made of it.
        _ => Ok(()),
    }
}

/// Refuses a name that is neither a directory, nor a file, nor one that the hub could know.
fn refuse_unknown(name: &str) -> Result<(), ConfigError> {
    if NamedModel::is_possible(name) {
        return Ok(());
    }
    let hint = "name a model directory in Hugging Face layout, a GGUF file, or OWNER/NAME[@REVISION] on the hub";
    Err(ConfigError::value("model_name_or_path", name, "no such directory or file, and not the name of a model", hint))
}

/// Refuses an adapter that is no directory, or that has no model under it.
fn refuse_adapter(name: &str, settings: &BaseConfig) -> Result<(), ConfigError> {
    if settings.model_name_or_path.is_none() {
        let hint = "name the base that the adapter was trained over in `model_name_or_path`";
        return Err(ConfigError::value("adapter_name_or_path", name, "there is no model under it", hint));
    }
    if Path::new(name).is_dir() {
        return Ok(());
    }
    Err(ConfigError::value(
        "adapter_name_or_path",
        name,
        "no such directory",
        "name a directory with adapter_config.json",
    ))
}
