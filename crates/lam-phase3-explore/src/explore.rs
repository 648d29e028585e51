//! The exploration: tasks in, trajectories out, way by way over what is still unsolved, kept in journals while it runs.
//! Knows no model, only a policy and planners.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lam_agent::{Timings, take_timings};
use lam_env::Application;
use lam_store::{read_trajectories, write_atomic, write_trajectories};
use lam_types::{Task, Trajectory};
use serde_json::{Value, json};

use crate::coverage::{Coverage, TryRecord};
use crate::explorers::{ExploreIo, Explorers};
use crate::rounds::{self, Done};
use crate::way::{JOURNALS, Way};
use crate::{ExploreConfig, ExploreError, Keep, curate};

/// Successes that enlarge LAM3's training set.
pub const SUCCESSES_FILE: &str = "success.parquet";
/// Failures kept for phase 4.
pub const FAILURES_FILE: &str = "failure.parquet";
/// Every try of the model, for a reward model that has to tell right from wrong answers at one state.
pub const ATTEMPTS_FILE: &str = "attempts.parquet";
/// Every episode in which a plan was followed.
pub const FOLLOWED_FILE: &str = "followed.parquet";
/// Each episode's way, its plan, whose that was, and how its controls were found.
pub const WAYS_FILE: &str = "ways.jsonl";
/// What each way solved, by family, with examples.
pub const COVERAGE_FILE: &str = "coverage.json";

/// Explores the tasks of the expert's failures, way by way, and writes what is kept. Returns the stage's metrics.
///
/// # Errors
/// No failures to explore, nobody for a way, an application without a language of steps where plans are to be followed,
/// unreadable files, or an episode run that stops.
pub fn explore(
    config: &ExploreConfig,
    app: &dyn Application,
    explorers: &mut Explorers<'_>,
    io: &ExploreIo<'_>,
) -> Result<Value, ExploreError> {
    let tasks = failed_tasks(io.failures, config)?;
    if config.ways.iter().any(|way| *way != Way::Tries) {
        app.parse_step("").map_err(ExploreError::Environment)?;
    }
    let mut rounds = rounds::run(config, app, &tasks, explorers, io)?;
    let timings: Vec<Timings> = rounds.iter_mut().map(|done| take_timings(&mut done.episodes)).collect();
    let coverage = Coverage::of(&tasks, &rounds, app)?;
    write_atomic(&io.output.join(COVERAGE_FILE), format!("{:#}\n", json!(coverage)).as_bytes())?;
    write_atomic(&io.output.join(WAYS_FILE), records(&rounds, app)?.as_bytes())?;
    let fit: BTreeSet<String> = rounds.iter().flat_map(Done::fit_to_be_kept).collect();
    let (attempts, mut followed) = of_model_and_of_plans(rounds);
    write_trajectories(&io.output.join(ATTEMPTS_FILE), &attempts)?;
    write_trajectories(&io.output.join(FOLLOWED_FILE), &followed)?;
    let episodes = attempts.len() + followed.len();
    let succeeded = attempts.iter().chain(&followed).filter(|episode| episode.succeeded()).count();
    followed.retain(|episode| fit.contains(&episode.trajectory_id));
    let keep = Keep {
        successes: config.successes_per_task,
        failures: config.failures_per_task,
        failures_of_solved: config.failures_of_solved_tasks,
    };
    let curated = curate(attempts, followed, keep);
    write_trajectories(&io.output.join(SUCCESSES_FILE), &curated.successes)?;
    write_trajectories(&io.output.join(FAILURES_FILE), &curated.failures)?;
    for journal in JOURNALS {
        lam_store::remove_file(&io.output.join(journal))?;
    }
    coverage.lines().iter().for_each(|line| io.progress.note(line));
    Ok(json!({
        "tasks": coverage.tasks,
        "tasks_solved": coverage.solved,
        "ways": coverage.ways,
        "episodes": episodes,
        "episodes_succeeded": succeeded,
        "environment_errors": curated.environment_errors,
        "successes": curated.successes.len(),
        "failures": curated.failures.len(),
        "steps": timings.iter().map(|one| one.steps).sum::<usize>(),
        "policy_seconds": timings.iter().map(|one| one.policy_seconds).sum::<f64>(),
        "environment_seconds": timings.iter().map(|one| one.environment_seconds).sum::<f64>(),
    }))
}

/// A line for each episode, round by round.
fn records(rounds: &[Done], app: &dyn Application) -> Result<String, ExploreError> {
    let mut lines = String::new();
    for done in rounds {
        for episode in &done.episodes {
            let record = TryRecord::of(done, episode, app)?;
            lines.push_str(&serde_json::to_string(&record).expect("records have text keys"));
            lines.push('\n');
        }
    }
    Ok(lines)
}

/// The model's own tries, and the episodes in which plans were followed.
fn of_model_and_of_plans(rounds: Vec<Done>) -> (Vec<Trajectory>, Vec<Trajectory>) {
    let (mut attempts, mut followed) = (Vec::new(), Vec::new());
    for done in rounds {
        match done.round.way {
            Way::Tries => attempts.extend(done.episodes),
            Way::Plans | Way::Documentation => followed.extend(done.episodes),
        }
    }
    (attempts, followed)
}

/// The tasks of the failed trajectories, each once, in file order: those that the configuration asks for.
fn failed_tasks(files: &[PathBuf], config: &ExploreConfig) -> Result<Vec<Task>, ExploreError> {
    let mut tasks: Vec<Task> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for file in files {
        for trajectory in read_trajectories(file)? {
            if !trajectory.succeeded() && seen.insert(trajectory.task.task_id.clone()) {
                tasks.push(trajectory.task);
            }
        }
    }
    let found = tasks.len();
    tasks.drain(..config.skip_tasks.min(found));
    if tasks.is_empty() {
        let path = files.first().cloned().unwrap_or_default();
        return Err(ExploreError::NoFailures { path, found, skipped: config.skip_tasks });
    }
    if config.max_tasks > 0 {
        tasks.truncate(config.max_tasks);
    }
    Ok(tasks)
}
