//! The JSON that UFO's AppAgent reads, in the form that its system text asks for.

use lam_types::{Action, Control, FunctionSpec, Status};
use serde_json::{Map, Value, json};

use super::functions;
use crate::answer::foreign::NO_STEP;
use crate::answer::spaced;

/// What the answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Before the third version: keys with capitals.
    Classic {
        /// Whether actions stand in a list.
        is_list: bool,
        /// Whether it is asked if the screenshot is to be kept.
        keeps_screenshots: bool,
        /// Whether a plan without steps is a word of its own.
        names_end: bool,
    },
    /// Since the third version: the call is an object with its control among its arguments.
    Third {
        /// Whether actions stand in a list.
        is_list: bool,
    },
}

/// A call, or none, with the status after it.
struct Call<'a> {
    function: &'a str,
    args: Value,
    control: Option<&'a Control>,
    status: &'a str,
}

/// What is said beside the call.
struct Words<'a> {
    seen: &'a str,
    thought: &'a str,
    plan: &'a [String],
    comment: &'a str,
}

impl Form {
    /// The form that a system text asks for. Since the third version, functions are tools, and the parser wants that
    /// version's keys, also where the text without screenshots still shows the old ones.
    pub(super) fn of(system: &str, are_tools: bool) -> Self {
        let after = |key: &str| system.split_once(key).and_then(|(_, rest)| rest.lines().next()).unwrap_or_default();
        if are_tools {
            return Form::Third { is_list: after("\"action\": <").to_lowercase().contains("list of") };
        }
        Form::Classic {
            is_list: system.contains("\"ActionList\""),
            keeps_screenshots: system.contains("\"SaveScreenshot\""),
            names_end: after("\"Plan\": <").contains(NO_STEP),
        }
    }

    /// The answer that has this action done.
    pub(super) fn action(
        self,
        seen: &str,
        specs: &[FunctionSpec],
        action: &Action,
        control: Option<&Control>,
    ) -> String {
        let spec = specs.iter().find(|spec| spec.name == action.function);
        let args =
            spec.map(|spec| functions::in_order(spec, &action.args, control.map(|control| control.control_type)));
        let args = Value::from(args.unwrap_or_default());
        let call = Call { function: &action.function, args, control, status: action.status.as_str() };
        let comment = match action.status {
            Status::Finish => "The sub-task is finished with this action.",
            Status::Continue => "",
        };
        self.write(&call, &Words { seen, thought: &action.thought, plan: &action.plan, comment })
    }

    /// The answer that gives the sub-task up.
    pub(super) fn failure(self, seen: &str, comment: &str) -> String {
        let call = Call { function: "", args: json!({}), control: None, status: "FAIL" };
        self.write(&call, &Words { seen, thought: "", plan: &[], comment })
    }

    fn write(self, call: &Call<'_>, words: &Words<'_>) -> String {
        let is_over = call.status != Status::Continue.as_str();
        let mut answer = Map::new();
        let mut put = |key: &str, value: Value| drop(answer.insert(key.to_owned(), value));
        match self {
            Form::Classic { is_list, keeps_screenshots, names_end } => {
                put("Observation", words.seen.into());
                put("Thought", words.thought.into());
                if is_list {
                    put(
                        "ActionList",
                        json!([classic(call, ["Function", "Args", "ControlLabel", "ControlText", "Status"])]),
                    );
                } else {
                    for (key, value) in classic(call, ["ControlLabel", "ControlText", "Function", "Args", "Status"]) {
                        put(&key, value);
                    }
                }
                put("Plan", if names_end && words.plan.is_empty() { NO_STEP.into() } else { json!(words.plan) });
                put("Comment", words.comment.into());
                if keeps_screenshots {
                    put("SaveScreenshot", json!({"save": false, "reason": ""}));
                }
            }
            Form::Third { is_list } => {
                put("observation", words.seen.into());
                put("thought", words.thought.into());
                put("action", if is_list { json!([third(call)]) } else { third(call) });
                put("plan", json!(words.plan));
                put("comment", words.comment.into());
                put("save_screenshot", json!({"save": false, "reason": ""}));
                put("result", if is_over { words.comment.into() } else { Value::Null });
            }
        }
        spaced(&answer)
    }
}

/// The parts of a call under these keys, in this order.
fn classic(call: &Call<'_>, keys: [&str; 5]) -> Map<String, Value> {
    let value = |key: &str| match key {
        "Function" => json!(call.function),
        "Args" => call.args.clone(),
        "ControlLabel" => json!(call.control.map_or("", |control| &control.label)),
        "ControlText" => json!(call.control.map_or("", |control| &control.control_text)),
        _ => json!(call.status),
    };
    keys.into_iter().map(|key| (key.to_owned(), value(key))).collect()
}

/// A call with its control first among its arguments.
fn third(call: &Call<'_>) -> Value {
    let mut arguments = Map::new();
    if let Some(control) = call.control {
        arguments.insert("id".to_owned(), json!(control.label));
        arguments.insert("name".to_owned(), json!(control.control_text));
    }
    arguments.extend(call.args.as_object().cloned().unwrap_or_default());
    json!({"function": call.function, "arguments": arguments, "status": call.status})
}
