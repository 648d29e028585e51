//! A function call as a plan names it: by the name of its control, which has no label yet. Knows no screen.

use serde_json::{Value, json};

use crate::{Action, Args, PastAction, Trajectory};

/// A function, the name of the control it acts on, and its arguments.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Call {
    /// The function.
    pub function: String,
    /// Name of its control, "" when it needs none.
    pub control_name: String,
    /// Its arguments.
    pub args: Args,
}

impl Call {
    /// A call. `args` is a JSON object, or null for no arguments.
    pub fn new(function: &str, control_name: &str, args: Value) -> Self {
        let args = if let Value::Object(args) = args { args } else { Args::new() };
        Self { function: function.to_owned(), control_name: control_name.to_owned(), args }
    }

    /// A plain left click.
    pub fn click(control_name: &str) -> Self {
        Self::new("click_input", control_name, Value::Null)
    }

    /// A text put into a field.
    pub fn write(control_name: &str, text: &str) -> Self {
        Self::new("set_edit_text", control_name, json!({"text": text}))
    }

    /// A text of the document selected.
    pub fn select(text: &str) -> Self {
        Self::new("select_text", "", json!({"text": text}))
    }

    /// The wheel turned over a control, up when positive.
    pub fn scroll(control_name: &str, notches: i64) -> Self {
        Self::new("wheel_mouse_input", control_name, json!({"wheel_dist": notches}))
    }

    /// The call of an action.
    pub fn of(action: &Action) -> Self {
        let Action { function, control_name, args, .. } = action.clone();
        Self { function, control_name, args }
    }

    /// Whether that is what was called, whatever came of it.
    pub fn is(&self, past: &PastAction) -> bool {
        (&self.function, &self.control_name, &self.args) == (&past.function, &past.control_name, &past.args)
    }
}

impl Trajectory {
    /// What was done, without the words around it: the call of each step, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.steps.iter().map(|step| Call::of(&step.action)).collect()
    }
}

/// What has been done in trajectories that were looked at.
#[derive(Clone, Debug, Default)]
pub struct SeenCalls(Vec<Vec<Call>>);

impl SeenCalls {
    /// Whether a trajectory does what none before it did.
    pub fn is_new(&mut self, trajectory: &Trajectory) -> bool {
        let calls = trajectory.calls();
        let is_new = !self.0.contains(&calls);
        self.0.extend(is_new.then_some(calls));
        is_new
    }
}

impl AsRef<Call> for Call {
    fn as_ref(&self) -> &Call {
        self
    }
}
