//! App. C as chat messages: a system text and the four labelled slots, for endpoints and for models' chat templates.

mod agent;
pub(crate) mod call_forms;
mod calls;
pub(crate) mod form;
mod jinja;
mod printed;
mod python;
mod read;
pub(crate) mod source;
mod system;
mod tools;

use lam_types::{Control, FunctionSpec, PastAction, State, StepStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::spaced;

pub use agent::{ToolQuestion, ToolQuestionError};
pub use calls::{CallPart, CallReader, Said};
pub use read::{Question, read_question, shows_screen};
pub use tools::{CalledFunction, Tool, ToolCall, ToolFunction};

/// What stands before each of App. C's slots.
const CONTROLS: &str = "<Available Control Item:> ";
const REQUEST: &str = "<User Request:> ";
const ACTIONS: &str = "<Previous Actions:> ";
const PLANS: &str = "<Previous Plans:> ";

/// Largest whole number of an argument of which no bound is known.
pub(crate) const LARGEST_NUMBER: i64 = 999_999;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the protocol's own words")]
pub enum Role {
    System,
    User,
    Assistant,
    Tool,
}

/// One message of an OpenAI-compatible conversation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said; a tool's result.
    pub content: String,
    /// The calls that an assistant's message makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The id of the call whose result a tool's message tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The name of the tool whose result it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Message {
    /// A message.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), tool_calls: Vec::new(), tool_call_id: None, name: None }
    }

    /// Whether it calls tools, or tells what came of a call.
    pub fn is_of_tools(&self) -> bool {
        self.role == Role::Tool || !self.tool_calls.is_empty()
    }
}

/// The messages that ask for the next action: App. C's system text, then its four slots.
pub fn messages(state: &State, functions: &[FunctionSpec]) -> Vec<Message> {
    let controls: Vec<Value> = state.observation.controls.iter().map(control_item).collect();
    let history: Vec<Value> = state.previous_actions.iter().map(history_item).collect();
    let user = format!(
        "{CONTROLS}{}\n{REQUEST}{}\n{ACTIONS}{}\n{PLANS}{}",
        spaced(&Value::from(controls)),
        state.request,
        spaced(&Value::from(history)),
        spaced(&json!(state.previous_plan)),
    );
    vec![Message::new(Role::System, system::action_text(functions)), Message::new(Role::User, user)]
}

/// The messages that ask for a plan.
pub fn plan_messages(task: &str) -> Vec<Message> {
    let user = format!("{REQUEST}{task}");
    vec![Message::new(Role::System, system::PLAN), Message::new(Role::User, user)]
}

/// UFO's control list entry.
fn control_item(control: &Control) -> Value {
    json!({
        "label": control.label,
        "control_text": control.control_text,
        "control_type": control.control_type.as_str(),
    })
}

fn history_item(past: &PastAction) -> Value {
    let mut item = json!({"control_name": past.control_name, "function": past.function, "args": past.args});
    if past.outcome != StepStatus::Ok {
        item["result"] = past.outcome.as_str().into();
    }
    item
}
