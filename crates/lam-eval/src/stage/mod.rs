//! The stages `eval.plan`, `eval.step` and `eval.online`: a row for every model, for the expert, for every endpoint.

mod online;
mod plan;
mod rows;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lam_agent::RemoteConfig;
use lam_config::ConfigError;
use lam_env::random::stream;
use lam_pipeline::{InputCounts, Registry};
use lam_signal::Failure;
use lam_tasks::order_of_turns;
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

/// At most so many of some rows, 0 for all: the first ones, unless there are more families among them all; then one row
/// of as many families, drawn, so that few rows are no easier than many.
fn at_most<T>(rows: Vec<T>, most: usize, seed: u64, family: impl Fn(&T) -> String) -> Vec<T> {
    let mut first_of: BTreeMap<String, usize> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        first_of.entry(family(row)).or_insert(index);
    }
    let firsts: Vec<usize> = first_of.into_values().collect();
    if most == 0 || most >= firsts.len() {
        let most = if most == 0 { rows.len() } else { most };
        return rows.into_iter().take(most).collect();
    }
    let order = order_of_turns(firsts.len(), most, &mut stream(&["rows"], seed));
    let chosen: BTreeSet<usize> = order.into_iter().map(|place| firsts[place]).collect();
    rows.into_iter().enumerate().filter(|(index, _)| chosen.contains(index)).map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_are_of_all_families() {
        let rows: Vec<(usize, String)> = (0..210).map(|row| (row, format!("family {}", row % 70))).collect();
        let taken = |most, seed| at_most(rows.clone(), most, seed, |row| row.1.clone());
        assert_eq!(taken(0, 1), rows);
        assert_eq!(taken(100, 1), rows[..100]);
        let few = taken(10, 1);
        assert_eq!(few.iter().map(|row| &row.1).collect::<BTreeSet<_>>().len(), 10);
        assert_ne!(few, rows[..10]);
        assert_ne!(few, taken(10, 2), "other families by another seed");
        assert_eq!(few, taken(10, 1));
    }
}
