//! What the live tests share: episodes of the reference solution, processes of a desktop.

use lam_env::{Application, EnvError, Environment, TaskQuery};
use lam_env_desktop::Desktop;
use lam_types::{Observation, PastAction, Split, State, Status, StepStatus, Task, Verdict};

/// A shipped application.
pub fn application(name: &str) -> Desktop {
    Desktop::load(name).expect("a shipped application")
}

/// The first test task of a family.
pub fn task(app: &Desktop, family: &str) -> Task {
    tasks(app, &[family], 1).remove(0)
}

/// The first test tasks of families, which take turns.
pub fn tasks(app: &Desktop, families: &[&str], count: usize) -> Vec<Task> {
    let families = families.iter().map(|family| (*family).to_owned()).collect();
    let query = TaskQuery { split: Split::Test, phrasing: None, families, count, seed: 5 };
    app.tasks(&query).expect("the families exist")
}

/// One episode of the reference solution: the verdict, and every screen.
pub fn solve(
    app: &Desktop,
    environment: &mut dyn Environment,
    task: &Task,
) -> Result<(Verdict, Vec<Observation>), EnvError> {
    let observation = environment.reset(task)?;
    let mut screens = vec![observation.clone()];
    let request = task.request.clone();
    let mut state = State { request, observation, previous_actions: Vec::new(), previous_plan: Vec::new() };
    let mut over = false;
    while !over && screens.len() < 20 {
        over = step(app, environment, task, &mut state)?;
        screens.push(state.observation.clone());
    }
    Ok((environment.verify()?, screens))
}

/// One step of the reference solution; whether it was the last.
fn step(app: &Desktop, environment: &mut dyn Environment, task: &Task, state: &mut State) -> Result<bool, EnvError> {
    let action = app.reference(task, state)?;
    // A model's answer names a control that can be used: what a task needs must be one.
    let is_usable = state.observation.usable().any(|control| control.label == action.control_label);
    assert!(
        action.control_label.is_empty() || is_usable,
        "{}: {} is shown as not usable",
        task.family,
        action.control_name
    );
    let outcome = environment.act(&action)?;
    assert_eq!(outcome.status, StepStatus::Ok, "{} {}: {}", action.function, action.control_name, outcome.message);
    state.previous_actions.push(PastAction::of(&action, outcome.status));
    state.observation = outcome.observation;
    Ok(action.status == Status::Finish)
}

/// Where two screens differ; "" where they do not.
pub fn difference(first: &Observation, second: &Observation) -> String {
    let lines = |screen: &Observation| -> Vec<String> {
        let controls = screen.controls.iter().map(|control| format!("{control:?}"));
        controls
            .chain([format!("document {:?}", screen.document), format!("selection {:?}", screen.selection)])
            .collect()
    };
    let (first, second) = (lines(first), lines(second));
    let only = |these: &[String], those: &[String], mark: &str| -> Vec<String> {
        these.iter().filter(|line| !those.contains(line)).map(|line| format!("{mark} {line}")).collect()
    };
    [only(&first, &second, "-"), only(&second, &first, "+")].concat().join("\n")
}

/// Processes of the desktops of process `owner`: id and program.
pub fn processes(owner: u32) -> Vec<(i32, String)> {
    let marker = format!("LAM_DESKTOP=lam-desktop-{owner}-");
    let ids = std::fs::read_dir("/proc").expect("/proc").flatten();
    let ids = ids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|id| *id != std::process::id() as i32)
        .filter(|id| {
            let variables = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            String::from_utf8_lossy(&variables).split('\0').any(|variable| variable.starts_with(&marker))
        })
        .map(|id| {
            let name = std::fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
            (id, name.trim().to_owned())
        })
        .collect()
}
