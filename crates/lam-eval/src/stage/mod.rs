//! The stages `eval.plan`, `eval.step` and `eval.online`: a row for every model, for the expert, for every endpoint.

mod online;
mod plan;
mod rows;
mod step;

use std::path::Path;

use lam_agent::RemoteConfig;
use lam_config::ConfigError;
use lam_pipeline::Registry;
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

fn finish(tables: &Tables, output: &Path) -> Result<Value, Failure> {
    tables.write(&output.join(TABLES_FILE))?;
    Ok(json!(tables))
}

fn truncate<T>(rows: &mut Vec<T>, most: usize) {
    if most > 0 {
        rows.truncate(most);
    }
}
