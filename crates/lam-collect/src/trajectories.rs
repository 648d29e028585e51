//! Task-action trajectories (paper §3.2): a teacher attempts tasks, the environment judges.
//!
//! Successes are phase 2's data, failures are what phase 3 explores. Knows the teacher as a policy only.

use std::collections::BTreeMap;
use std::path::Path;

use lam_agent::{Job, Limits, Policy, PolicyChoice, Session, Timings, draw_tasks, run_episodes, take_timings};
use lam_env::{Application, TaskQuery};
use lam_signal::{Cancel, Monitor, Progress};
use lam_store::{write_atomic, write_tasks, write_trajectories};
use lam_types::{Phrasing, Split, Task, Trajectory};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::CollectError;

/// Journal of the episodes, in the output directory while the stage runs.
pub(crate) const JOURNAL: &str = "episodes.journal.jsonl";

/// Settings of the trajectory stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrajectoriesConfig {
    /// How many tasks the teacher attempts; the paper has 2,192 successes of its teacher.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub tasks: usize,
    /// The set they belong to: `train` for training, `validation` for choices between settings or models, `test` for the
    /// step evaluation that is reported.
    pub split: Split,
    /// Only this wording; without one, the set's own: known wordings in `train`, those kept for it in `validation`, half of
    /// each in `test`.
    pub phrasing: Option<Phrasing>,
    /// Only these families; empty for all.
    pub families: Vec<String>,
    /// Seed of the draw of tasks and of the episodes: the stage's, so that it is not a setting.
    #[serde(skip)]
    pub seed: u64,
    /// Who the teacher is.
    pub teacher: PolicyChoice,
    /// Where episodes end.
    pub limits: Limits,
}

impl Default for TrajectoriesConfig {
    fn default() -> Self {
        Self {
            tasks: 2000,
            split: Split::Train,
            phrasing: None,
            families: Vec::new(),
            seed: 0,
            teacher: PolicyChoice::Scripted,
            limits: Limits::default(),
        }
    }
}

/// Collects the configured teacher's trajectories; see [`run_with`].
///
/// # Errors
/// As [`run_with`], and when the teacher cannot be set up.
pub fn run(
    config: &TrajectoriesConfig,
    app: &dyn Application,
    output: &Path,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Value, CollectError> {
    let mut teacher = config.teacher.open(app, Monitor { progress, cancel })?;
    run_with(config, app, teacher.as_mut(), output, progress, cancel)
}

/// Collects trajectories of `teacher`.
///
/// Writes `expert_success.parquet`, `expert_failure.parquet` (both trajectories), `expert_failure_tasks.parquet` and
/// `stats.json` below `output`, and returns the statistics with the times taken. Times stand nowhere else, so that
/// the files are the same bytes however often the run was interrupted.
///
/// # Errors
/// Tasks that cannot be drawn, a teacher that fails, or a file that cannot be written.
pub fn run_with(
    config: &TrajectoriesConfig,
    app: &dyn Application,
    teacher: &mut dyn Policy,
    output: &Path,
    progress: &dyn Progress,
    cancel: &Cancel,
) -> Result<Value, CollectError> {
    if config.tasks == 0 {
        let (reason, hint) = ("nothing to attempt", "the default is 2000");
        return Err(CollectError::Config { key: "tasks", value: "0".into(), reason, hint });
    }
    let query = TaskQuery {
        split: config.split,
        phrasing: config.phrasing,
        families: config.families.clone(),
        count: config.tasks,
        seed: config.seed,
    };
    let tasks = draw_tasks(app, &query, progress, cancel)?;
    let journal = output.join(JOURNAL);
    let session = Session { limits: &config.limits, journal: Some(&journal), progress, cancel };
    let mut trajectories = run_episodes(app, &Job::for_tasks(&tasks, 1), teacher, &session)?;
    let timings = take_timings(&mut trajectories);
    let mut stats = stats(&trajectories);
    write(output, trajectories, &stats)?;
    lam_store::remove_file(&journal)?;
    add_timings(&mut stats, timings);
    Ok(stats)
}

/// What the teacher could not do, or not without a step that went wrong. An episode that its environment ended says
/// nothing of the teacher.
fn is_failure(trajectory: &Trajectory) -> bool {
    !trajectory.is_exemplary() && trajectory.environment_error.is_none()
}

fn write(output: &Path, trajectories: Vec<Trajectory>, stats: &Value) -> Result<(), CollectError> {
    let (successes, others): (Vec<_>, Vec<_>) = trajectories.into_iter().partition(Trajectory::is_exemplary);
    let failures: Vec<Trajectory> = others.into_iter().filter(is_failure).collect();
    let failed_tasks: Vec<Task> = failures.iter().map(|trajectory| trajectory.task.clone()).collect();
    write_trajectories(&output.join("expert_success.parquet"), &successes)?;
    write_trajectories(&output.join("expert_failure.parquet"), &failures)?;
    write_tasks(&output.join("expert_failure_tasks.parquet"), &failed_tasks)?;
    write_atomic(&output.join("stats.json"), format!("{stats:#}\n").as_bytes())?;
    Ok(())
}

fn stats(trajectories: &[Trajectory]) -> Value {
    let count = |wanted: fn(&Trajectory) -> bool| trajectories.iter().filter(|one| wanted(one)).count();
    let successes = count(Trajectory::is_exemplary);
    let steps = |wanted: fn(&Trajectory) -> bool| -> usize {
        trajectories.iter().filter(|one| wanted(one)).map(|trajectory| trajectory.steps.len()).sum()
    };
    let mut families: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for trajectory in trajectories {
        let [successes, tasks] = families.entry(&trajectory.task.family).or_default();
        *successes += usize::from(trajectory.is_exemplary());
        *tasks += 1;
    }
    let families: BTreeMap<_, _> = families
        .into_iter()
        .map(|(family, [successes, tasks])| (family, json!({"successes": successes, "tasks": tasks})))
        .collect();
    json!({
        "teacher": trajectories.first().map(|trajectory| &trajectory.policy),
        "tasks": trajectories.len(),
        "successes": successes,
        "failures": count(is_failure),
        "environment_errors": count(|one| one.environment_error.is_some()),
        "success_rate": 100.0 * successes as f64 / trajectories.len().max(1) as f64,
        "steps": steps(|_| true),
        "success_steps": steps(Trajectory::is_exemplary),
        "families": families,
    })
}

fn add_timings(stats: &mut Value, timings: Timings) {
    stats["policy_seconds"] = json!(timings.policy_seconds);
    stats["environment_seconds"] = json!(timings.environment_seconds);
}
