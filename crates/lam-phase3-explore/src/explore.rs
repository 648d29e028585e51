//! The exploration: tasks in, trajectories out, way by way over what is still unsolved, kept in journals while it runs.
//! Knows no model, only a policy and planners.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lam_agent::{Timings, take_timings};
use lam_data::{COVERAGE_FILE, ExplorationRound};
use lam_env::Application;
use lam_store::{read_trajectories, write_atomic, write_trajectories};
use lam_types::{Split, Task, Trajectory};
use serde_json::{Value, json};

use crate::coverage::{Coverage, TryRecord};
use crate::earlier::Earlier;
use crate::explorers::{ExploreIo, Explorers, SUCCESSES_FILE};
use crate::rounds::{self, Done};
use crate::way::{JOURNALS, Way};
use crate::{ExploreConfig, ExploreError, Keep, curate};

/// Failures kept for phase 4.
pub const FAILURES_FILE: &str = "failure.parquet";
/// Every try of the model, for a reward model that has to tell right from wrong answers at one state.
pub const ATTEMPTS_FILE: &str = "attempts.parquet";
/// Every episode in which a plan was followed.
pub const FOLLOWED_FILE: &str = "followed.parquet";
/// Each episode's way, its plan, whose that was, and how its controls were found.
pub const WAYS_FILE: &str = "ways.jsonl";

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
    let (tasks, held_out) = failed_tasks(io.failures, config)?;
    if held_out > 0 {
        io.progress.note(&format!("left out {held_out} failed tasks of other sets: only the training set is explored"));
    }
    if config.ways.iter().any(|way| *way != Way::Tries) {
        app.parse_step("").map_err(ExploreError::Environment)?;
    }
    if let Some(procedures) = &mut explorers.documentation {
        procedures.keep_about(app.environment(), &tasks, io.progress)?;
    }
    let keep = Keep {
        successes: config.successes_per_task,
        failures: config.failures_per_task,
        failures_of_solved: config.failures_of_solved_tasks,
    };
    let earlier = Earlier::read(io.explored, &tasks, keep)?;
    let open = if earlier.fruitless().is_some() { Vec::new() } else { earlier.open(&tasks) };
    let mut rounds = rounds::run(config, app, &open, explorers, io)?;
    let timings: Vec<Timings> = rounds.iter_mut().map(|done| take_timings(&mut done.episodes)).collect();
    let told = rounds_of_exploration(config, &earlier, &open, &rounds);
    let records = TryRecord::of_all(&rounds, app)?;
    let coverage = Coverage::of(&tasks, &rounds, &records).after(&earlier, told);
    write_atomic(&io.output.join(COVERAGE_FILE), format!("{:#}\n", json!(coverage)).as_bytes())?;
    write_atomic(&io.output.join(WAYS_FILE), lines(&records).as_bytes())?;
    let fit: BTreeSet<String> = rounds.iter().flat_map(Done::fit_to_be_kept).collect();
    let (attempts, mut followed) = of_model_and_of_plans(rounds);
    write_trajectories(&io.output.join(ATTEMPTS_FILE), &attempts)?;
    write_trajectories(&io.output.join(FOLLOWED_FILE), &followed)?;
    let episodes = attempts.len() + followed.len();
    let succeeded = attempts.iter().chain(&followed).filter(|episode| episode.succeeded()).count();
    followed.retain(|episode| fit.contains(&episode.trajectory_id));
    let curated = curate(attempts, followed, keep);
    let successes: Vec<Trajectory> = earlier.successes.iter().cloned().chain(curated.successes).collect();
    write_trajectories(&io.output.join(SUCCESSES_FILE), &successes)?;
    write_trajectories(&io.output.join(FAILURES_FILE), &curated.failures)?;
    for journal in JOURNALS {
        lam_store::remove_file(&io.output.join(journal))?;
    }
    let note = said(&coverage, &earlier);
    coverage.lines().iter().chain(&note).for_each(|line| io.progress.note(line));
    Ok(json!({
        "tasks": coverage.tasks,
        "tasks_of_other_sets": held_out,
        "tasks_solved": coverage.solved,
        "tasks_solved_before": coverage.earlier,
        "ways": coverage.ways,
        "rounds": coverage.rounds,
        "note": note,
        "episodes": episodes,
        "episodes_succeeded": succeeded,
        "environment_errors": curated.environment_errors,
        "successes": successes.len(),
        "failures": curated.failures.len(),
        "steps": timings.iter().map(|one| one.steps).sum::<usize>(),
        "policy_seconds": timings.iter().map(|one| one.policy_seconds).sum::<f64>(),
        "environment_seconds": timings.iter().map(|one| one.environment_seconds).sum::<f64>(),
    }))
}

/// The rounds of exploration up to this one; those before it alone where nothing was explored since they brought too
/// little.
fn rounds_of_exploration(
    config: &ExploreConfig,
    earlier: &Earlier,
    open: &[Task],
    ways: &[Done],
) -> Vec<ExplorationRound> {
    let mut rounds = earlier.rounds.clone();
    if earlier.fruitless().is_none() {
        let own = ways.iter().find(|done| done.round.way == Way::Tries);
        let steps = own.into_iter().flat_map(|done| &done.episodes).flat_map(|episode| &episode.steps);
        let tokens = steps.filter_map(|step| step.tokens.as_ref());
        let round = ExplorationRound {
            round: earlier.next(),
            model: own.map(|done| done.source.clone()).unwrap_or_default(),
            open: open.len(),
            solved: ways.iter().map(|done| done.solved().len()).sum(),
            episodes: ways.iter().map(|done| done.episodes.len()).sum(),
            model_tokens: tokens.map(|one| (one.prompt_ids.len() + one.action_ids.len()) as u64).sum(),
            min_new_share: config.min_new_share,
            is_fruitless: false,
        };
        rounds.push(round.judged());
    }
    rounds
}

/// What to say of the rounds: nothing of a first one that goes on.
fn said(coverage: &Coverage, earlier: &Earlier) -> Option<String> {
    if let Some(last) = earlier.fruitless() {
        return Some(format!("nothing was explored: {}", last.sentence()));
    }
    coverage.rounds.last().filter(|last| last.round > 1 || last.is_fruitless).map(ExplorationRound::sentence)
}

/// A line for each record.
fn lines(records: &[TryRecord]) -> String {
    records.iter().map(|record| serde_json::to_string(record).expect("records have text keys") + "\n").collect()
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

/// The tasks of the failed trajectories, each once, in file order: those of the training set that the configuration
/// asks for. A success in which a step went wrong is one of them: phase 2 does not imitate it, and nobody else would
/// show how its task is done. Also how many belong to other sets: what is explored is trained on.
fn failed_tasks(files: &[PathBuf], config: &ExploreConfig) -> Result<(Vec<Task>, usize), ExploreError> {
    let mut failed: Vec<Task> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for file in files {
        for trajectory in read_trajectories(file)? {
            if !trajectory.is_exemplary() && seen.insert(trajectory.task.task_id.clone()) {
                failed.push(trajectory.task);
            }
        }
    }
    let (mut tasks, others): (Vec<Task>, Vec<Task>) = failed.into_iter().partition(|task| task.split == Split::Train);
    let (found, held_out) = (tasks.len(), others.len());
    tasks.drain(..config.skip_tasks.min(found));
    if tasks.is_empty() {
        let path = files.first().cloned().unwrap_or_default();
        return Err(ExploreError::NoFailures { path, found, skipped: config.skip_tasks, held_out });
    }
    if config.max_tasks > 0 {
        tasks.truncate(config.max_tasks);
    }
    Ok((tasks, held_out))
}
