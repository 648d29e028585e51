//! The evaluation files of all stages, merged into the three tables.

use std::path::Path;

use serde_json::Value;

use super::{files_below, read_json};
use crate::error::ReportError;
use crate::tables::{Row, Rows, Tables, parse_rows};

/// Tables from `planning*.json`, `decision_making*.json` and `online*.json`, alone or together under `tables`.
pub fn read<'a>(stages: impl Iterator<Item = &'a Path>) -> Result<Tables, ReportError> {
    let mut tables = Tables::default();
    for stage in stages {
        for file in files_below(stage, 1, "json") {
            let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            if let Some(table) = table_of(&mut tables, &stem) {
                merge(table, &read_json(&file)?, stem.contains("unconstrained"));
            }
        }
    }
    Ok(tables)
}

fn table_of<'a>(tables: &'a mut Tables, stem: &str) -> Option<&'a mut Rows> {
    match stem {
        _ if stem.starts_with("planning") => Some(&mut tables.planning),
        _ if stem.starts_with("decision_making") => Some(&mut tables.decision_making),
        _ if stem.starts_with("online") => Some(&mut tables.online),
        _ => None,
    }
}

/// Adds a file's rows; those measured without the constraint become a slice of the model's own row.
fn merge(table: &mut Rows, json: &Value, unconstrained: bool) {
    for (model, Row { all, slices }) in parse_rows(json) {
        let row = table.entry(model).or_default();
        if unconstrained {
            row.slices.entry("unconstrained".to_owned()).or_default().extend(all);
        } else {
            row.all.extend(all);
            row.slices.extend(slices);
        }
    }
}
