//! The reference solution: what an all-knowing user does. It is no teacher: it sees the task, not the state.
//!
//! It tells what is possible, so that tests and evaluations can be held against it.

use lam_types::{Action, Status, Task};

use crate::editor::Editor;
use crate::environment::{Performed, perform};
use crate::family;
use crate::instance::{self, Instance};
use crate::procedure::{Planned, plan_steps};
use crate::screen::screen;
use crate::steps::{Call, step_text};

/// The actions that solve a task from its start, or `None` for a family that does not exist.
pub fn reference(task: &Task) -> Option<Vec<Action>> {
    let Instance { parts, mut start, .. } = instance_of(task)?;
    drive(&mut start, &instance::calls(&parts)).ok()
}

/// The steps of a plan that solves a task from any start: tabs are always named.
pub fn reference_plan(task: &Task) -> Option<Vec<String>> {
    Some(plan_steps(&instance_of(task)?.calls()))
}

/// What a task stands for.
pub fn instance_of(task: &Task) -> Option<Instance> {
    Some(instance::draw(family::find(&task.family)?, task.seed, task.split, task.phrasing))
}

/// A step that had no effect, with the editor's reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck(pub String);

/// Carries calls out, tab by tab as the screen needs it, and returns the actions taken.
pub fn drive(editor: &mut Editor, calls: &[Planned]) -> Result<Vec<Action>, Stuck> {
    let mut actions: Vec<Action> = Vec::new();
    for planned in calls {
        if let Some(tab) = planned.tab.filter(|_| label_of(editor, &planned.call.control_name).is_none()) {
            take(editor, &Call::click(tab.name()), &mut actions)?;
        }
        take(editor, &planned.call, &mut actions)?;
    }
    let steps: Vec<String> = actions.iter().map(|action| action.thought.clone()).collect();
    let last = actions.len().saturating_sub(1);
    for (index, action) in actions.iter_mut().enumerate() {
        action.plan = steps[index + 1..].to_vec();
        action.status = if index == last { Status::Finish } else { Status::Continue };
    }
    Ok(actions)
}

/// Label of the first control with this name.
pub fn label_of(editor: &Editor, name: &str) -> Option<String> {
    screen(editor).iter().position(|shown| shown.name == name).map(|index| (index + 1).to_string())
}

fn take(editor: &mut Editor, call: &Call, actions: &mut Vec<Action>) -> Result<(), Stuck> {
    let label = match call.control_name.as_str() {
        "" => String::new(),
        name => label_of(editor, name).ok_or_else(|| Stuck(format!("no control `{name}`")))?,
    };
    let action = Action {
        thought: step_text(&call.function, &call.control_name, &call.args),
        control_label: label,
        control_name: call.control_name.clone(),
        function: call.function.clone(),
        args: call.args.clone(),
        status: Status::Continue,
        plan: Vec::new(),
    };
    match perform(editor, &action) {
        Performed { status: lam_types::StepStatus::Ok, .. } => {
            actions.push(action);
            Ok(())
        }
        Performed { message, .. } => Err(Stuck(message)),
    }
}
