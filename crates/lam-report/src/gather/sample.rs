//! Which trajectories a page shows: every kind of them, as many as there is room for; the others of the evaluations are
//! listed. Depends on nothing but the content.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;

use lam_types::{Split, Step, StepStatus, Trajectory};

use crate::run::Episode;
use crate::tables::models_in_order;

/// Bytes of the steps that are read for a page, as they are estimated; what the page then holds is measured there.
const READ: usize = 8 << 20;
/// Trajectories shown of each model and outcome that no evaluation has a row for.
const OF_A_KIND: usize = 4;
/// Episodes that a page lists.
const LISTED: usize = 6000;

/// What a page shows.
#[derive(Default)]
pub struct Sample {
    /// Episodes, those with steps among them.
    pub episodes: Vec<Episode>,
    /// Trajectories in all files.
    pub total: usize,
}

/// One episode without its steps, and where they are.
struct Line {
    episode: Episode,
    file: usize,
    is_evaluated: bool,
    /// Bytes that its steps would take, roughly.
    size: usize,
}

/// Takes all trajectories, one after another.
#[derive(Default)]
pub struct Sampler {
    files: Vec<(String, PathBuf)>,
    lines: Vec<Line>,
    /// Places in `lines` by who acted and whether it went well, smallest order first; only what no evaluation has.
    kinds: BTreeMap<(String, bool), Vec<Line>>,
    total: usize,
}

impl Sampler {
    /// A file that comes next, by its name below the run; returns its number.
    pub fn file(&mut self, name: String, path: PathBuf) -> usize {
        self.files.push((name, path));
        self.files.len() - 1
    }

    /// Takes a trajectory of a file; `row` is the name of its model's row in the online table, if it has one.
    pub fn add(&mut self, file: usize, mut trajectory: Trajectory, row: Option<&str>) {
        self.total += 1;
        if row.is_some() && self.lines.len() >= LISTED {
            return;
        }
        let steps = std::mem::take(&mut trajectory.steps);
        let model = row.unwrap_or(&trajectory.policy.name).to_owned();
        let (length, fault) = (steps.len(), first_fault(&steps));
        let episode = Episode { model, file: self.files[file].0.clone(), trajectory, length, fault };
        let line = Line { episode, file, is_evaluated: row.is_some(), size: size(&steps) };
        if row.is_some() {
            self.lines.push(line);
        } else {
            let kind = (line.episode.model.clone(), line.episode.trajectory.succeeded());
            keep(self.kinds.entry(kind).or_default(), line);
        }
    }

    /// Reads the steps of as many as there is room for.
    pub fn finish(self) -> Sample {
        let mut lines = self.lines;
        lines.extend(self.kinds.into_values().flatten());
        let order = order(&lines);
        let chosen = within_room(&lines, &order);
        for (file, (_, path)) in self.files.iter().enumerate() {
            fill(&mut lines, file, path, &chosen);
        }
        let mut places: Vec<Option<Line>> = lines.into_iter().map(Some).collect();
        let episodes = order.into_iter().filter_map(|place| places[place].take()).map(|line| line.episode).collect();
        Sample { episodes, total: self.total }
    }
}

/// The first step that did not go well, from 0.
fn first_fault(steps: &[Step]) -> Option<usize> {
    steps.iter().position(|step| step.status != StepStatus::Ok)
}

/// The first screen whole, of the later ones what changes.
fn size(steps: &[Step]) -> usize {
    let first = steps.first().map_or(0, |step| 60 * step.state.observation.controls.len());
    let later = |step: &Step| {
        let screen = &step.state.observation;
        500 + 10 * screen.controls.len() + screen.document.len() + step.message.len()
    };
    first + steps.iter().map(later).sum::<usize>()
}

/// Keeps the few with the smallest ids, test tasks first.
fn keep(kind: &mut Vec<Line>, line: Line) {
    let rank = |line: &Line| rank(&line.episode.trajectory);
    let place = kind.partition_point(|other| rank(other) < rank(&line));
    if kind.iter().all(|other| other.episode.trajectory.trajectory_id != line.episode.trajectory.trajectory_id) {
        kind.insert(place, line);
        kind.truncate(OF_A_KIND);
    }
}

fn rank(trajectory: &Trajectory) -> (bool, String) {
    (trajectory.task.split != Split::Test, trajectory.trajectory_id.clone())
}

/// Places in the order in which room is given: one of each model, family and outcome, then a second of each, and so on;
/// evaluations before all else, failures before successes, the last model first.
fn order(lines: &[Line]) -> Vec<usize> {
    let models: BTreeSet<&str> = lines.iter().map(|line| line.episode.model.as_str()).collect();
    let models = models_in_order(models.into_iter());
    let model = |line: &Line| {
        let place = models.iter().position(|model| *model == line.episode.model).unwrap_or(models.len());
        let is_ours = line.episode.model.starts_with("LAM");
        (!is_ours, if is_ours { models.len() - place } else { place })
    };
    let mut places: Vec<usize> = (0..lines.len()).collect();
    places.sort_by_cached_key(|place| rank(&lines[*place].episode.trajectory));
    let mut rounds: BTreeMap<(bool, &str, &str, bool), usize> = BTreeMap::new();
    let round_of: BTreeMap<usize, usize> = places
        .iter()
        .map(|place| {
            let (line, one) = (&lines[*place], &lines[*place].episode.trajectory);
            let kind = (line.is_evaluated, line.episode.model.as_str(), one.task.family.as_str(), one.succeeded());
            let round = rounds.entry(kind).or_default();
            *round += 1;
            (*place, *round)
        })
        .collect();
    places.sort_by_key(|place| {
        let line = &lines[*place];
        let one = &line.episode.trajectory;
        (!line.is_evaluated, round_of[place], one.succeeded(), model(line), one.task.family.clone())
    });
    places
}

/// Those for which there is room.
fn within_room(lines: &[Line], order: &[usize]) -> BTreeSet<usize> {
    let mut left = READ;
    let fits = |place: &&usize| match left.checked_sub(lines[**place].size) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    order.iter().filter(fits).copied().collect()
}

/// Reads the steps of the chosen episodes of a file.
fn fill(lines: &mut [Line], file: usize, path: &std::path::Path, chosen: &BTreeSet<usize>) {
    let of_file = chosen.iter().filter(|place| lines[**place].file == file);
    let mut wanted: BTreeMap<String, usize> =
        of_file.map(|place| (lines[*place].episode.trajectory.trajectory_id.clone(), *place)).collect();
    if wanted.is_empty() {
        return;
    }
    // It was read a moment ago; what is gone now is listed without its steps.
    let _ = lam_store::visit_trajectories(path, |trajectory| {
        if let Some(place) = wanted.remove(&trajectory.trajectory_id) {
            lines[place].episode.trajectory.steps = trajectory.steps;
        }
        if wanted.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
}
