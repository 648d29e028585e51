//! The stages `eval.plan`, `eval.step` and `eval.online`: a row for every model, for the expert, for every endpoint.

mod few;
mod online;
mod plan;
mod rows;
mod step;

use std::path::Path;

use lam_agent::RemoteConfig;
use lam_config::ConfigError;
use lam_pipeline::{InputCounts, Registry};
use lam_signal::Failure;
use serde_json::{Value, json};

use crate::Tables;

/// File with the rows.
const TABLES_FILE: &str = "tables.json";

/// Adds this crate's stages.
pub fn register(registry: Registry) -> Registry {
    registry.with(plan::EvaluatePlans).with(step::EvaluateSteps).with(online::EvaluateOnline)
}

/// Refuses endpoints that cannot be right.
fn check_endpoints(endpoints: &[RemoteConfig]) -> Result<(), ConfigError> {
    endpoints.iter().enumerate().try_for_each(|(index, endpoint)| endpoint.check(&format!("endpoints.{index}")))
}

/// Whether two models may bear the same name in the tables, and are told apart there by their runs and directories.
fn may_tell_models_by_place(inputs: &InputCounts) -> bool {
    inputs.of("models") > 1
}

/// Refuses an adapter that could belong to several models, or to none.
fn one_model_under(inputs: &InputCounts) -> Result<(), ConfigError> {
    let models = inputs.of("models");
    if inputs.of("adapter") == 0 || models == 1 {
        return Ok(());
    }
    let what = format!("`adapter` needs exactly one model under it, and {models} are given");
    Err(ConfigError::refused("adapter", what, "evaluate each model with its adapter by itself"))
}

fn finish(tables: &Tables, output: &Path) -> Result<Value, Failure> {
    tables.write(&output.join(TABLES_FILE))?;
    Ok(json!(tables))
}
