//! A small tokenizer, a pair and a trajectory.

use lam_prompt::{Renderer, Tokenizer, TokenizerConfig};
use lam_types::{
    Action, Args, Complete, Control, ControlType, Observation, Phrasing, PlanSource, PolicyId, Split, State, Status,
    Step, Task, TaskPlan, Trajectory, Verdict,
};

/// A renderer of the compact template.
pub fn renderer() -> Renderer {
    let corpus = ["make the word bold", "turn on the ruler", "click Bold"];
    let tokenizer = Tokenizer::train(&corpus, &TokenizerConfig { vocab_size: 512, ..TokenizerConfig::default() });
    Renderer::new(tokenizer.expect("the vocabulary is large enough")).expect("the tokenizer has the markers")
}

/// A task-plan pair.
pub fn pair(id: &str, task: &str, split: Split) -> TaskPlan {
    TaskPlan {
        task_id: id.into(),
        application: "word".into(),
        source: PlanSource::Documentation,
        task: task.into(),
        plan: vec!["select alpha".into(), "click Bold".into()],
        parent_id: None,
        document: "manual".into(),
        document_hash: String::new(),
        producer: "rule".into(),
        family: "bold".into(),
        split,
    }
}

/// A trajectory of one step that clicks the control with this label.
pub fn trajectory(id: &str, request: &str, split: Split, phrasing: Phrasing) -> Trajectory {
    let control = |label: &str, name: &str| Control {
        label: label.into(),
        control_text: name.into(),
        control_type: ControlType::Button,
        enabled: true,
        selected: None,
        value: None,
        rectangle: None,
    };
    let observation =
        Observation { controls: vec![control("1", "Bold"), control("2", "Ruler")], ..Observation::default() };
    let action = Action {
        thought: "make it bold".into(),
        control_label: "1".into(),
        control_name: "Bold".into(),
        function: "click_input".into(),
        args: Args::new(),
        status: Status::Finish,
        plan: Vec::new(),
    };
    let state = State { request: request.into(), observation, previous_actions: Vec::new(), previous_plan: Vec::new() };
    let step = Step { acceptable_labels: vec!["1".into()], ..Step::new(0, state, action) };
    let task = Task {
        task_id: id.into(),
        family: "bold".into(),
        request: request.into(),
        environment: "sim".into(),
        application: "word".into(),
        seed: 1,
        phrasing,
        split,
    };
    Trajectory {
        trajectory_id: format!("t-{id}"),
        task,
        environment_version: "1".into(),
        attempt: 0,
        policy: PolicyId { name: "expert".into(), hash: "1".into() },
        steps: vec![step],
        verdict: Verdict {
            complete: Complete::Yes,
            reason: String::new(),
            judge: "state".into(),
            sub_scores: Vec::new(),
        },
        environment_error: None,
    }
}
