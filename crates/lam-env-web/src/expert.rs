//! The scripted expert: a stand-in for GPT-4o that is told the state and nothing else.
//!
//! It reads the request with the wordings it knows, and does the page's task with a procedure written for it. Its
//! limits are those that exploration is about: of each wording it knows the page's own words and the first half
//! of the others; for a request it cannot read it clicks the first control that the request names, and stops.

use lam_env::{EnvError, Expert};
use lam_tasks::{Slots, act, gave_up, step_text, template};
use lam_types::{Action, Call, Control, State, Target};

use crate::family::{Asking, CATALOG, read};
use crate::functions::SPECS;
use crate::procedures::{Case, Moves, Procedure};

/// The expert.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebExpert;

impl Expert for WebExpert {
    fn version(&self) -> String {
        "web-expert-5".to_owned()
    }

    fn decide(&self, state: &State) -> Result<Action, EnvError> {
        Ok(gave_up(state).unwrap_or_else(|| {
            let known = understand(&state.request);
            if known.is_empty() {
                return guess(state);
            }
            let moves = known.into_iter().find_map(|(procedure, slots)| procedure(&Case { state, slots }));
            moves.map_or_else(|| Action::stop("it is not there"), |moves| next(state, &moves))
        }))
    }
}

/// The sentences that the expert knows of those a page may ask in.
fn known(asking: &Asking) -> impl Iterator<Item = &'static str> {
    let sentences = asking.wording.train;
    sentences[..sentences.len().div_ceil(2)].iter().copied()
}

/// The procedures that a request may ask for, the closest reading first.
fn understand(request: &str) -> Vec<(Procedure, Slots)> {
    let mut readings = Vec::new();
    for family in &CATALOG.families {
        for sentence in family.askings.iter().flat_map(known) {
            if let Some(slots) = read(sentence, request) {
                readings.push((template::weight(sentence), family.procedure, slots));
            }
        }
    }
    readings.sort_by_key(|(weight, ..)| std::cmp::Reverse(*weight));
    readings.into_iter().map(|(_, procedure, slots)| (procedure, slots)).collect()
}

/// The first of the moves as an action, the others as its plan.
fn next(state: &State, moves: &Moves) -> Action {
    let Some((next, rest)) = moves.calls.split_first() else { return Action::stop("all is done") };
    let is_last = rest.is_empty() && !moves.is_open;
    let label = moves.label.clone().unwrap_or_else(|| label(state, next));
    let thought = moves.thought.clone().unwrap_or_else(|| step_text(next));
    act(next, &label, thought, is_last, rest.iter().map(step_text).collect())
}

/// The label of the first control that bears the call's name and on which its function acts, "" where there is none.
fn label(state: &State, call: &Call) -> String {
    let spec = SPECS.iter().find(|spec| spec.name == call.function);
    let fits = |control: &&Control| match spec.map(|spec| &spec.target) {
        Some(Target::Control(kinds)) => kinds.contains(&control.control_type),
        _ => true,
    };
    let mut named = state.observation.controls_named(&call.control_name).filter(fits);
    let found = if call.control_name.is_empty() { None } else { named.next() };
    found.map(|control| control.label.clone()).unwrap_or_default()
}

/// A request that is not understood: the first control that it names, as the last action.
fn guess(state: &State) -> Action {
    let named = |name: &str| !name.is_empty() && state.request.contains(name);
    match state.observation.controls.iter().find(|control| named(&control.control_text)) {
        Some(control) => {
            let call = Call::click(&control.control_text);
            act(&call, &control.label, step_text(&call), true, Vec::new())
        }
        None => Action::stop("it is not clear"),
    }
}
