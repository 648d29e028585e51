//! Reads a run's data files: counts their rows, and hands each trajectory on.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use lam_types::Trajectory;

use super::evaluations::RowNames;
use super::sample::{Sample, Sampler};
use super::{file_name, files_below};
use crate::families::Families;
use crate::run::{DataFile, StageRecord};
use crate::tables::ONLINE;

/// What the data files of a run hold.
pub struct Rows {
    /// Each file.
    pub files: Vec<DataFile>,
    /// What the page shows of the trajectories.
    pub sample: Sample,
}

/// Reads every Parquet file of the stages; one that cannot be read is named among the files. Episodes of the evaluations
/// whose rows are named by `names` are counted in `families`.
pub fn read(run: &Path, stages: &[(StageRecord, PathBuf)], names: &RowNames, families: &mut Families) -> Rows {
    let (mut files, mut sampler) = (Vec::new(), Sampler::default());
    for (stage, path) in stages {
        for file in files_below(path, 2, "parquet") {
            let mut counted = Counts::default();
            let place = sampler.file(file.strip_prefix(run).unwrap_or(&file).display().to_string(), file.clone());
            let read = lam_store::visit_trajectories(&file, |episode| {
                counted.add(&episode);
                let row = names.of(ONLINE, &stage.name, &episode.policy.name);
                count(&episode, row, families);
                sampler.add(place, episode, row);
                ControlFlow::Continue(())
            });
            let counts = if read.is_ok() { counted.named() } else { other_counts(&file) };
            files.push(DataFile { stage: stage.name.clone(), name: file_name(&file), counts });
        }
    }
    Rows { files, sample: sampler.finish() }
}

/// Counts the families of the evaluations of another repetition.
pub fn count_families(stages: &[(StageRecord, PathBuf)], names: &RowNames, families: &mut Families) {
    for (stage, path) in stages.iter().filter(|(stage, _)| names.has(ONLINE, &stage.name)) {
        for file in files_below(path, 2, "parquet") {
            // One that cannot be read is left out here as it is in the first repetition.
            let _ = lam_store::visit_trajectories(&file, |episode| {
                count(&episode, names.of(ONLINE, &stage.name, &episode.policy.name), families);
                ControlFlow::Continue(())
            });
        }
    }
}

/// An episode that its environment ended says nothing of the model.
fn count(episode: &Trajectory, row: Option<&str>, families: &mut Families) {
    if let Some(row) = row.filter(|_| episode.environment_error.is_none()) {
        families.add(&episode.task.family, row, episode.succeeded());
    }
}

#[derive(Default)]
struct Counts {
    trajectories: usize,
    successes: usize,
    steps: usize,
    unseen: usize,
}

impl Counts {
    fn add(&mut self, episode: &Trajectory) {
        self.trajectories += 1;
        self.successes += usize::from(episode.succeeded());
        self.steps += episode.steps.len();
        self.unseen += usize::from(episode.task.phrasing == lam_types::Phrasing::Unseen);
    }

    fn named(&self) -> Vec<(String, u64)> {
        let Self { trajectories, successes, steps, unseen } = *self;
        named([
            ("trajectories", trajectories),
            ("successes", successes),
            ("steps", steps),
            ("in unseen wording", unseen),
        ])
    }
}

/// Counts of a file of task plans or tasks; none for anything else.
fn other_counts(file: &Path) -> Vec<(String, u64)> {
    if let Ok(plans) = lam_store::read_task_plans(file) {
        let evolved = plans.iter().filter(|plan| plan.parent_id.is_some()).count();
        return named([("task-plan pairs", plans.len()), ("of them evolved", evolved)]);
    }
    lam_store::read_tasks(file).map_or_else(|_| Vec::new(), |tasks| named([("tasks", tasks.len())]))
}

fn named<const N: usize>(counts: [(&str, usize); N]) -> Vec<(String, u64)> {
    let known = counts.into_iter().enumerate().filter(|(index, (_, count))| *index == 0 || *count > 0);
    known.map(|(_, (what, count))| (what.to_owned(), count as u64)).collect()
}
