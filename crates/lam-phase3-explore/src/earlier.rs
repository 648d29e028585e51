//! What earlier rounds of exploration solved: tasks that are not tried again, successes that are carried over, and how
//! often it has been worth it. Knows no policy.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lam_data::{COVERAGE_FILE, ExplorationRound, read_rounds};
use lam_store::read_trajectories;
use lam_types::{Task, Trajectory};

use crate::explorers::SUCCESSES_FILE;
use crate::rounds::is_example;
use crate::{ExploreError, Keep, curate};

/// The rounds before this one; of the first, nothing.
#[derive(Default)]
pub(crate) struct Earlier {
    /// Successes of tasks that were solved, as many of each as are kept.
    pub(crate) successes: Vec<Trajectory>,
    /// The rounds, as far as they are told: files alone tell none.
    pub(crate) rounds: Vec<ExplorationRound>,
    /// Whether there was any.
    is_given: bool,
}

impl Earlier {
    /// Reads what an earlier round left: directories of stages, or files of trajectories.
    ///
    /// # Errors
    /// A directory without an exploration, an unreadable file, or an episode in another environment or at a task that is
    /// not among `tasks`.
    pub(crate) fn read(explored: &[PathBuf], tasks: &[Task], keep: Keep) -> Result<Self, ExploreError> {
        let known: BTreeMap<&str, &Task> = tasks.iter().map(|task| (task.task_id.as_str(), task)).collect();
        let (mut successes, mut rounds) = (Vec::new(), Vec::new());
        for path in explored {
            let told = if path.is_dir() { rounds_of(path)? } else { Vec::new() };
            // Of several directories the one that tells of most rounds is the last.
            if told.len() > rounds.len() {
                rounds = told;
            }
            let file = if path.is_dir() { path.join(SUCCESSES_FILE) } else { path.clone() };
            for (row, episode) in read_trajectories(&file)?.into_iter().enumerate() {
                check(&episode, &file, row, &known)?;
                let is_own_try = episode.steps.iter().any(|step| step.tokens.is_some());
                if is_example(&episode, is_own_try) {
                    successes.push(episode);
                }
            }
        }
        let mut seen = BTreeSet::new();
        successes.retain(|episode| seen.insert(episode.trajectory_id.clone()));
        let successes = curate(Vec::new(), successes, keep).successes;
        Ok(Self { successes, rounds, is_given: !explored.is_empty() })
    }

    /// The tasks that no round has solved, in their order.
    pub(crate) fn open(&self, tasks: &[Task]) -> Vec<Task> {
        let solved = self.solved();
        tasks.iter().filter(|task| !solved.contains(task.task_id.as_str())).cloned().collect()
    }

    /// Ids of the tasks that are solved.
    pub(crate) fn solved(&self) -> BTreeSet<&str> {
        self.successes.iter().map(|success| success.task.task_id.as_str()).collect()
    }

    /// The last round, if it was not worth its cost: then no other one is begun.
    pub(crate) fn fruitless(&self) -> Option<&ExplorationRound> {
        self.rounds.last().filter(|round| round.is_fruitless)
    }

    /// Number of the round that follows.
    pub(crate) fn next(&self) -> usize {
        match self.rounds.last() {
            Some(last) => last.round + 1,
            None => 1 + usize::from(self.is_given),
        }
    }
}

fn rounds_of(directory: &Path) -> Result<Vec<ExplorationRound>, ExploreError> {
    if !directory.join(SUCCESSES_FILE).is_file() || !directory.join(COVERAGE_FILE).is_file() {
        return Err(ExploreError::NotExplored { path: directory.to_owned() });
    }
    Ok(read_rounds(directory)?)
}

/// Refuses an episode that no earlier round of this exploration can have left.
fn check(episode: &Trajectory, file: &Path, row: usize, known: &BTreeMap<&str, &Task>) -> Result<(), ExploreError> {
    let refused = |column: &'static str, value: &str, reason: String, hint: &'static str| {
        let (path, value) = (file.to_owned(), value.to_owned());
        Err(ExploreError::OtherTask { path, row, column, value, reason, hint })
    };
    let (task, some) = (&episode.task, known.values().next());
    if let Some(own) = some.filter(|own| own.environment != task.environment) {
        let reason = format!("the tasks that are explored here are of `{}`", own.environment);
        let hint = "an earlier round is one in the same environment; name that one, or none";
        return refused("environment", &task.environment, reason, hint);
    }
    match known.contains_key(task.task_id.as_str()) {
        true => Ok(()),
        false => {
            let reason = format!("none of the {} tasks that are explored here", known.len());
            let hint = "give each round the same `failures` and `skip_tasks`, and no smaller `max_tasks` than before";
            refused("task_id", &task.task_id, reason, hint)
        }
    }
}
