//! Tries made by hand, for tests.

use lam_types::{
    Action, Args, Complete, Observation, Phrasing, PolicyId, Split, State, Status, Step, Task, Trajectory, Verdict,
};

/// A try of `task` that clicks on these controls. The state before a click tells which clicks came before it.
pub fn attempt(task: &str, attempt: u32, clicks: &[&str], complete: Complete) -> Trajectory {
    let steps = clicks.iter().enumerate().map(|(index, name)| step(index, name, &clicks[..index]));
    Trajectory {
        trajectory_id: format!("{task}-{attempt}"),
        task: Task {
            task_id: task.into(),
            family: "bold".into(),
            request: "make it bold".into(),
            environment: "sim".into(),
            application: "word".into(),
            seed: 1,
            phrasing: Phrasing::Seen,
            split: Split::Train,
        },
        environment_version: "1".into(),
        attempt,
        policy: PolicyId { name: "LAM3".into(), hash: String::new() },
        steps: steps.collect(),
        verdict: Verdict { complete, reason: String::new(), judge: "state".into(), sub_scores: Vec::new() },
        environment_error: None,
    }
}

fn step(index: usize, click: &str, before: &[&str]) -> Step {
    let state = State {
        request: "make it bold".into(),
        observation: Observation { document: before.join(" "), ..Observation::default() },
        previous_actions: Vec::new(),
        previous_plan: Vec::new(),
    };
    let action = Action {
        thought: String::new(),
        control_label: String::new(),
        control_name: click.into(),
        function: "click_input".into(),
        args: Args::new(),
        status: Status::Continue,
        plan: Vec::new(),
    };
    Step::new(index as u32, state, action)
}

/// The names of trajectories.
pub fn ids<'t>(trajectories: &[&'t Trajectory]) -> Vec<&'t str> {
    trajectories.iter().map(|trajectory| trajectory.trajectory_id.as_str()).collect()
}
