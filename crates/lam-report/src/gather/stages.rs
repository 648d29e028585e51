//! The manifests of a run's stages, in the order in which the stages were made.

use std::path::{Path, PathBuf};

use lam_store::{InputRef, Manifest};

use super::directories;
use crate::error::ReportError;
use crate::run::{StageInput, StageRecord};

/// Each stage with its directory; parents before children.
pub fn read(root: &Path) -> Result<Vec<(StageRecord, PathBuf)>, ReportError> {
    let mut stages = Vec::new();
    for directory in directories(root)? {
        if let Some(manifest) = lam_store::read_manifest(&directory)? {
            stages.push((record(manifest), directory));
        }
    }
    stages.sort_by(|(a, _), (b, _)| (a.started_at, &a.name).cmp(&(b.started_at, &b.name)));
    Ok(parents_first(stages))
}

fn record(manifest: Manifest) -> StageRecord {
    let input = |role: &str, one: InputRef| StageInput {
        role: role.to_owned(),
        stage: one.stage.unwrap_or_default(),
        path: one.path,
        hash: one.hash,
    };
    let inputs =
        manifest.inputs.into_iter().flat_map(|(role, refs)| refs.into_iter().map(move |one| input(&role, one)));
    StageRecord {
        inputs: inputs.collect(),
        name: manifest.stage,
        kind: manifest.kind,
        seed: manifest.seed,
        output_hash: manifest.output_hash,
        config_hash: manifest.config_hash,
        producer: manifest.producer,
        started_at: manifest.started_at,
        duration_s: manifest.duration_s,
        metrics: manifest.metrics,
    }
}

/// Keeps the order except where a stage would stand before one of its inputs.
fn parents_first(mut waiting: Vec<(StageRecord, PathBuf)>) -> Vec<(StageRecord, PathBuf)> {
    let mut placed: Vec<(StageRecord, PathBuf)> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_waiting = |name: &str| waiting.iter().any(|(stage, _)| stage.name == name);
        let ready = waiting.iter().position(|(stage, _)| {
            stage.inputs.iter().all(|input| input.stage == stage.name || !is_waiting(&input.stage))
        });
        placed.push(waiting.remove(ready.unwrap_or(0)));
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_stands_after_its_inputs_whatever_the_clock_says() {
        let stage = |name: &str, from: &str| {
            let inputs = if from.is_empty() {
                vec![]
            } else {
                vec![StageInput { stage: from.to_owned(), ..StageInput::default() }]
            };
            (StageRecord { name: name.to_owned(), inputs, ..StageRecord::default() }, PathBuf::new())
        };
        let sorted = parents_first(vec![stage("lam2", "lam1"), stage("base", ""), stage("lam1", "base")]);
        let names: Vec<&str> = sorted.iter().map(|(stage, _)| stage.name.as_str()).collect();
        assert_eq!(names, ["base", "lam1", "lam2"]);
    }
}
