//! Online evaluations that compare models within a phase: which stage each row is of, and whether it solved each task.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use lam_store::{file_name_of, visit_trajectories};

use super::chain::{Evaluated, Evaluation, compares};
use super::evaluations::of_stage;
use super::stages::seed_of;
use crate::error::ReportError;
use crate::run::{StageInput, StageRecord};
use crate::tables::Rows;

/// The evaluations of one seed.
///
/// # Errors
/// A table that cannot be read. Episodes that cannot be are named among the data files.
pub fn read(stages: &[(StageRecord, PathBuf)]) -> Result<Vec<Evaluation>, ReportError> {
    let records: Vec<StageRecord> = stages.iter().map(|(stage, _)| stage.clone()).collect();
    let mut found = Vec::new();
    for (stage, path) in stages.iter().filter(|(stage, _)| stage.kind == "eval.online") {
        let models: Vec<Model> = models(stage).map(|input| Model { name: &input.stage, seed: None }).collect();
        found.extend(evaluation(&records, (stage, path), &models)?);
    }
    Ok(found)
}

/// The evaluations that ran once, beside the seeds, as those of each seed in `seeds`: with the models that are of it, made
/// in it or from what was. `known` are the stages of a seed and those that ran once.
///
/// # Errors
/// As [`read`].
pub fn read_once(
    once: &[(StageRecord, PathBuf)],
    known: &[StageRecord],
    seeds: &[&str],
) -> Result<Vec<Vec<Evaluation>>, ReportError> {
    let mut each = vec![Vec::new(); seeds.len()];
    for (stage, path) in once.iter().filter(|(stage, _)| stage.kind == "eval.online") {
        for (index, seed) in seeds.iter().enumerate() {
            let of_seed = |input: &&StageInput| match origin(once, input) {
                Some(origin) => origin == *seed,
                // What none of them had a part in stands with the first.
                None => index == 0,
            };
            let models: Vec<Model> = models(stage).filter(of_seed).map(Model::beside_its_seed).collect();
            each[index].extend(evaluation(known, (stage, path), &models)?);
        }
    }
    Ok(each)
}

/// The seed that a model is of: in whose directory it lies, or that of the model that it was trained from.
fn origin<'s>(once: &'s [(StageRecord, PathBuf)], input: &'s StageInput) -> Option<&'s str> {
    let mut input = input;
    // No chain is longer than there are stages.
    for _ in 0..=once.len() {
        if let Some(seed) = seed_of(input) {
            return Some(seed);
        }
        let (stage, _) = once.iter().find(|(stage, _)| stage.name == input.stage)?;
        input = stage.inputs.iter().find(|input| input.role == "model")?;
    }
    None
}

/// A model that is evaluated.
#[derive(Clone, Copy)]
struct Model<'a> {
    /// The stage that made it.
    name: &'a str,
    /// The directory of its seed, where the evaluation stands beside that.
    seed: Option<&'a str>,
}

impl<'a> Model<'a> {
    fn beside_its_seed(input: &'a StageInput) -> Self {
        Self { name: &input.stage, seed: seed_of(input) }
    }
}

fn models(stage: &StageRecord) -> impl Iterator<Item = &StageInput> {
    stage.inputs.iter().filter(|input| input.role == "models")
}

/// The evaluation of these models, if any of them are of one phase.
fn evaluation(
    stages: &[StageRecord],
    (stage, path): (&StageRecord, &Path),
    models: &[Model<'_>],
) -> Result<Option<Evaluation>, ReportError> {
    if !compares(stages, &models.iter().map(|model| model.name).collect::<Vec<_>>()) {
        return Ok(None);
    }
    let rows = of_stage(path)?.online;
    let split = stage.config["split"].as_str().unwrap_or("test").to_owned();
    let models = models.iter().filter_map(|model| evaluated(stages, *model, &rows, path)).collect();
    Ok(Some(Evaluation { stage: stage.name.clone(), split, models }))
}

fn evaluated(stages: &[StageRecord], model: Model<'_>, rows: &Rows, path: &Path) -> Option<Evaluated> {
    let row = row_of(stages, model, rows)?;
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
    Some(Evaluated { stage: model.name.to_owned(), tsr, outcomes })
}

/// The row of a stage's model: with its place where several of the phase are in the table, else under the phase's name.
fn row_of<'r>(stages: &[StageRecord], Model { name, seed }: Model<'_>, rows: &'r Rows) -> Option<&'r str> {
    let placed = format!("{}, {name})", seed.unwrap_or_default());
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
