//! The scripted expert: a stand-in for GPT-4o that is told the state and nothing else.
//!
//! It follows rules, never chance, and its limits are those that exploration is about:
//! 1. it knows only some of the words in which things are asked for (`lexicon.rs`); for others it clicks
//!    the first control whose name shares a word with the request, or selects the quoted text, and stops;
//! 2. it believes that some commands stand on another tab than they do (`beliefs.rs`); it opens that tab,
//!    does not find the command, clicks one with a similar name if there is one, and stops;
//! 3. it is impatient: of a request of several parts it does only as many as need [`PATIENCE`] calls.
//!
//! It also stops when an action of its own had no effect.

mod beliefs;
mod lexicon;
mod parse;

use lam_env::Expert;
use lam_types::{Action, Control, ControlType, State, Status, StepStatus};

use crate::procedure::Planned;
use crate::ribbon::Tab;
use crate::steps::{Call, step_text};

/// How many calls of a request of several parts the expert is willing to make.
pub const PATIENCE: usize = 4;

/// The expert.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimExpert;

impl Expert for SimExpert {
    fn version(&self) -> String {
        "sim-expert-1".to_owned()
    }

    fn decide(&self, state: &State) -> Action {
        if state.previous_actions.last().is_some_and(|last| last.outcome != StepStatus::Ok) {
            return Action::stop("it did not work");
        }
        match parse::understand(&state.request, &state.observation.document) {
            Some(calls) => follow(state, &calls),
            None => guess(state),
        }
    }
}

/// The next call of a known procedure, judged by what was done.
fn follow(state: &State, calls: &[Planned]) -> Action {
    let mut done = 0;
    for past in &state.previous_actions {
        let next = calls.get(done).map(|planned| &planned.call);
        let matches = next.is_some_and(|call| {
            (&call.function, &call.control_name, &call.args) == (&past.function, &past.control_name, &past.args)
        });
        done += usize::from(matches);
    }
    let Some(next) = calls.get(done) else {
        return Action::stop("all is done");
    };
    if next.call.control_name.is_empty() {
        return act(state, "", &next.call, &calls[done + 1..]);
    }
    if let Some(control) = state.observation.controls_named(&next.call.control_name).next() {
        return act(state, &control.label, &next.call, &calls[done + 1..]);
    }
    let went_there = |tab: Tab| state.previous_actions.last().is_some_and(|last| last.control_name == tab.name());
    match next.tab {
        Some(tab) if !went_there(tab) => {
            let label = state.observation.controls_named(tab.name()).next().map_or("", |control| &control.label);
            act(state, label, &Call::click(tab.name()), &calls[done..])
        }
        _ => take_similar(state, &next.call.control_name),
    }
}

/// One call, with the steps that remain after it.
fn act(state: &State, label: &str, call: &Call, rest: &[Planned]) -> Action {
    let kind = state.observation.control(label).map(|control| control.control_type);
    Action {
        thought: thought(call, kind),
        control_label: label.to_owned(),
        control_name: call.control_name.clone(),
        function: call.function.clone(),
        args: call.args.clone(),
        status: if rest.is_empty() { Status::Finish } else { Status::Continue },
        plan: remaining(state, call, rest),
    }
}

/// The steps of the calls that remain, with a tab wherever it has to change.
fn remaining(state: &State, call: &Call, rest: &[Planned]) -> Vec<String> {
    let is_shown = |control: &&Control| control.control_type == ControlType::TabItem && control.selected == Some(true);
    let mut shown = state.observation.controls.iter().find(is_shown).map(|control| control.control_text.clone());
    if Tab::all().any(|tab| tab.name() == call.control_name) {
        shown = Some(call.control_name.clone());
    }
    let mut steps = Vec::new();
    for planned in rest {
        if let Some(tab) = planned.tab.filter(|tab| shown.as_deref() != Some(tab.name())) {
            steps.push(format!("click {}", tab.name()));
            shown = Some(tab.name().to_owned());
        }
        let Call { function, control_name, args } = &planned.call;
        steps.push(step_text(function, control_name, args));
    }
    steps
}

fn thought(call: &Call, kind: Option<ControlType>) -> String {
    let name = &call.control_name;
    match (call.function.as_str(), kind) {
        ("click_input", Some(ControlType::TabItem)) => format!("open the {name} tab"),
        ("click_input", Some(ControlType::MenuItem)) => format!("open {name}"),
        ("click_input", Some(ControlType::ListItem)) => format!("choose {name}"),
        ("click_input", _) => format!("click {name}"),
        ("set_edit_text", _) => format!("fill in {name}"),
        ("select_text", _) => "select the text".to_owned(),
        ("select_paragraph", _) => "select the paragraphs".to_owned(),
        ("select_table", _) => "select the table".to_owned(),
        ("insert_table", _) => "insert the table".to_owned(),
        ("set_font", _) => "set the font".to_owned(),
        ("keyboard_input", _) => "use the keyboard".to_owned(),
        ("wheel_mouse_input", _) => "scroll the document".to_owned(),
        _ => "save the file".to_owned(),
    }
}

/// Instead of a command that is not to be found: one with a similar name, as the last action.
fn take_similar(state: &State, name: &str) -> Action {
    similar(state, name).map_or_else(|| Action::stop("it is not there"), |control| click_last(state, control))
}

/// A request that is not understood: something near it, as the last action.
fn guess(state: &State) -> Action {
    let (words, quotes) = parse::unquote(&state.request);
    if let Some(control) = similar(state, &words) {
        return click_last(state, control);
    }
    match parse::quoted_text(&quotes, &state.observation.document) {
        Some(quote) => act(state, "", &Call::new("select_text", "", serde_json::json!({"text": quote})), &[]),
        None => Action::stop("it is not clear"),
    }
}

fn click_last(state: &State, control: &Control) -> Action {
    act(state, &control.label, &Call::click(&control.control_text), &[])
}

/// The first command on the screen whose name shares a word with these.
fn similar<'a>(state: &'a State, words: &str) -> Option<&'a Control> {
    let wanted: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    state
        .observation
        .controls
        .iter()
        .filter(|control| {
            !matches!(control.control_type, ControlType::TabItem | ControlType::Document | ControlType::Group)
        })
        .find(|control| {
            let mut shared = control.control_text.split_whitespace().map(str::to_lowercase);
            shared.any(|word| word != "of" && wanted.contains(&word))
        })
}
