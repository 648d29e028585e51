//! The evaluation files of all stages, merged into the three tables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{files_below, read_json};
use crate::error::ReportError;
use crate::run::StageRecord;
use crate::tables::{Row, Rows, Tables, parse_rows, without_place};

/// The tables' names in files.
const NAMES: [&str; 3] = ["planning", "decision_making", "online"];

/// What the rows of the online table are called, by stage and model.
#[derive(Clone, Debug, Default)]
pub struct RowNames(BTreeMap<(String, String), String>);

impl RowNames {
    /// The name of the row of a stage's model, if it has one.
    pub fn of(&self, stage: &str, model: &str) -> Option<&str> {
        self.0.get(&(stage.to_owned(), model.to_owned())).map(String::as_str)
    }

    /// Whether a stage has any row.
    pub fn has(&self, stage: &str) -> bool {
        self.0.keys().any(|(of, _)| of == stage)
    }

    /// The names as [`Tables::without_place`] makes them.
    pub fn without_place(self, place: &str) -> Self {
        Self(self.0.into_iter().map(|(key, name)| (key, without_place(&name, place))).collect())
    }
}

/// The tables of all stages, and the names of the online rows. A model that several of them evaluated has a row of each,
/// named after the stage.
pub fn read(stages: &[(StageRecord, PathBuf)]) -> Result<(Tables, RowNames), ReportError> {
    let mut each = Vec::new();
    for (stage, path) in stages {
        each.push((stage.name.as_str(), of_stage(path)?));
    }
    let names = |pick: fn(&Tables) -> &Rows| -> RowNames {
        let mut evaluations: BTreeMap<&str, usize> = BTreeMap::new();
        for name in each.iter().flat_map(|(_, tables)| pick(tables).keys()) {
            *evaluations.entry(name).or_default() += 1;
        }
        let named = |stage: &str, name: &String| match evaluations[name.as_str()] {
            1 => name.clone(),
            _ => format!("{name} ({stage})"),
        };
        let rows = each.iter().flat_map(|(stage, tables)| pick(tables).keys().map(move |name| (*stage, name)));
        RowNames(rows.map(|(stage, name)| ((stage.to_owned(), name.clone()), named(stage, name))).collect())
    };
    let together = |pick: fn(&Tables) -> &Rows| -> Rows {
        let names = names(pick);
        let rows =
            each.iter().flat_map(|(stage, tables)| pick(tables).iter().map(move |(name, row)| (*stage, name, row)));
        rows.filter_map(|(stage, name, row)| Some((names.of(stage, name)?.to_owned(), row.clone()))).collect()
    };
    let tables = Tables {
        planning: together(|tables| &tables.planning),
        decision_making: together(|tables| &tables.decision_making),
        online: together(|tables| &tables.online),
    };
    Ok((tables, names(|tables| &tables.online)))
}

/// Tables from `tables*.json` (all three by name) and from `planning*.json`, `decision_making*.json`, `online*.json`.
pub fn of_stage(stage: &Path) -> Result<Tables, ReportError> {
    let mut tables = Tables::default();
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
