//! The collecting stages, as the runner calls them.

use std::path::PathBuf;

use lam_agent::PolicyChoice;
use lam_collect::plans::PlansConfig;
use lam_collect::trajectories::TrajectoriesConfig;
use lam_config::ConfigError;
use lam_pipeline::StageContext;
use lam_signal::Failure;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::applications::application;
use super::settings::{self, Settings};

/// Settings of `plans`, with the environment whose documentation is read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plans {
    /// Environment whose documentation is read.
    environment: String,
    /// How pairs are made of it.
    plans: PlansConfig,
}

impl Default for Plans {
    fn default() -> Self {
        Self { environment: "sim".into(), plans: PlansConfig::default() }
    }
}

/// Settings of `trajectories`, with the environment in which the teacher acts.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trajectories {
    /// Environment in which the teacher acts.
    environment: String,
    /// What it attempts.
    trajectories: TrajectoriesConfig,
}

impl Default for Trajectories {
    fn default() -> Self {
        Self { environment: "sim".into(), trajectories: TrajectoriesConfig::default() }
    }
}

impl Settings for Plans {
    fn files(&self) -> Vec<PathBuf> {
        self.plans.sources.iter().map(|source| source.path.clone()).collect()
    }

    fn check(&self) -> Result<(), ConfigError> {
        settings::environment(&self.environment)
    }
}

impl Settings for Trajectories {
    fn files(&self) -> Vec<PathBuf> {
        match &self.trajectories.teacher {
            PolicyChoice::Recorded { trajectories, .. } => vec![trajectories.clone()],
            PolicyChoice::Scripted | PolicyChoice::Remote(_) => Vec::new(),
        }
    }

    fn check(&self) -> Result<(), ConfigError> {
        settings::environment(&self.environment)?;
        settings::at_least_one("trajectories.tasks", self.trajectories.tasks)?;
        settings::limits("trajectories.limits", &self.trajectories.limits)
    }
}

/// Task-plan pairs from documentation.
pub fn plans(config: &Plans, context: &StageContext<'_>) -> Result<Value, Failure> {
    let app = application(&config.environment)?;
    let plans = PlansConfig { seed: context.seed, ..config.plans.clone() };
    Ok(lam_collect::plans::run(&plans, app.as_ref(), context.output, context.progress, context.cancel)?)
}

/// Trajectories of a teacher.
pub fn trajectories(config: &Trajectories, context: &StageContext<'_>) -> Result<Value, Failure> {
    let app = application(&config.environment)?;
    let settings = TrajectoriesConfig { seed: context.seed, ..config.trajectories.clone() };
    Ok(lam_collect::trajectories::run(&settings, app.as_ref(), context.output, context.progress, context.cancel)?)
}
