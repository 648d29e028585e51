//! The evaluation files of all stages, merged into the three tables.

use std::path::Path;

use serde_json::Value;

use super::{files_below, read_json};
use crate::error::ReportError;
use crate::tables::{Row, Rows, Tables, parse_rows};

/// The tables' names in files.
const NAMES: [&str; 3] = ["planning", "decision_making", "online"];

/// Tables from `tables*.json` (all three by name) and from `planning*.json`, `decision_making*.json`, `online*.json`.
pub fn read<'a>(stages: impl Iterator<Item = &'a Path>) -> Result<Tables, ReportError> {
    let mut tables = Tables::default();
    for stage in stages {
        for file in files_below(stage, 1, "json") {
            let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            if stem.starts_with("tables") {
                let json = read_json(&file)?;
                for name in NAMES {
                    add(&mut tables, name, json.get(name).unwrap_or(&Value::Null), false);
                }
            } else if let Some(name) = NAMES.into_iter().find(|name| stem.starts_with(name)) {
                add(&mut tables, name, &read_json(&file)?, stem.contains("unconstrained"));
            }
        }
    }
    Ok(tables)
}

fn add(tables: &mut Tables, name: &str, json: &Value, unconstrained: bool) {
    let table = match name {
        "planning" => &mut tables.planning,
        "decision_making" => &mut tables.decision_making,
        _ => &mut tables.online,
    };
    merge(table, json, unconstrained);
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
