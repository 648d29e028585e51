//! Single steps with the expert's history (paper §5.3, Table 3): would the policy have done what the expert did?
//!
//! Strict: the step success rate demands object, operation and status on every step. Arguments are reported beside
//! it, since the paper does not score them. Knows the policy by its trait only.

mod score;

use std::collections::BTreeMap;

use lam_agent::{Policy, PolicyError, Request};
use lam_signal::Monitor;
use lam_types::{Action, Estimate, FunctionSpec, Phrasing, Trajectory};
use serde::{Deserialize, Serialize};

pub use score::{StepScore, score_step};

use crate::{BATCH, Bootstrap, EvalError, Ratio, Row};

/// A row of Table 3, rates in percent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The control is one of those that reach the same state.
    pub object_acc: Estimate,
    /// The function is the expert's.
    pub operation_acc: Estimate,
    /// CONTINUE or FINISH is right.
    pub status_acc: Estimate,
    /// Every argument is the expert's.
    pub argument_acc: Estimate,
    /// As `argument_acc`, over the steps that carry a text.
    pub text_argument_acc: Estimate,
    /// Object, operation and status are right.
    pub ssr: Estimate,
    /// Object, operation, status and arguments are right.
    pub ssr_with_arguments: Estimate,
    /// All steps of the task are right in the sense of `ssr`.
    pub tsr: Estimate,
    /// Answers that could not be read.
    pub unreadable_rate: Estimate,
    /// Tasks.
    pub tasks: usize,
    /// Steps.
    pub steps: usize,
}

/// One step, what was expected, what was answered, and how it was scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepItem {
    /// The expert's trajectory.
    pub trajectory_id: String,
    /// Its task.
    pub task_id: String,
    /// Its task's family.
    pub family: String,
    /// Its task's wording.
    pub phrasing: Phrasing,
    /// Position in the trajectory.
    pub step_index: u32,
    /// What the expert did.
    pub expected: Action,
    /// The labels that count as right; empty where the step needs no control.
    pub acceptable_labels: Vec<String>,
    /// What the policy answered; none when that could not be read.
    pub predicted: Option<Action>,
    /// Why it could not be read, and the text.
    pub unreadable: Option<String>,
    /// What is right in it.
    pub score: StepScore,
}

/// The row and the steps behind it.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// The row.
    pub row: Row<Decision>,
    /// The steps, in the order of the trajectories.
    pub items: Vec<StepItem>,
}

/// Asks the policy at every state of the expert's trajectories and scores its answers.
///
/// # Errors
/// When there are no steps, or the policy cannot continue.
pub fn evaluate_steps(
    trajectories: &[Trajectory],
    functions: &[FunctionSpec],
    policy: &mut dyn Policy,
    bootstrap: &Bootstrap,
    monitor: &Monitor<'_>,
) -> Result<StepReport, EvalError> {
    let places: Vec<(&Trajectory, usize)> = trajectories
        .iter()
        .flat_map(|trajectory| (0..trajectory.steps.len()).map(move |step| (trajectory, step)))
        .collect();
    if places.is_empty() {
        return Err(EvalError::Nothing(
            "step evaluation: the expert has no successful trajectory on these tasks".into(),
        ));
    }
    let name = policy.id().name;
    monitor.progress.begin(&format!("steps of {name}"), Some(places.len() as u64));
    let mut items: Vec<StepItem> = Vec::with_capacity(places.len());
    for batch in places.chunks(BATCH) {
        if monitor.cancel.is_cancelled() {
            return Err(EvalError::Cancelled);
        }
        items.extend(answer(batch, functions, policy)?);
        let right = items.iter().filter(|item| item.score.is_success()).count() as f64;
        monitor.progress.advance(items.len() as u64, &format!("ssr {:.1} %", 100.0 * right / items.len() as f64));
    }
    monitor.progress.end();
    Ok(StepReport { row: row(&items, bootstrap), items })
}

fn answer(
    batch: &[(&Trajectory, usize)],
    functions: &[FunctionSpec],
    policy: &mut dyn Policy,
) -> Result<Vec<StepItem>, PolicyError> {
    let requests: Vec<Request<'_>> = batch.iter().map(request).collect();
    let decisions = policy.decide(&requests)?;
    if decisions.len() != batch.len() {
        let reason = format!("{} answers to {} requests", decisions.len(), batch.len());
        return Err(PolicyError::failed(policy.id().name, reason));
    }
    let items = batch.iter().zip(decisions).map(|(&(trajectory, step), decision)| {
        let (predicted, unreadable) = match decision.answer {
            Ok(action) => (Some(action), None),
            Err(unreadable) => (None, Some(format!("{}: {}", unreadable.reason, unreadable.text))),
        };
        item(trajectory, step, functions, predicted, unreadable)
    });
    Ok(items.collect())
}

fn request<'a>(&(trajectory, step): &(&'a Trajectory, usize)) -> Request<'a> {
    let step = &trajectory.steps[step];
    let (task_id, attempt, step_index) = (&trajectory.task.task_id, trajectory.attempt, step.step_index);
    Request { state: &step.state, task_id, attempt, step_index, seed: 0 }
}

fn item(
    trajectory: &Trajectory,
    step: usize,
    functions: &[FunctionSpec],
    predicted: Option<Action>,
    unreadable: Option<String>,
) -> StepItem {
    let step = &trajectory.steps[step];
    StepItem {
        trajectory_id: trajectory.trajectory_id.clone(),
        task_id: trajectory.task.task_id.clone(),
        family: trajectory.task.family.clone(),
        phrasing: trajectory.task.phrasing,
        step_index: step.step_index,
        expected: step.action.clone(),
        acceptable_labels: score::acceptable(step),
        score: score_step(step, predicted.as_ref(), functions),
        predicted,
        unreadable,
    }
}

fn row(items: &[StepItem], bootstrap: &Bootstrap) -> Row<Decision> {
    Row::of(items, |item| item.phrasing, |part| decision(part, bootstrap))
}

fn decision(items: &[&StepItem], bootstrap: &Bootstrap) -> Decision {
    let mut by_task: BTreeMap<(&str, &str), Vec<&StepScore>> = BTreeMap::new();
    for item in items {
        by_task.entry((&item.task_id, &item.trajectory_id)).or_default().push(&item.score);
    }
    let steps = |is_so: fn(&StepScore) -> bool| {
        let ratios: Vec<_> = by_task.values().map(|scores| Ratio::of_many(scores, |score| is_so(score))).collect();
        bootstrap.percent(&ratios)
    };
    let texts: Vec<Ratio> = by_task
        .values()
        .map(|scores| {
            let texts: Vec<bool> = scores.iter().filter_map(|score| score.text_argument).collect();
            Ratio::of_many(&texts, |&right| right)
        })
        .collect();
    let whole: Vec<_> =
        by_task.values().map(|scores| Ratio::of_one(scores.iter().all(|score| score.is_success()))).collect();
    Decision {
        object_acc: steps(|score| score.object),
        operation_acc: steps(|score| score.operation),
        status_acc: steps(|score| score.status),
        argument_acc: steps(|score| score.argument),
        text_argument_acc: bootstrap.percent(&texts),
        ssr: steps(StepScore::is_success),
        ssr_with_arguments: steps(|score| score.is_success() && score.argument),
        tsr: bootstrap.percent(&whole),
        unreadable_rate: steps(|score| score.unreadable),
        tasks: by_task.len(),
        steps: items.len(),
    }
}
