//! The stages `plans` and `trajectories`: the environment beside their settings, their checks, their runs.

use std::path::PathBuf;

use lam_agent::{Limits, PolicyChoice};
use lam_config::ConfigError;
use lam_pipeline::{InputCounts, InputSpec, Registry, Stage, StageContext};
use lam_signal::Failure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::CollectError;
use crate::plans::{self, PlansConfig};
use crate::trajectories::{self, JOURNAL, TrajectoriesConfig};

/// Adds this crate's stages.
pub fn register(registry: Registry) -> Registry {
    registry.with(Plans).with(Trajectories)
}

/// Settings of `plans`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct PlansSettings {
    /// Environment whose documentation is read.
    environment: String,
    /// How pairs are made of it.
    plans: PlansConfig,
}

impl Default for PlansSettings {
    fn default() -> Self {
        Self { environment: "sim".into(), plans: PlansConfig::default() }
    }
}

/// Settings of `trajectories`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct TrajectoriesSettings {
    /// Environment in which the teacher acts.
    environment: String,
    /// What it attempts.
    trajectories: TrajectoriesConfig,
}

impl Default for TrajectoriesSettings {
    fn default() -> Self {
        Self { environment: "sim".into(), trajectories: TrajectoriesConfig::default() }
    }
}

struct Plans;

impl Stage for Plans {
    type Settings = PlansSettings;

    fn kind(&self) -> &'static str {
        "plans"
    }

    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn inputs(&self) -> &'static [InputSpec] {
        &[]
    }

    fn environment<'s>(&self, settings: &'s PlansSettings) -> Option<&'s str> {
        Some(&settings.environment)
    }

    fn files(&self, settings: &PlansSettings) -> Vec<(String, PathBuf)> {
        let sources = settings.plans.sources.iter().enumerate();
        sources.map(|(number, source)| (format!("plans.sources.{number}.path"), source.path.clone())).collect()
    }

    fn check(&self, settings: &PlansSettings, _inputs: &InputCounts) -> Result<(), ConfigError> {
        let mut sources = settings.plans.sources.iter().enumerate();
        sources.try_for_each(|(number, source)| source.check_exists(&format!("plans.sources.{number}")))?;
        match settings.plans.check() {
            Err(CollectError::Config { key, value, reason, hint }) => {
                Err(ConfigError::value(&format!("plans.{key}"), value, reason, hint))
            }
            _ => Ok(()),
        }
    }

    /// Task-plan pairs from documentation.
    fn run(&self, settings: &PlansSettings, context: &StageContext<'_>) -> Result<Value, Failure> {
        let app = context.open(&settings.environment)?;
        let config = PlansConfig { seed: context.seed, ..settings.plans.clone() };
        Ok(plans::run(&config, app.as_ref(), context.output, context.progress, context.cancel)?)
    }
}

struct Trajectories;

impl Stage for Trajectories {
    type Settings = TrajectoriesSettings;

    fn kind(&self) -> &'static str {
        "trajectories"
    }

    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn inputs(&self) -> &'static [InputSpec] {
        &[]
    }

    fn work(&self) -> &'static [&'static str] {
        &[JOURNAL]
    }

    fn environment<'s>(&self, settings: &'s TrajectoriesSettings) -> Option<&'s str> {
        Some(&settings.environment)
    }

    fn files(&self, settings: &TrajectoriesSettings) -> Vec<(String, PathBuf)> {
        match &settings.trajectories.teacher {
            PolicyChoice::Recorded { trajectories, .. } => {
                vec![("trajectories.teacher.recorded.trajectories".to_owned(), trajectories.clone())]
            }
            PolicyChoice::Scripted | PolicyChoice::Remote(_) => Vec::new(),
        }
    }

    fn check(&self, settings: &TrajectoriesSettings, _inputs: &InputCounts) -> Result<(), ConfigError> {
        settings.trajectories.teacher.check("trajectories.teacher")
    }

    /// Trajectories of a teacher.
    fn run(&self, settings: &TrajectoriesSettings, context: &StageContext<'_>) -> Result<Value, Failure> {
        let app = context.open(&settings.environment)?;
        let limits = Limits { seed: context.seed, ..settings.trajectories.limits.clone() };
        let config = TrajectoriesConfig { seed: context.seed, limits, ..settings.trajectories.clone() };
        Ok(trajectories::run(&config, app.as_ref(), context.output, context.progress, context.cancel)?)
    }
}
