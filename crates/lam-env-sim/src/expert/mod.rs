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

use lam_env::{EnvError, Expert};
use lam_tasks::{act, gave_up, left, thought};
use lam_types::{Action, Call, Control, ControlType, State};

use crate::procedure::{Planned, plan_steps_from};
use crate::ribbon::Tab;

/// How many calls of a request of several parts the expert is willing to make.
pub const PATIENCE: usize = 4;

/// The expert.
#[derive(Clone, Copy, Debug, Default)]
pub struct SimExpert;

impl Expert for SimExpert {
    fn version(&self) -> String {
        "sim-expert-1".to_owned()
    }

    fn decide(&self, state: &State) -> Result<Action, EnvError> {
        let decided = || match parse::understand(&state.request, &state.observation.document) {
            Some(calls) => follow(state, &calls),
            None => guess(state),
        };
        Ok(gave_up(state).unwrap_or_else(decided))
    }
}

/// The next call of a known procedure, judged by what was done.
fn follow(state: &State, calls: &[Planned]) -> Action {
    let left = left(calls, &state.previous_actions);
    let Some((next, rest)) = left.split_first() else { return Action::stop("all is done") };
    if next.call.control_name.is_empty() {
        return step(state, "", &next.call, rest);
    }
    if let Some(control) = state.observation.controls_named(&next.call.control_name).next() {
        return step(state, &control.label, &next.call, rest);
    }
    let went_there = |tab: Tab| state.previous_actions.last().is_some_and(|last| last.control_name == tab.name());
    match next.tab {
        Some(tab) if !went_there(tab) => {
            let label = state.observation.controls_named(tab.name()).next().map_or("", |control| &control.label);
            step(state, label, &Call::click(tab.name()), left)
        }
        _ => take_similar(state, &next.call.control_name),
    }
}

/// One call, with the steps that remain after it.
fn step(state: &State, label: &str, call: &Call, rest: &[Planned]) -> Action {
    let kind = state.observation.control(label).map(|control| control.control_type);
    act(call, label, thought(call, kind), rest.is_empty(), plan_steps_from(shown_after(state, call), rest))
}

/// The name of the tab that is shown once a call was made.
fn shown_after(state: &State, call: &Call) -> Option<String> {
    if Tab::all().any(|tab| tab.name() == call.control_name) {
        return Some(call.control_name.clone());
    }
    let is_shown = |control: &&Control| control.control_type == ControlType::TabItem && control.selected == Some(true);
    state.observation.controls.iter().find(is_shown).map(|control| control.control_text.clone())
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
        Some(quote) => step(state, "", &Call::select(&quote), &[]),
        None => Action::stop("it is not clear"),
    }
}

fn click_last(state: &State, control: &Control) -> Action {
    step(state, &control.label, &Call::click(&control.control_text), &[])
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
