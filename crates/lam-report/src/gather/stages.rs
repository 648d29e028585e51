//! The manifests of a run's stages, in the order in which the stages were made; those that were made from results which
//! have changed since are told apart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lam_store::{InputRef, Manifest};

use super::{directories, is_seed};
use crate::error::ReportError;
use crate::run::{StageInput, StageRecord, StaleStage};

/// The stages of a repetition.
pub struct Stages {
    /// Those whose results fit each other, with their directories; parents before children.
    pub current: Vec<(StageRecord, PathBuf)>,
    /// Those made from what has been made anew since.
    pub stale: Vec<StaleStage>,
}

/// Reads every stage's manifest.
pub fn read(root: &Path) -> Result<Stages, ReportError> {
    read_over(root, &[])
}

/// Reads the manifests of stages that ran once, beside the directories of seeds; `stale` are those of the seeds, named with
/// their directories. Inputs are called as their stages are, and told apart by their paths: `seed-1/lam3`.
pub fn read_over(root: &Path, stale_of_seeds: &[StaleStage]) -> Result<Stages, ReportError> {
    let (mut stages, mut manifests) = (Vec::new(), BTreeMap::new());
    for directory in directories(root)? {
        if let Some(manifest) = lam_store::read_manifest(&directory)? {
            stages.push((record(&manifest), directory));
            manifests.insert(manifest.stage.clone(), manifest);
        } else if is_seed(&directory) {
            for below in directories(&directory)? {
                if let Some(manifest) = lam_store::read_manifest(&below)? {
                    let name = below.strip_prefix(root).unwrap_or(&below).display().to_string();
                    manifests.insert(name, manifest);
                }
            }
        }
    }
    stages.sort_by(|(a, _), (b, _)| (a.started_at, &a.name).cmp(&(b.started_at, &b.name)));
    let (mut current, mut stale) = (Vec::new(), Vec::<StaleStage>::new());
    for (stage, directory) in parents_first(stages) {
        match outdated(&stage, &manifests, &[&stale, stale_of_seeds].concat()) {
            Some(input) => stale.push(StaleStage { name: stage.name, input }),
            None => current.push((stage, directory)),
        }
    }
    Ok(Stages { current, stale })
}

/// The first input that is not, or not any more, what the stage was made from.
fn outdated(stage: &StageRecord, manifests: &BTreeMap<String, Manifest>, stale: &[StaleStage]) -> Option<String> {
    let is_other = |input: &&StageInput| {
        let name = place_of(input);
        let Some(parent) = manifests.get(&name) else { return false };
        !parent.holds(&input.path, &input.hash) || stale.iter().any(|stale| stale.name == name)
    };
    stage.inputs.iter().find(is_other).map(place_of)
}

/// The stage that made an input, with the directory of its seed where the path begins with one.
fn place_of(input: &StageInput) -> String {
    seed_of(input).map_or_else(|| input.stage.clone(), |seed| format!("{seed}/{}", input.stage))
}

/// The directory of the seed with which an input's path begins, if it does.
pub fn seed_of(input: &StageInput) -> Option<&str> {
    let first = Path::new(&input.path).iter().next()?;
    first.to_str().filter(|_| is_seed(Path::new(first)))
}

fn record(manifest: &Manifest) -> StageRecord {
    let input = |role: &str, one: &InputRef| StageInput {
        role: role.to_owned(),
        stage: one.stage.clone().unwrap_or_default(),
        path: one.path.clone(),
        hash: one.hash.clone(),
    };
    let inputs = manifest.inputs.iter().flat_map(|(role, refs)| refs.iter().map(move |one| input(role, one)));
    StageRecord {
        inputs: inputs.collect(),
        name: manifest.stage.clone(),
        kind: manifest.kind.clone(),
        seed: manifest.seed,
        output_hash: manifest.output_hash.clone(),
        config: manifest.config.clone(),
        config_hash: manifest.config_hash.clone(),
        producer: manifest.producer.clone(),
        started_at: manifest.started_at,
        duration_s: manifest.duration_s,
        metrics: manifest.metrics.clone(),
        reused_from: manifest.reused_from.clone(),
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
