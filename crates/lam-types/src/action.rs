//! One action: what the model answers.

use serde::{Deserialize, Serialize};

/// The arguments of a function call, in the order in which the model named them.
pub type Args = serde_json::Map<String, serde_json::Value>;

/// Whether the task continues after this action (paper App. C: FINISH goes with the last action).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// More actions follow.
    Continue,
    /// This action completes the task.
    Finish,
}

impl Status {
    /// The word of the paper's answer format.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Continue => "CONTINUE",
            Status::Finish => "FINISH",
        }
    }
}

/// A grounded action in the seven keys of the paper's App. C, which serialise in this order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Why this action, in a few words.
    pub thought: String,
    /// Label of the chosen control, one of those on the screen, or "" when the function needs none.
    pub control_label: String,
    /// `control_text` of that control, or "".
    pub control_name: String,
    /// Function to call, or "" when there is nothing to call.
    pub function: String,
    /// Its arguments, `{}` when none.
    pub args: Args,
    /// Whether the task continues.
    pub status: Status,
    /// The steps that remain after this one, `[]` when done.
    pub plan: Vec<String>,
}

impl Action {
    /// Ends the task without doing anything.
    pub fn stop(thought: &str) -> Self {
        Self {
            thought: thought.to_owned(),
            control_label: String::new(),
            control_name: String::new(),
            function: String::new(),
            args: Args::new(),
            status: Status::Finish,
            plan: Vec::new(),
        }
    }
}
