//! The AppAgent's question: the state and the functions that it names, and the form that its answer must have.

use lam_types::{Action, Control, ControlType, FunctionSpec, Observation, State, Target};
use serde_json::{Map, Value};

use super::answer::Form;
use super::slots::{self, AppSlots, part};
use super::{functions, history};
use crate::answer::foreign::{NO_STEP, text};

/// Which action is next, as UFO's AppAgent asks it.
#[derive(Clone, Debug, PartialEq)]
pub struct UfoAction {
    state: State,
    functions: Vec<FunctionSpec>,
    form: Form,
    has_screenshots: bool,
}

impl UfoAction {
    pub(super) fn read(system: &str, slots: &AppSlots<'_>) -> Result<Self, String> {
        let functions = functions::read(system)?;
        let request = if slots.subtask.is_empty() { slots.request } else { slots.subtask };
        let controls = slots::controls(slots)?.iter().map(control).collect::<Result<_, _>>()?;
        let state = State {
            request: request.to_owned(),
            observation: Observation { controls, ..Observation::default() },
            previous_actions: history::read(slots, slots.subtask)?,
            previous_plan: plan(slots::plan(slots)?),
        };
        let form = Form::of(system, functions.are_tools);
        Ok(Self { state, functions: functions.specs, form, has_screenshots: slots.has_screenshots })
    }

    /// What the model is told. The request is the sub-task; the document is empty and all controls can be used: UFO's
    /// prompts say neither.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What it may call, with the arguments that it may give.
    pub fn functions(&self) -> &[FunctionSpec] {
        &self.functions
    }

    /// The answer that UFO reads. An action that cannot be carried out on this screen with these functions is told as a
    /// failure: UFO would give it to the whole window.
    pub fn answer(&self, action: &Action) -> String {
        match self.target(action) {
            Ok(control) => self.form.action(&self.seen(), &self.functions, action, control),
            Err(reason) => self.failure(&reason),
        }
    }

    /// The answer that tells UFO that no action could be chosen, and why: it gives the sub-task up.
    pub fn failure(&self, reason: &str) -> String {
        self.form.failure(&self.seen(), &format!("The model's answer cannot be carried out: {reason}."))
    }

    /// What the model was told of the window, since it gives no observation of its own.
    fn seen(&self) -> String {
        let count = self.state.observation.controls.len();
        let not_seen =
            if self.has_screenshots { " Screenshots are not looked at: the model reads text alone." } else { "" };
        format!("The window has {count} controls.{not_seen}")
    }

    /// The control that an action's function acts on.
    fn target(&self, action: &Action) -> Result<Option<&Control>, String> {
        if action.function.is_empty() {
            return Ok(None);
        }
        let spec = self.functions.iter().find(|spec| spec.name == action.function);
        let spec = spec.ok_or_else(|| format!("no function `{}` is documented", action.function))?;
        // UFO would give them to the application as they are.
        spec.check_args(&action.args, &self.state.observation)?;
        let Target::Control(kinds) = &spec.target else { return Ok(None) };
        let label = &action.control_label;
        let control = self.state.observation.control(label);
        let control = control.ok_or_else(|| format!("no control has label `{label}`"))?;
        // Of a kind that we have not, nobody knows what it takes.
        let kind = control.control_type;
        match kinds.contains(&kind) || kind == ControlType::Group {
            true => Ok(Some(control)),
            false => Err(format!("{} acts on no {}, which control `{label}` is", spec.name, kind.as_str())),
        }
    }
}

/// A control under the names that any version gives its parts. One without a name or of a kind that we have not keeps
/// its place.
fn control(item: &Map<String, Value>) -> Result<Control, String> {
    let part = |names: &[&str]| part(item, names).filter(|value| !value.is_null());
    let label = part(&["label", "id"]).map(text);
    let label = label.ok_or_else(|| format!("the control {} has no label", Value::from(item.clone())))?;
    let kind = part(&["control_type", "type", "control_class"]).and_then(Value::as_str).unwrap_or_default();
    let known = ControlType::ALL.into_iter().find(|known| known.as_str() == kind);
    Ok(Control {
        label,
        control_text: part(&["control_text", "name"]).map(text).unwrap_or_default(),
        control_type: known.unwrap_or(ControlType::Group),
        enabled: true,
        selected: None,
        value: None,
        rectangle: None,
    })
}

/// The steps that were left.
fn plan(value: Value) -> Vec<String> {
    let steps = match value {
        Value::Array(steps) => steps,
        Value::Null => Vec::new(),
        one => vec![one],
    };
    steps.iter().map(text).filter(|step| !step.is_empty() && step != NO_STEP).collect()
}
