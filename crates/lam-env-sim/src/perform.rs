//! An action carried out on an editor: held against the functions and the screen, then called. Knows no task.

use std::sync::LazyLock;

use lam_types::{Action, FunctionSpec, StepStatus, Target};

use crate::editor::Editor;
use crate::functions::{self, Refused};
use crate::screen::screen;

/// The functions on offer.
pub static SPECS: LazyLock<Vec<FunctionSpec>> = LazyLock::new(functions::specs);

/// What came of an action, without the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Performed {
    /// Whether it had effect.
    pub status: StepStatus,
    /// What the editor said.
    pub message: String,
}

/// Carries out an action on an editor.
pub fn perform(editor: &mut Editor, action: &Action) -> Performed {
    match dispatch(editor, action) {
        Ok(message) => Performed { status: StepStatus::Ok, message },
        Err(Refused { status, message }) => Performed { status, message },
    }
}

fn dispatch(editor: &mut Editor, action: &Action) -> Result<String, Refused> {
    let invalid = |message: String| Refused { status: StepStatus::InvalidAction, message };
    if action.function.is_empty() {
        return Ok(String::new());
    }
    let spec = SPECS.iter().find(|spec| spec.name == action.function);
    let spec = spec.ok_or_else(|| invalid(format!("no function `{}`", action.function)))?;
    functions::check_args(spec, &action.args, &editor.document)?;
    let Target::Control(kinds) = &spec.target else {
        return functions::call_application(editor, &action.function, &action.args);
    };
    let place = action.control_label.parse::<usize>().ok().and_then(|label| label.checked_sub(1));
    let mut shown = screen(editor);
    let place = place.filter(|place| *place < shown.len());
    let place = place.ok_or_else(|| invalid(format!("no control with label `{}`", action.control_label)))?;
    let shown = shown.swap_remove(place);
    if !kinds.contains(&shown.kind) {
        return Err(invalid(format!("{} does not act on `{}`, a {}", spec.name, shown.name, shown.kind.as_str())));
    }
    let message = functions::call_control(editor, &shown, &action.function, &action.args)?;
    if shown.name == action.control_name.as_str() {
        return Ok(message);
    }
    Ok(format!("control {} is `{}`, not `{}`", action.control_label, shown.name, action.control_name))
}
