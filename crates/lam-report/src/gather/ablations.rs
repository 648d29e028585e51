//! Online evaluations that compare models within a phase: which stage each row is of, and whether it solved each task.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use lam_store::{file_name_of, visit_trajectories};

use super::chain::{Evaluated, Evaluation, compares};
use super::evaluations::of_stage;
use crate::error::ReportError;
use crate::run::StageRecord;
use crate::tables::Rows;

/// The evaluations of one seed.
///
/// # Errors
/// A table that cannot be read. Episodes that cannot be are named among the data files.
pub fn read(stages: &[(StageRecord, PathBuf)]) -> Result<Vec<Evaluation>, ReportError> {
    let records: Vec<StageRecord> = stages.iter().map(|(stage, _)| stage.clone()).collect();
    let mut found = Vec::new();
    for (stage, path) in stages.iter().filter(|(stage, _)| stage.kind == "eval.online") {
        let inputs = stage.inputs.iter().filter(|input| input.role == "models");
        let models: Vec<&str> = inputs.map(|input| input.stage.as_str()).collect();
        if compares(&records, &models) {
            let rows = of_stage(path)?.online;
            let split = stage.config["split"].as_str().unwrap_or("test").to_owned();
            let models = models.iter().filter_map(|name| evaluated(&records, name, &rows, path)).collect();
            found.push(Evaluation { stage: stage.name.clone(), split, models });
        }
    }
    Ok(found)
}

fn evaluated(stages: &[StageRecord], name: &str, rows: &Rows, path: &Path) -> Option<Evaluated> {
    let row = row_of(stages, name, rows)?;
    let tsr = *rows[row].all.get("tsr")?;
    let mut outcomes = BTreeMap::new();
    let file = path.join(format!("{}.parquet", file_name_of(row)));
    let read = visit_trajectories(&file, |episode| {
        if episode.environment_error.is_none() {
            outcomes.insert(episode.task.task_id.clone(), episode.succeeded());
        }
        ControlFlow::Continue(())
    });
    if read.is_err() {
        outcomes.clear();
    }
    Some(Evaluated { stage: name.to_owned(), tsr, outcomes })
}

/// The row of a stage's model: with its place where several of the phase are in the table, else under the phase's name.
fn row_of<'r>(stages: &[StageRecord], name: &str, rows: &'r Rows) -> Option<&'r str> {
    let placed = format!(", {name})");
    let plain = match stages.iter().find(|stage| stage.name == name)?.kind.as_str() {
        "phase1" => "LAM1",
        "phase2" => "LAM2",
        "phase3.train" => "LAM3",
        kind if kind.starts_with("phase4.") => "LAM4",
        _ => return None,
    };
    let of_place = rows.keys().find(|row| row.starts_with(plain) && row.ends_with(&placed));
    of_place.or_else(|| rows.keys().find(|row| *row == plain)).map(String::as_str)
}
