//! Calls carried out on an editor, tab by tab as its screen needs it. Knows no task.

use lam_tasks::{act, step_text};
use lam_types::{Action, Call, Status, StepStatus};

use crate::editor::Editor;
use crate::perform::{Performed, perform};
use crate::procedure::Planned;
use crate::screen::screen;

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
fn label_of(editor: &Editor, name: &str) -> Option<String> {
    screen(editor).iter().position(|shown| shown.name == name).map(|index| (index + 1).to_string())
}

fn take(editor: &mut Editor, call: &Call, actions: &mut Vec<Action>) -> Result<(), Stuck> {
    let label = match call.control_name.as_str() {
        "" => String::new(),
        name => label_of(editor, name).ok_or_else(|| Stuck(format!("no control `{name}`")))?,
    };
    let action = act(call, &label, step_text(call), false, Vec::new());
    match perform(editor, &action) {
        Performed { status: StepStatus::Ok, .. } => {
            actions.push(action);
            Ok(())
        }
        Performed { message, .. } => Err(Stuck(message)),
    }
}
