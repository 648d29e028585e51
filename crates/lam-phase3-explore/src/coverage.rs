//! What each way solved of the tasks at which the expert failed: counts by round and family, examples, and a record of
//! every episode. Knows no file.

use std::collections::{BTreeMap, BTreeSet};

use lam_agent::{Grounding, groundings};
use lam_data::ExplorationRound;
use lam_env::Application;
use lam_types::{Task, Trajectory};
use serde::{Deserialize, Serialize};

use crate::ExploreError;
use crate::earlier::Earlier;
use crate::rounds::Done;
use crate::way::Way;

/// Examples of each way.
const EXAMPLES: usize = 3;

/// The share of the tasks that was solved, way by way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// Tasks that were explored, in this round and in those before it.
    pub tasks: usize,
    /// Tasks with a success of any way in any round.
    pub solved: usize,
    /// Of these, tasks that were solved before this round.
    pub earlier: usize,
    /// The rounds of exploration up to this one, as far as they are known.
    pub rounds: Vec<ExplorationRound>,
    /// What each way did in this round of exploration, in order.
    pub ways: Vec<RoundCoverage>,
    /// By family.
    pub families: BTreeMap<String, FamilyCoverage>,
    /// How the controls of followed plans were found.
    pub controls: BTreeMap<Grounding, usize>,
    /// Tasks that plans solved, of the families at which the model's own tries were worst.
    pub examples: Vec<Example>,
}

/// One round over the tasks that were unsolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoundCoverage {
    /// The way it belongs to.
    pub way: Way,
    /// The model that tried, or who wrote the plans that were followed.
    pub source: String,
    /// Whether requests were taken part by part.
    pub by_parts: bool,
    /// Tasks that were attempted; of the unsolved ones those for which there was something new to try.
    pub attempted: usize,
    /// Episodes.
    pub episodes: usize,
    /// Tasks that it solved and no round before it.
    pub solved: usize,
}

/// A family's tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilyCoverage {
    /// Tasks that were explored.
    pub tasks: usize,
    /// Of these, tasks that were solved before this round of exploration.
    pub earlier: usize,
    /// Tasks that each way solved in it; a task counts for the first.
    pub solved: BTreeMap<Way, usize>,
}

/// A plan that solved its task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// How it was solved.
    pub way: Way,
    /// Whose plan it was.
    pub source: String,
    /// Whether the request was taken part by part.
    pub by_parts: bool,
    /// The task.
    pub task_id: String,
    /// Its family.
    pub family: String,
    /// What is asked.
    pub request: String,
    /// The plan.
    pub plan: Vec<String>,
}

/// One episode: which way it went, by which plan, how its controls were found, what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TryRecord {
    /// The task.
    pub task_id: String,
    /// Which try at it.
    pub attempt: u32,
    /// The trajectory, in the table of attempts or of followed plans.
    pub trajectory_id: String,
    /// The way.
    pub way: Way,
    /// The model that tried, or whose plan was followed.
    pub source: String,
    /// Whether the plan was put together part by part.
    pub by_parts: bool,
    /// The plan that was followed; none in the model's own tries.
    pub plan: Vec<String>,
    /// How each control was found, in the order of the steps that act on one.
    pub controls: Vec<Grounding>,
    /// Whether it solved the task.
    pub solved: bool,
    /// Why it ended there, where a plan was not carried out to its end.
    pub stopped: Option<String>,
}

impl TryRecord {
    /// The records of all episodes, round by round.
    ///
    /// # Errors
    /// An application without a language of steps.
    pub(crate) fn of_all(rounds: &[Done], app: &dyn Application) -> Result<Vec<Self>, ExploreError> {
        let episodes = rounds.iter().flat_map(|done| done.episodes.iter().map(move |episode| (done, episode)));
        episodes.map(|(done, episode)| Self::of(done, episode, app)).collect()
    }

    fn of(done: &Done, episode: &Trajectory, app: &dyn Application) -> Result<Self, ExploreError> {
        let plan = done.plan_of(episode);
        let last = episode.steps.last().map(|step| &step.action).filter(|action| action.function.is_empty());
        Ok(Self {
            task_id: episode.task.task_id.clone(),
            attempt: episode.attempt,
            trajectory_id: episode.trajectory_id.clone(),
            way: done.round.way,
            source: done.source.clone(),
            by_parts: done.round.by_parts,
            controls: groundings(app, plan, episode).map_err(ExploreError::Environment)?,
            solved: done.is_solved(episode),
            stopped: last.filter(|_| !plan.is_empty()).map(|action| action.thought.clone()),
            plan: plan.to_vec(),
        })
    }
}

impl Coverage {
    /// What the rounds solved of the tasks, with the records of their episodes.
    pub(crate) fn of(tasks: &[Task], rounds: &[Done], records: &[TryRecord]) -> Self {
        let mut coverage = Self { tasks: tasks.len(), ..Self::default() };
        for task in tasks {
            coverage.families.entry(task.family.clone()).or_default().tasks += 1;
        }
        for done in rounds {
            let (solved, attempted) = (done.solved(), done.attempted());
            coverage.solved += solved.len();
            coverage.ways.push(RoundCoverage {
                way: done.round.way,
                source: done.source.clone(),
                by_parts: done.round.by_parts,
                attempted: attempted.len(),
                episodes: done.episodes.len(),
                solved: solved.len(),
            });
            for task in tasks.iter().filter(|task| solved.contains(task.task_id.as_str())) {
                let family = coverage.families.entry(task.family.clone()).or_default();
                *family.solved.entry(done.round.way).or_default() += 1;
            }
        }
        for &control in records.iter().flat_map(|record| &record.controls) {
            *coverage.controls.entry(control).or_default() += 1;
        }
        coverage.examples = rounds.iter().flat_map(|done| coverage.examples_of(done)).collect();
        coverage
    }

    /// Adds what earlier rounds of exploration solved, and tells the rounds.
    pub(crate) fn after(mut self, earlier: &Earlier, rounds: Vec<ExplorationRound>) -> Self {
        let mut seen = BTreeSet::new();
        for task in earlier.successes.iter().map(|success| &success.task) {
            if seen.insert(task.task_id.as_str()) {
                self.families.entry(task.family.clone()).or_default().earlier += 1;
            }
        }
        Self { earlier: seen.len(), solved: self.solved + seen.len(), rounds, ..self }
    }

    /// Tasks that a round's plans solved, one a family, hardest families first.
    fn examples_of(&self, done: &Done) -> Vec<Example> {
        let by_tries = |family: &str| {
            let family = &self.families[family];
            family.solved.get(&Way::Tries).copied().unwrap_or(0) as f64 / family.tasks as f64
        };
        let mut seen = BTreeSet::new();
        let is_followed = |episode: &&Trajectory| done.is_solved(episode) && !done.plan_of(episode).is_empty();
        let mut solved: Vec<&Trajectory> = done.episodes.iter().filter(is_followed).collect();
        solved.retain(|episode| seen.insert(episode.task.family.clone()));
        solved.sort_by(|a, b| by_tries(&a.task.family).total_cmp(&by_tries(&b.task.family)));
        let example = |episode: &Trajectory| Example {
            way: done.round.way,
            source: done.source.clone(),
            by_parts: done.round.by_parts,
            task_id: episode.task.task_id.clone(),
            family: episode.task.family.clone(),
            request: episode.task.request.clone(),
            plan: done.plan_of(episode).to_vec(),
        };
        solved.into_iter().take(EXAMPLES).map(example).collect()
    }

    /// What to tell a person: each round, then all of it.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for round in &self.ways {
            let parts = if round.by_parts { ", by parts" } else { "" };
            let (way, source, solved, attempted) = (round.way.as_str(), &round.source, round.solved, round.attempted);
            lines.push(format!("{way} ({source}{parts}): {solved} of {attempted} tasks solved"));
        }
        let share = 100.0 * self.solved as f64 / self.tasks.max(1) as f64;
        let (solved, tasks) = (self.solved, self.tasks);
        lines.push(format!("{solved} of {tasks} tasks solved that the expert failed at ({share:.1} %)"));
        lines
    }
}
