//! An action carried out on an editor: held against the functions and the screen, then called. Knows no task.

use std::sync::LazyLock;

use lam_env::check_call;
use lam_types::{Action, FunctionSpec, StepStatus};

use crate::editor::Editor;
use crate::functions::{self, Refused};
use crate::screen::{observe, screen};

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
    if action.function.is_empty() {
        return Ok(String::new());
    }
    let seen = observe(editor);
    let control =
        check_call(action, &SPECS, &seen).map_err(|message| Refused { status: StepStatus::InvalidAction, message })?;
    let Some(control) = control else {
        return functions::call_application(editor, &action.function, &action.args);
    };
    let place = seen.controls.iter().position(|shown| shown.label == control.label);
    let shown = screen(editor).swap_remove(place.expect("the control was found on this screen"));
    let message = functions::call_control(editor, &shown, &action.function, &action.args)?;
    if shown.name == action.control_name.as_str() {
        return Ok(message);
    }
    Ok(format!("control {} is `{}`, not `{}`", action.control_label, shown.name, action.control_name))
}
