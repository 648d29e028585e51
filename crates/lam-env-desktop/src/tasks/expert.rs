//! The scripted expert: a stand-in for GPT-4o that is told the state and nothing else.
//!
//! It follows rules, never chance. It does not know the last of several words for the same thing: then it clicks the
//! first control whose name shares a word with the request, if there is one, and stops. It also stops when an action
//! of its own had no effect.

use lam_env::{EnvError, Expert};
use lam_tasks::{act, calls, gave_up, left, step_text, thought};
use lam_types::{Action, Call, Control, ControlType, State};

use super::{Family, catalog, request};

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

    fn decide(&self, state: &State) -> Result<Action, EnvError> {
        let knows = |family: &Family, place: usize| place == 0 || place + 1 < family.words.len();
        let decided = || match request::parse(&catalog(&self.application).families, &state.request, &knows) {
            Some((family, parameters)) => follow(state, &calls(family.steps, &parameters.slots(""))),
            None => guess(state),
        };
        Ok(gave_up(state).unwrap_or_else(decided))
    }
}

/// The next call of a known procedure, judged by what was done.
pub fn follow(state: &State, calls: &[Call]) -> Action {
    let Some((next, rest)) = left(calls, &state.previous_actions).split_first() else {
        return Action::stop("all is done");
    };
    let label = match next.control_name.as_str() {
        "" => "",
        name => match state.observation.controls_named(name).find(|control| takes(control, &next.function)) {
            Some(control) => &control.label,
            None => return Action::stop("it is not there"),
        },
    };
    act(next, label, thought(next, None), rest.is_empty(), rest.iter().map(step_text).collect())
}

/// Whether a control of this name is meant: keys go to a document, not to a menu that is called so.
fn takes(control: &Control, function: &str) -> bool {
    function != "keyboard_input" || control.control_type == ControlType::Document
}

/// A request that is not understood: the first control that shares a word with it, as the last action.
fn guess(state: &State) -> Action {
    let words: Vec<String> = state.request.split_whitespace().map(str::to_lowercase).collect();
    let shares = |control: &&Control| {
        control.enabled && control.control_text.split_whitespace().any(|word| words.contains(&word.to_lowercase()))
    };
    match state.observation.controls.iter().find(shares) {
        Some(control) => {
            let call = Call::click(&control.control_text);
            act(&call, &control.label, thought(&call, None), true, Vec::new())
        }
        None => Action::stop("it is not clear"),
    }
}
