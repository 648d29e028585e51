//! Counts the rows of a run's data files and draws the sample of trajectories that the viewer shows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lam_types::Trajectory;

use super::{file_name, files_below};
use crate::run::{DataFile, StageRecord};
use crate::tables::models_in_order;

/// Trajectories shown of each model and outcome, and in all.
const OF_A_KIND: usize = 4;
const IN_ALL: usize = 40;

/// What the data files of a run hold.
pub struct Sample {
    pub chosen: Vec<Trajectory>,
    pub total: usize,
    pub files: Vec<DataFile>,
}

/// Reads every Parquet file of the stages; one that cannot be read is named among the files.
pub fn read(stages: &[(StageRecord, PathBuf)]) -> Sample {
    let mut sample = Sample { chosen: Vec::new(), total: 0, files: Vec::new() };
    let mut kinds: BTreeMap<(String, bool), Vec<Trajectory>> = BTreeMap::new();
    for (stage, path) in stages {
        for file in files_below(path, 2, "parquet") {
            let rows = lam_store::read_trajectories(&file);
            let counts = rows.as_ref().map_or_else(|_| other_counts(&file), |rows| counts(rows));
            sample.files.push(DataFile { stage: stage.name.clone(), name: file_name(&file), counts });
            let rows = rows.unwrap_or_default();
            sample.total += rows.len();
            for row in rows {
                keep(kinds.entry((row.policy.name.clone(), row.succeeded())).or_default(), row);
            }
        }
    }
    sample.chosen = chosen(kinds);
    sample
}

/// Counts of a file of task plans or tasks; none for anything else.
fn other_counts(file: &Path) -> Vec<(String, u64)> {
    if let Ok(plans) = lam_store::read_task_plans(file) {
        let evolved = plans.iter().filter(|plan| plan.parent_id.is_some()).count();
        return named([("task-plan pairs", plans.len()), ("of them evolved", evolved)]);
    }
    lam_store::read_tasks(file).map_or_else(|_| Vec::new(), |tasks| named([("tasks", tasks.len())]))
}

fn counts(rows: &[Trajectory]) -> Vec<(String, u64)> {
    let successes = rows.iter().filter(|row| row.succeeded()).count();
    let steps = rows.iter().map(|row| row.steps.len()).sum::<usize>();
    let unseen = rows.iter().filter(|row| row.task.phrasing == lam_types::Phrasing::Unseen).count();
    named([("trajectories", rows.len()), ("successes", successes), ("steps", steps), ("in unseen wording", unseen)])
}

fn named<const N: usize>(counts: [(&str, usize); N]) -> Vec<(String, u64)> {
    let known = counts.into_iter().enumerate().filter(|(index, (_, count))| *index == 0 || *count > 0);
    known.map(|(_, (what, count))| (what.to_owned(), count as u64)).collect()
}

/// Keeps the few with the smallest ids: a draw that depends on nothing but the content. Test tasks come first.
fn keep(kind: &mut Vec<Trajectory>, row: Trajectory) {
    let order = |one: &Trajectory| (one.task.split != lam_types::Split::Test, one.trajectory_id.clone());
    let place = kind.partition_point(|other| order(other) < order(&row));
    if kind.iter().all(|other| other.trajectory_id != row.trajectory_id) {
        kind.insert(place, row);
        kind.truncate(OF_A_KIND);
    }
}

/// Takes one of each kind in turn until there are enough, then sorts by model, best model first.
fn chosen(kinds: BTreeMap<(String, bool), Vec<Trajectory>>) -> Vec<Trajectory> {
    let mut chosen: Vec<Trajectory> = Vec::new();
    for round in 0..OF_A_KIND {
        chosen.extend(kinds.values().filter_map(|kind| kind.get(round)).cloned());
    }
    chosen.truncate(IN_ALL);
    let names: Vec<String> = chosen.iter().map(|one| one.policy.name.clone()).collect();
    let order = models_in_order(names.iter().map(String::as_str));
    let place = |one: &Trajectory| order.iter().position(|name| *name == one.policy.name).unwrap_or(order.len());
    let is_lam = |one: &Trajectory| one.policy.name.starts_with("LAM");
    chosen.sort_by_key(|one| (!is_lam(one), if is_lam(one) { order.len() - place(one) } else { place(one) }));
    chosen
}
