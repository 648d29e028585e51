//! What a procedure is told: the slots of the request, the screen, what was done.

use lam_tasks::{Slots, left};
use lam_types::{Call, Control, ControlType, PastAction, State, StepStatus};

/// One question to a procedure.
pub struct Case<'a> {
    /// What the policy is told.
    pub state: &'a State,
    /// The request's slots.
    pub slots: Slots,
}

/// What is to be done from here on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moves {
    /// The calls, the next one first; none when all is done.
    pub calls: Vec<Call>,
    /// Whether more follows that depends on what shows up.
    pub is_open: bool,
    /// The next call's control, where its name alone does not tell it.
    pub label: Option<String>,
    /// Why the next call is made, where more than its own step is to be said.
    pub thought: Option<String>,
}

impl Moves {
    /// One call, and more when its result is there.
    pub fn look(call: Call) -> Option<Self> {
        Some(Self { calls: vec![call], is_open: true, ..Self::default() })
    }

    /// These calls and no more.
    pub fn finish(calls: Vec<Call>) -> Option<Self> {
        Some(Self { calls, ..Self::default() })
    }

    /// The same, with what is thought at the next call.
    pub fn thinking(self, thought: String) -> Self {
        Self { thought: Some(thought), ..self }
    }
}

impl<'a> Case<'a> {
    /// The value of a slot, "" when the request has none.
    pub fn slot(&self, name: &str) -> &str {
        self.slots.get(name).map_or("", String::as_str)
    }

    /// The controls on the screen.
    pub fn controls(&self) -> &'a [Control] {
        &self.state.observation.controls
    }

    /// The controls of these kinds.
    pub fn of(&self, kinds: &'static [ControlType]) -> impl Iterator<Item = &'a Control> {
        self.controls().iter().filter(move |control| kinds.contains(&control.control_type))
    }

    /// Texts without a function.
    pub fn texts(&self) -> impl Iterator<Item = &'a str> {
        self.of(&[ControlType::Text, ControlType::DataItem]).map(|control| control.control_text.as_str())
    }

    /// The name of the first control that can be used and bears this name, whatever its case.
    pub fn named(&self, name: &str) -> Option<&'a str> {
        let bears = |control: &&Control| {
            control.control_type != ControlType::Text && control.control_text.eq_ignore_ascii_case(name)
        };
        let exact = self.controls().iter().find(|control| bears(control) && control.control_text == name);
        exact.or_else(|| self.controls().iter().find(bears)).map(|control| control.control_text.as_str())
    }

    /// The button that sends a form.
    pub fn submit(&self) -> Option<Call> {
        ["Submit", "Login", "OK", "Search", "Go!"].iter().find_map(|name| self.named(name)).map(Call::click)
    }

    /// What was done, oldest first.
    pub fn past(&self) -> &'a [PastAction] {
        &self.state.previous_actions
    }

    /// What was done with success.
    fn done(&self) -> impl Iterator<Item = &'a PastAction> {
        self.past().iter().filter(|past| past.outcome == StepStatus::Ok)
    }

    /// Whether this call was made with success.
    pub fn did(&self, call: &Call) -> bool {
        self.done().any(|past| call.is(past))
    }

    /// Whether a control of this name was clicked.
    pub fn clicked(&self, name: &str) -> bool {
        self.did(&Call::click(name))
    }

    /// Calls whose order is fixed, without those that were made.
    pub fn script(&self, calls: Vec<Call>) -> Option<Moves> {
        Moves::finish(left(&calls, self.done()).to_vec())
    }

    /// The place that a slot such as `3rd` names, from 0.
    pub fn place(&self, slot: &str) -> Option<usize> {
        let digits: String = self.slot(slot).chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<usize>().ok()?.checked_sub(1)
    }
}
