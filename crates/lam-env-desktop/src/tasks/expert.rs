//! The scripted expert: a stand-in for GPT-4o that is told the state and nothing else.
//!
//! It follows rules, never chance. It does not know the last of several words for the same thing: then it clicks the
//! first control whose name shares a word with the request, if there is one, and stops. It also stops when an action
//! of its own had no effect.

use lam_env::Expert;
use lam_types::{Action, Control, ControlType, State, Status, StepStatus};

use super::procedure::{Call, calls};
use super::{families, request, step_text};

/// The expert of an application.
#[derive(Clone, Debug)]
pub struct TableExpert {
    /// Name of the application whose table it knows.
    pub application: String,
}

impl Expert for TableExpert {
    fn version(&self) -> String {
        format!("{}-expert-1", self.application)
    }

    fn decide(&self, state: &State) -> Action {
        if state.previous_actions.last().is_some_and(|last| last.outcome != StepStatus::Ok) {
            return Action::stop("it did not work");
        }
        let families = families(&self.application);
        let knows = |family: &super::Family, place: usize| place == 0 || place + 1 < family.words.len();
        match request::parse(&families, &state.request, &knows) {
            Some((family, parameters)) => follow(state, &calls(family.moves, &parameters)),
            None => guess(state),
        }
    }
}

/// The next call of a known procedure, judged by what was done.
pub fn follow(state: &State, calls: &[Call]) -> Action {
    let mut done = 0;
    for past in &state.previous_actions {
        let matches = calls.get(done).is_some_and(|call| {
            (&call.function, &call.control, &call.args) == (&past.function, &past.control_name, &past.args)
        });
        done += usize::from(matches);
    }
    let Some(next) = calls.get(done) else { return Action::stop("all is done") };
    let label = match next.control.as_str() {
        "" => String::new(),
        name => match state.observation.controls_named(name).find(|control| takes(control, &next.function)) {
            Some(control) => control.label.clone(),
            None => return Action::stop("it is not there"),
        },
    };
    act(next, label, &calls[done + 1..])
}

/// Whether a control of this name is meant: keys go to a document, not to a menu that is called so.
fn takes(control: &Control, function: &str) -> bool {
    function != "keyboard_input" || control.control_type == ControlType::Document
}

fn act(call: &Call, label: String, rest: &[Call]) -> Action {
    Action {
        thought: thought(call),
        control_label: label,
        control_name: call.control.clone(),
        function: call.function.clone(),
        args: call.args.clone(),
        status: if rest.is_empty() { Status::Finish } else { Status::Continue },
        plan: rest.iter().map(|call| step_text(&call.function, &call.control, &call.args)).collect(),
    }
}

fn thought(call: &Call) -> String {
    let name = &call.control;
    match call.function.as_str() {
        "click_input" => format!("click {name}"),
        "set_edit_text" => format!("fill in {name}"),
        "select_text" => "select the text".to_owned(),
        "select_paragraph" => "select the paragraphs".to_owned(),
        "insert_table" => "insert the table".to_owned(),
        "set_font" => "set the font".to_owned(),
        "keyboard_input" => "use the keyboard".to_owned(),
        _ => "save the file".to_owned(),
    }
}

/// A request that is not understood: the first control that shares a word with it, as the last action.
fn guess(state: &State) -> Action {
    let words: Vec<String> = state.request.split_whitespace().map(str::to_lowercase).collect();
    let shares = |control: &&Control| {
        control.enabled && control.control_text.split_whitespace().any(|word| words.contains(&word.to_lowercase()))
    };
    match state.observation.controls.iter().find(shares) {
        Some(control) => act(&Call::click(&control.control_text), control.label.clone(), &[]),
        None => Action::stop("it is not clear"),
    }
}
