//! One running editor: starts a task, carries actions out, judges the final state.

use std::sync::LazyLock;

use lam_env::{EnvError, Environment, Outcome};
use lam_types::{Action, Complete, FunctionSpec, Observation, StepStatus, Target, Task, Verdict};

use crate::editor::Editor;
use crate::family;
use crate::functions::{self, Refused};
use crate::instance::{self, Instance};
use crate::screen::{Role, observe, screen};

/// Name of this environment.
pub const ENVIRONMENT: &str = "sim";
/// Name of the application in it.
pub const APPLICATION: &str = "word";

pub(crate) static SPECS: LazyLock<Vec<FunctionSpec>> = LazyLock::new(functions::specs);

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

/// The embedded editor as an environment.
#[derive(Debug, Default)]
pub struct SimEnvironment {
    running: Option<(Editor, Editor)>,
}

impl SimEnvironment {
    /// The editor as it is now, if a task was started.
    pub fn editor(&self) -> Option<&Editor> {
        self.running.as_ref().map(|(editor, _)| editor)
    }

    fn running(&mut self) -> Result<&mut (Editor, Editor), EnvError> {
        let usage = || EnvError::Usage("no task was started\nhint: call reset before act and verify".to_owned());
        self.running.as_mut().ok_or_else(usage)
    }
}

impl Environment for SimEnvironment {
    fn reset(&mut self, task: &Task) -> Result<Observation, EnvError> {
        let family = family::find(&task.family).ok_or_else(|| unknown_family(&task.task_id, &task.family))?;
        let Instance { start, goal, .. } = instance::draw(family, task.seed, task.split, task.phrasing);
        let observation = observe(&start);
        self.running = Some((start, goal));
        Ok(observation)
    }

    fn act(&mut self, action: &Action) -> Result<Outcome, EnvError> {
        let (editor, _) = self.running()?;
        let Performed { status, message } = perform(editor, action);
        Ok(Outcome { status, message, observation: observe(editor) })
    }

    fn verify(&mut self) -> Result<Verdict, EnvError> {
        let (editor, goal) = self.running()?;
        let (complete, reason) = match goal.difference(editor) {
            None => (Complete::Yes, "the document is as it was asked for".to_owned()),
            Some(part) => (Complete::No, format!("the {part} is not as it was asked for")),
        };
        Ok(Verdict { complete, reason, judge: "state".to_owned(), sub_scores: Vec::new() })
    }

    fn acceptable_labels(&mut self, action: &Action) -> Vec<String> {
        self.running.as_ref().map(|(editor, _)| acceptable(editor, action)).unwrap_or_default()
    }
}

/// Controls of the same kind that mean the same, tried one by one; text areas mean only themselves.
fn acceptable(editor: &Editor, action: &Action) -> Vec<String> {
    let shown = screen(editor);
    let chosen = action.control_label.parse::<usize>().ok().and_then(|label| shown.get(label.checked_sub(1)?));
    let Some(chosen) = chosen else {
        return Vec::new();
    };
    let mut reached = editor.clone();
    if perform(&mut reached, action).status != StepStatus::Ok {
        return Vec::new();
    }
    let means_the_same = |role: &Role| role == &chosen.role;
    let labels = shown.iter().enumerate().filter(|(_, other)| other.kind == chosen.kind && other.name == chosen.name);
    let labels = labels.filter(|(_, other)| means_the_same(&other.role)).map(|(index, _)| (index + 1).to_string());
    labels.filter(|label| *label == action.control_label || reaches(editor, &reached, action, label)).collect()
}

fn reaches(editor: &Editor, reached: &Editor, action: &Action, label: &str) -> bool {
    let mut other = editor.clone();
    let action = Action { control_label: label.to_owned(), ..action.clone() };
    perform(&mut other, &action).status == StepStatus::Ok && other == *reached
}

/// The error for a family that does not exist, with the nearest one that does.
pub(crate) fn unknown_family(task_id: &str, name: &str) -> EnvError {
    let shared = |family: &str| family.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    let nearest = family::all().map(|family| family.name).max_by_key(|family| shared(family));
    let hint = nearest.filter(|family| shared(family) > 1).map(|family| format!("\nhint: did you mean `{family}`?"));
    EnvError::UnknownFamily {
        task_id: task_id.to_owned(),
        family: name.to_owned(),
        environment: ENVIRONMENT.to_owned(),
        hint: hint.unwrap_or_default(),
    }
}
