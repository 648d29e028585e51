//! The evaluation files of all stages, merged into the three tables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{files_below, read_json};
use crate::conditions::is_decoded_freely;
use crate::error::ReportError;
use crate::run::StageRecord;
use crate::tables::{NAMES, Row, Rows, Tables, parse_rows, without_place};

/// What the rows of the tables are called, by table, stage and model.
#[derive(Clone, Debug, Default)]
pub struct RowNames(BTreeMap<(&'static str, String, String), String>);

impl RowNames {
    /// Of the evaluations of all stages: a model that several of them evaluated, or that has a row in `others`, has a row of
    /// each, named after the stage.
    fn new(each: &[(&str, Tables)], others: &Tables) -> Self {
        let mut names = BTreeMap::new();
        for table in NAMES {
            let rows =
                || each.iter().flat_map(|(stage, tables)| tables.rows(table).keys().map(move |row| (*stage, row)));
            let mut evaluations: BTreeMap<&str, usize> = BTreeMap::new();
            for (_, model) in rows() {
                *evaluations.entry(model).or_default() += 1;
            }
            for (stage, model) in rows() {
                let name = match evaluations[model.as_str()] {
                    1 if !others.rows(table).contains_key(model) => model.clone(),
                    _ => format!("{model} ({stage})"),
                };
                names.insert((table, stage.to_owned(), model.clone()), name);
            }
        }
        Self(names)
    }

    /// The name of the row of a stage's model in a table, if it has one.
    pub fn of(&self, table: &'static str, stage: &str, model: &str) -> Option<&str> {
        self.0.get(&(table, stage.to_owned(), model.to_owned())).map(String::as_str)
    }

    /// Whether a stage has any row in a table.
    pub fn has(&self, table: &str, stage: &str) -> bool {
        self.0.keys().any(|(in_table, of, _)| *in_table == table && of == stage)
    }

    /// The names of other stages, too.
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// The names as [`Tables::without_place`] makes them.
    pub fn without_place(self, place: &str) -> Self {
        Self(self.0.into_iter().map(|(key, name)| (key, without_place(&name, place))).collect())
    }
}

/// The tables of all stages, and the names of their rows; none of them is called as a row of `others`.
pub fn read(stages: &[(StageRecord, PathBuf)], others: &Tables) -> Result<(Tables, RowNames), ReportError> {
    let mut each = Vec::new();
    for (stage, path) in stages {
        let mut own = of_files(path)?;
        tell_decoding(&stage.kind, &stage.config, &mut own);
        each.push((stage.name.as_str(), own));
    }
    let (mut tables, names) = (Tables::default(), RowNames::new(&each, others));
    for table in NAMES {
        for (stage, own) in &each {
            let named = |(model, row): (&String, &Row)| Some((names.of(table, stage, model)?.to_owned(), row.clone()));
            tables.rows_mut(table).extend(own.rows(table).iter().filter_map(named));
        }
    }
    Ok((tables, names))
}

/// The tables of one evaluation, in the directory of its stage.
pub fn of_stage(stage: &Path) -> Result<Tables, ReportError> {
    let mut tables = of_files(stage)?;
    if let Some(manifest) = lam_store::read_manifest(stage)? {
        tell_decoding(&manifest.kind, &manifest.config, &mut tables);
    }
    Ok(tables)
}

/// Notes which rows were decoded freely: those of our models, where the stage says so. The constraint is none of the
/// expert's, nor of models behind endpoints.
fn tell_decoding(kind: &str, config: &Value, tables: &mut Tables) {
    if !is_decoded_freely(kind, config) {
        return;
    }
    let endpoints = config["endpoints"].as_array().map_or(&[][..], Vec::as_slice);
    let others: Vec<&str> = endpoints.iter().filter_map(endpoint_name).chain(["expert"]).collect();
    for (name, row) in &mut tables.online {
        let is_of =
            |other: &&str| name.strip_prefix(*other).is_some_and(|rest| rest.is_empty() || rest.starts_with(" ("));
        row.is_free = !others.iter().any(is_of);
    }
}

/// What an endpoint is called in tables: its name, or the model's.
fn endpoint_name(endpoint: &Value) -> Option<&str> {
    let named = |key: &str| endpoint[key].as_str().filter(|name| !name.is_empty());
    named("name").or_else(|| named("model"))
}

/// Tables from `tables*.json` (all three by name) and from `planning*.json`, `decision_making*.json`, `online*.json`.
fn of_files(stage: &Path) -> Result<Tables, ReportError> {
    let mut tables = Tables::default();
    for file in files_below(stage, 1, "json") {
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if stem.starts_with("tables") {
            let json = read_json(&file)?;
            for name in NAMES {
                merge(tables.rows_mut(name), json.get(name).unwrap_or(&Value::Null), false);
            }
        } else if let Some(name) = NAMES.into_iter().find(|name| stem.starts_with(name)) {
            merge(tables.rows_mut(name), &read_json(&file)?, stem.contains("unconstrained"));
        }
    }
    Ok(tables)
}

/// Adds a file's rows; those measured without the constraint become a slice of the model's own row.
fn merge(table: &mut Rows, json: &Value, unconstrained: bool) {
    for (model, Row { all, slices, judge, .. }) in parse_rows(json) {
        let row = table.entry(model).or_default();
        row.judge = judge.or(row.judge.take());
        if unconstrained {
            row.slices.entry("unconstrained".to_owned()).or_default().extend(all);
        } else {
            row.all.extend(all);
            row.slices.extend(slices);
        }
    }
}
