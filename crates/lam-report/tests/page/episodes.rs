//! Sixty episodes of five models, some with texts that try to break out of the page.

use std::path::Path;

use lam_types::{
    Action, Args, Complete, Control, ControlType, Observation, Phrasing, PolicyId, Split, State, Status, Step,
    StepStatus, Task, Trajectory, Verdict,
};

use crate::fixture::hash;

/// Writes them.
pub fn write(path: &Path) {
    let models = ["expert", "LAM2", "LAM3", "LAM4", "base"];
    let rows: Vec<Trajectory> = (0..60).map(|n| trajectory(n, models[n as usize % 5])).collect();
    lam_store::write_trajectories(path, &rows).unwrap();
}

/// One of them; its task is the same for every model.
pub fn trajectory(number: u64, model: &str) -> Trajectory {
    let succeeds = model != "base" && !number.is_multiple_of(3);
    let phrasing = if number.is_multiple_of(4) { Phrasing::Unseen } else { Phrasing::Seen };
    let request = match number % 3 {
        0 => "Make the words 'quarterly budget review' bold & underlined, please </script><script>alert(1)</script>",
        1 => "Insert a table with 3 rows and 4 columns below the second paragraph",
        _ => "Change the page orientation to landscape",
    };
    let task = Task {
        task_id: format!("task-{number:03}"),
        family: "format_text".into(),
        request: request.into(),
        environment: "sim".into(),
        application: "word".into(),
        seed: number,
        phrasing,
        split: Split::Test,
    };
    let steps = (0..3).map(|index| step(index, request, succeeds || index < 2)).collect();
    let (complete, reason) = if succeeds {
        (Complete::Yes, "the run is bold and underlined")
    } else {
        (Complete::No, "paragraph 2 is not bold")
    };
    Trajectory {
        trajectory_id: hash(&format!("{model}{number}")),
        task,
        environment_version: "1".into(),
        attempt: 0,
        policy: PolicyId { name: model.into(), hash: hash(model) },
        steps,
        environment_error: None,
        verdict: Verdict { complete, reason: reason.into(), judge: "state".into(), sub_scores: vec![] },
    }
}

fn step(index: u32, request: &str, fine: bool) -> Step {
    let names = [
        "File",
        "Home",
        "Insert",
        "Design",
        "Layout",
        "References",
        "Review",
        "View",
        "Font",
        "Font Size",
        "Bold",
        "Italic",
        "Underline",
        "Strikethrough",
        "Text Highlight Color",
        "Font Color",
        "Bullets",
        "Numbering",
        "Align Left",
        "Center",
        "Align Right",
        "Justify",
        "Line and Paragraph Spacing",
        "Styles",
        "Find",
        "Replace",
        "Select",
        "Dictate",
        "Document",
    ];
    let kind = |i: usize| match i {
        0..=7 => ControlType::TabItem,
        8 | 9 => ControlType::ComboBox,
        28 => ControlType::Document,
        _ => ControlType::Button,
    };
    let controls = names
        .iter()
        .enumerate()
        .map(|(i, name)| Control {
            label: (i + 1).to_string(),
            control_text: (*name).into(),
            control_type: kind(i),
            enabled: i != 27,
            selected: (i == 1).then_some(true),
            value: (i == 8).then(|| "Calibri".into()),
            rectangle: None,
        })
        .collect();
    let observation = Observation {
        controls,
        document: "Project plan\nThe quarterly budget review takes place on Monday.\nAll figures are preliminary."
            .into(),
        selection: if index > 0 { "quarterly budget review".into() } else { String::new() },
    };
    let mut args = Args::new();
    let (label, name, function) = if index == 0 {
        args.insert("text".into(), "quarterly budget review".into());
        ("", "", "select_text")
    } else {
        args.insert("button".into(), "left".into());
        args.insert("double".into(), false.into());
        if index == 1 { ("11", "Bold", "click_input") } else { ("13", "Underline", "click_input") }
    };
    let action = Action {
        thought: "The text has to be selected before its format can change.".into(),
        control_label: label.into(),
        control_name: name.into(),
        function: function.into(),
        args,
        status: if index == 2 { Status::Finish } else { Status::Continue },
        plan: vec!["click Bold".into(), "click Underline".into()][..(2 - index as usize)].to_vec(),
    };
    let state = State { request: request.into(), observation, previous_actions: vec![], previous_plan: vec![] };
    Step {
        acceptable_labels: if label.is_empty() { vec![] } else { vec![label.into(), "29".into()] },
        status: if fine { StepStatus::Ok } else { StepStatus::AppError },
        message: if fine { String::new() } else { "the button is disabled".into() },
        policy_seconds: 0.0183,
        environment_seconds: 0.0001,
        ..Step::new(index, state, action)
    }
}
