//! The scripted expert: a stand-in for GPT-4o that is told the state and nothing else.
//!
//! It reads the request with the wordings it knows, and does the page's task with a procedure written for it. Its
//! limits are those that exploration is about: of each wording it knows the page's own words and the first other
//! one; for a request it cannot read it clicks the first control that the request names, and stops.

mod case;
mod forms;
mod lists;
mod mail;
mod numbers;
mod search;

use lam_env::Expert;
use lam_types::{Action, Control, State, Status, StepStatus, Target};

use crate::family::{self, Wording, template};
use crate::functions::SPECS;
use crate::steps::Call;

pub use case::{Case, Moves};
pub use forms::{
    choose_date, copy_text, enter_text, fill_form, focus_field, highlight, log_in, read_table, read_table_form,
    scroll_area, search_movies, set_spinner, type_last_word, type_shown_text,
};
pub use lists::{
    autocomplete, click_button_of, click_named, click_sequence, close_dialog, expand_section, pick_items, widget,
};
pub use mail::{delete_mail, forward_mail, reply_mail, social_media, star_mail};
pub use numbers::{
    buy_ticket, cards, generate_number, guess_number, odd_or_even, radio_and_number, solve_algebra, solve_arithmetic,
    word_of_text,
};
pub use search::{open_and_find, phone_book, search_engine, tree};

/// How the expert does a family's task: what is to be done from here on; `None` when the screen is not as expected.
pub type Procedure = fn(&Case<'_>) -> Option<Moves>;

/// The expert.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebExpert;

impl Expert for WebExpert {
    fn version(&self) -> String {
        "web-expert-2".to_owned()
    }

    fn decide(&self, state: &State) -> Action {
        if state.previous_actions.last().is_some_and(|last| last.outcome != StepStatus::Ok) {
            return Action::stop("it did not work");
        }
        let known = understand(&state.request);
        if known.is_empty() {
            return guess(state);
        }
        let moves = known.into_iter().find_map(|(procedure, slots)| procedure(&Case { state, slots }));
        moves.map_or_else(|| Action::stop("it is not there"), |moves| act(state, &moves))
    }
}

/// The wordings of a kind that the expert knows.
fn known(wording: &Wording) -> impl Iterator<Item = &'static str> {
    std::iter::once(wording.own).chain(wording.seen.first().copied())
}

/// The procedures that a request may ask for, the closest reading first.
fn understand(request: &str) -> Vec<(Procedure, template::Slots)> {
    let mut readings = Vec::new();
    for family in family::all() {
        for text in family.wordings.iter().flat_map(known) {
            if let Some(slots) = template::read(text, request) {
                readings.push((template::weight(text), family.procedure, slots));
            }
        }
    }
    readings.sort_by_key(|(weight, ..)| std::cmp::Reverse(*weight));
    readings.into_iter().map(|(_, procedure, slots)| (procedure, slots)).collect()
}

/// The first of the moves as an action, the others as its plan.
fn act(state: &State, moves: &Moves) -> Action {
    let Some((next, rest)) = moves.calls.split_first() else { return Action::stop("all is done") };
    let is_last = rest.is_empty() && !moves.is_open;
    let action = action(state, next, moves.label.as_deref(), is_last, rest.iter().map(Call::step).collect());
    Action { thought: moves.thought.clone().unwrap_or(action.thought), ..action }
}

fn action(state: &State, call: &Call, label: Option<&str>, is_last: bool, plan: Vec<String>) -> Action {
    let fits = |control: &&Control| match SPECS.iter().find(|spec| spec.name == call.function).map(|spec| &spec.target)
    {
        Some(Target::Control(kinds)) => kinds.contains(&control.control_type),
        _ => true,
    };
    let mut named = state.observation.controls_named(&call.control_name).filter(fits);
    let first = || named.next().map_or("", |control| control.label.as_str());
    let label = if call.control_name.is_empty() { "" } else { label.unwrap_or_else(first) };
    Action {
        thought: call.step(),
        control_label: label.to_owned(),
        control_name: call.control_name.clone(),
        function: call.function.to_owned(),
        args: call.args.clone(),
        status: if is_last { Status::Finish } else { Status::Continue },
        plan,
    }
}

/// A request that is not understood: the first control that it names, as the last action.
fn guess(state: &State) -> Action {
    let named = |name: &str| !name.is_empty() && state.request.contains(name);
    match state.observation.controls.iter().find(|control| named(&control.control_text)) {
        Some(control) => action(state, &Call::click(&control.control_text), Some(&control.label), true, Vec::new()),
        None => Action::stop("it is not clear"),
    }
}
