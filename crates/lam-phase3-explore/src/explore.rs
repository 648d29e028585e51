//! The attempts: tasks in, trajectories out, kept in a journal while they run. Knows no model, only a policy.

use std::path::{Path, PathBuf};

use lam_agent::{Job, Policy, Session, run_episodes, take_timings};
use lam_env::Application;
use lam_signal::{Cancel, Progress};
use lam_store::{read_trajectories, write_trajectories};
use lam_types::Task;
use serde_json::{Value, json};

use crate::{ExploreConfig, ExploreError, Keep, curate};

/// Successes that enlarge LAM3's training set.
pub const SUCCESSES_FILE: &str = "success.parquet";
/// Failures kept for phase 4.
pub const FAILURES_FILE: &str = "failure.parquet";
/// Every try, for a reward model that has to tell right from wrong answers at one state.
pub const ATTEMPTS_FILE: &str = "attempts.parquet";
/// The episodes while the stage is at work.
pub(crate) const JOURNAL_FILE: &str = "episodes.jsonl";

/// What the exploration reads and writes, and who watches it.
#[derive(Clone, Copy)]
pub struct ExploreIo<'a> {
    /// The expert's failed trajectories.
    pub failures: &'a [PathBuf],
    /// Directory of the results.
    pub output: &'a Path,
    /// Progress sink.
    pub progress: &'a dyn Progress,
    /// Stops it between two steps.
    pub cancel: &'a Cancel,
}

/// Lets `policy` attempt the tasks of the expert's failures and writes what is kept. Returns the stage's metrics.
///
/// # Errors
/// No failures to explore, unreadable files, or an episode run that stops.
pub fn explore(
    config: &ExploreConfig,
    app: &dyn Application,
    policy: &mut dyn Policy,
    io: &ExploreIo<'_>,
) -> Result<Value, ExploreError> {
    let tasks = failed_tasks(io.failures, config)?;
    let journal = io.output.join(JOURNAL_FILE);
    let session = Session { limits: &config.limits, journal: Some(&journal), progress: io.progress, cancel: io.cancel };
    let mut attempts = run_episodes(app, &Job::for_tasks(&tasks, config.attempts), policy, &session)?;
    let timings = take_timings(&mut attempts);
    let (episodes, succeeded) = (attempts.len(), attempts.iter().filter(|attempt| attempt.succeeded()).count());
    write_trajectories(&io.output.join(ATTEMPTS_FILE), &attempts)?;
    let keep = Keep {
        successes: config.successes_per_task,
        failures: config.failures_per_task,
        failures_of_solved: config.failures_of_solved_tasks,
    };
    let curated = curate(attempts, keep);
    write_trajectories(&io.output.join(SUCCESSES_FILE), &curated.successes)?;
    write_trajectories(&io.output.join(FAILURES_FILE), &curated.failures)?;
    lam_store::remove_file(&journal)?;
    io.progress.note(&format!(
        "{} of {} tasks solved that the expert failed at ({succeeded} of {episodes} tries)",
        curated.tasks_solved, curated.tasks
    ));
    Ok(json!({
        "tasks": curated.tasks,
        "tasks_solved": curated.tasks_solved,
        "episodes": episodes,
        "episodes_succeeded": succeeded,
        "environment_errors": curated.environment_errors,
        "successes": curated.successes.len(),
        "failures": curated.failures.len(),
        "steps": timings.steps,
        "policy_seconds": timings.policy_seconds,
        "environment_seconds": timings.environment_seconds,
    }))
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
