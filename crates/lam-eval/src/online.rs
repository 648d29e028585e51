//! Whole episodes in the live environment (paper §7, Table 4). Knows no particular environment.

use std::collections::BTreeMap;
use std::path::Path;

use lam_agent::{Job, Limits, Policy, Session, run_episodes};
use lam_env::Application;
use lam_signal::Monitor;
use lam_types::{Estimate, StepStatus, Task, Trajectory};
use serde::{Deserialize, Serialize};

use crate::{Bootstrap, EvalError, Ratio, Row};

/// A row of Table 4. Episodes that their environment ended count in `environment_errors` only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Online {
    /// Task success rate, in percent: the state satisfies the task and the policy said FINISH.
    pub tsr: Estimate,
    /// The same rate of answers sampled at temperature 1, over several tries a task; `None` where it was not measured.
    /// The interval is over tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampled_tsr: Option<Estimate>,
    /// Seconds from the request to the last action, over all episodes, successful or not.
    pub completion_time_s: Estimate,
    /// Steps, over all episodes, successful or not.
    pub completion_steps: Estimate,
    /// Seconds from a state to the answer to it; with episodes answered together, those of the whole batch.
    pub step_latency_s: Estimate,
    /// Steps whose answer could not be read or carried out, in percent of steps.
    pub invalid_action_rate: Estimate,
    /// Tasks attempted.
    pub tasks: usize,
    /// Episodes that their environment ended.
    pub environment_errors: usize,
}

/// The row and the episodes behind it.
#[derive(Clone, Debug)]
pub struct OnlineReport {
    /// The row.
    pub row: Row<Online>,
    /// The episodes, with the times they took, in the order of the tasks.
    pub trajectories: Vec<Trajectory>,
}

/// Runs one episode for each task and scores them.
///
/// `journal` keeps finished episodes, so that an evaluation that was killed resumes; the caller removes it once nothing
/// that belongs to the report is left to do.
///
/// # Errors
/// As `lam_agent::run_episodes`, and when there are no tasks.
pub fn evaluate_online(
    app: &dyn Application,
    tasks: &[Task],
    policy: &mut dyn Policy,
    setting: (&Limits, &Bootstrap, Option<&Path>),
    monitor: &Monitor<'_>,
) -> Result<OnlineReport, EvalError> {
    let (limits, bootstrap, journal) = setting;
    let trajectories = attempt_tasks(app, (tasks, 1), policy, (limits, journal), monitor)?;
    Ok(OnlineReport { row: score_online(&trajectories, bootstrap), trajectories })
}

/// Runs so many tries of each task; those of a task stand together. `journal` as in [`evaluate_online`].
///
/// # Errors
/// As `lam_agent::run_episodes`, and when there are no tasks.
pub fn attempt_tasks(
    app: &dyn Application,
    (tasks, tries): (&[Task], u32),
    policy: &mut dyn Policy,
    (limits, journal): (&Limits, Option<&Path>),
    monitor: &Monitor<'_>,
) -> Result<Vec<Trajectory>, EvalError> {
    if tasks.is_empty() {
        return Err(EvalError::Nothing("online evaluation: no tasks".into()));
    }
    let session = Session { limits, journal, progress: monitor.progress, cancel: monitor.cancel };
    Ok(run_episodes(app, &Job::for_tasks(tasks, tries), policy, &session)?)
}

impl Row<Online> {
    /// Adds the success rate of sampled tries at the same tasks.
    pub fn set_sampled(&mut self, sampled: &[Trajectory], bootstrap: &Bootstrap) {
        let rates = Row::of(sampled, |try_| try_.task.phrasing, |part| sampled_rate(part, bootstrap));
        self.all.sampled_tsr = Some(rates.all);
        for (part, rate) in [(&mut self.seen, rates.seen), (&mut self.unseen, rates.unseen)] {
            if let Some(part) = part {
                part.sampled_tsr = rate;
            }
        }
    }
}

/// The share of tries that succeeded, those of one task together: they are not independent of each other.
fn sampled_rate(tries: &[&Trajectory], bootstrap: &Bootstrap) -> Estimate {
    let judged = tries.iter().filter(|one| one.environment_error.is_none());
    let mut tasks: BTreeMap<&str, Ratio> = BTreeMap::new();
    for one in judged {
        let task = tasks.entry(&one.task.task_id).or_default();
        *task = Ratio { part: task.part + f64::from(u8::from(one.succeeded())), of: task.of + 1.0 };
    }
    bootstrap.percent(&tasks.into_values().collect::<Vec<_>>())
}

/// The row of finished episodes.
pub fn score_online(trajectories: &[Trajectory], bootstrap: &Bootstrap) -> Row<Online> {
    Row::of(trajectories, |trajectory| trajectory.task.phrasing, |part| online(part, bootstrap))
}

fn online(trajectories: &[&Trajectory], bootstrap: &Bootstrap) -> Online {
    let judged: Vec<_> = trajectories.iter().filter(|one| one.environment_error.is_none()).collect();
    let ratios = |of: &dyn Fn(&Trajectory) -> Ratio| judged.iter().map(|trajectory| of(trajectory)).collect::<Vec<_>>();
    Online {
        tsr: bootstrap.percent(&ratios(&|one| Ratio::of_one(one.succeeded()))),
        sampled_tsr: None,
        completion_time_s: bootstrap.mean(&ratios(&|one| Ratio { part: seconds(one), of: 1.0 })),
        completion_steps: bootstrap.mean(&ratios(&|one| Ratio { part: one.steps.len() as f64, of: 1.0 })),
        step_latency_s: bootstrap.mean(&ratios(&|one| Ratio { part: policy_seconds(one), of: one.steps.len() as f64 })),
        invalid_action_rate: bootstrap
            .percent(&ratios(&|one| Ratio::of_many(&one.steps, |step| step.status == StepStatus::InvalidAction))),
        tasks: trajectories.len(),
        environment_errors: trajectories.len() - judged.len(),
    }
}

fn policy_seconds(trajectory: &Trajectory) -> f64 {
    trajectory.steps.iter().map(|step| step.policy_seconds).sum()
}

fn seconds(trajectory: &Trajectory) -> f64 {
    policy_seconds(trajectory) + trajectory.steps.iter().map(|step| step.environment_seconds).sum::<f64>()
}
