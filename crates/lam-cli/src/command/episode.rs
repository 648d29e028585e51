//! An episode as people read it: the task, step by step what was thought, done and answered, the verdict.

use lam_types::{Step, Trajectory};

use crate::output::Output;

/// Prints an episode; one that is not `judged` has no verdict to be told.
pub fn print(trajectory: &Trajectory, judged: bool, output: &Output) {
    output.line(&format!("task    {}", trajectory.task.request));
    output.line(&format!("policy  {}\n", trajectory.policy.name));
    for step in &trajectory.steps {
        print_step(step, output);
    }
    let verdict = &trajectory.verdict;
    output.line(&match (&trajectory.environment_error, judged) {
        (Some(_), _) => "not judged: the environment ended the episode".to_owned(),
        (None, true) => format!("complete: {} ({})", verdict.complete.as_str(), verdict.reason),
        (None, false) => "not judged: only tasks of the environment have a predicate".to_owned(),
    });
}

/// Prints an episode of a file: with which it is, and how it ended.
pub fn print_recorded(trajectory: &Trajectory, output: &Output) {
    let task = &trajectory.task;
    let words = [task.family.as_str(), task.split.as_str(), task.phrasing.as_str()].join(", ");
    output.line(&format!("id      {}", trajectory.trajectory_id));
    output.line(&format!("of      {} ({words} wording), try {}", task.task_id, trajectory.attempt + 1));
    print(trajectory, true, output);
    if let Some(error) = &trajectory.environment_error {
        output.line(&format!("error: {error}"));
    }
    output.line("");
}

fn print_step(step: &Step, output: &Output) {
    let action = &step.action;
    let args = serde_json::to_string(&action.args).unwrap_or_default();
    let control = if action.control_label.is_empty() {
        String::new()
    } else {
        format!(" on [{}] {}", action.control_label, action.control_name)
    };
    output.line(&format!("{}. {}", step.step_index + 1, action.thought));
    output.line(&format!("   {}{control} {args}  {}", action.function, action.status.as_str()));
    if !action.plan.is_empty() {
        output.line(&format!("   then: {}", action.plan.join("; ")));
    }
    let outcome = if step.message.is_empty() { String::new() } else { format!(": {}", step.message) };
    output.line(&format!(
        "   {}{outcome}  ({} controls, {:.0} ms)",
        step.status.as_str(),
        step.state.observation.controls.len(),
        1000.0 * step.policy_seconds
    ));
}
