//! Tools as OpenAI's protocol and chat templates know them: definitions, calls of them, and the words for templates
//! that know neither. Knows no tokens.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Message, Role, call_forms};
use crate::answer::spaced;

/// Length of a call's id in the templates that hold ids to one.
const SHORT_ID: usize = 9;

/// A function that is offered to a model, as a template's `tools` holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename = "function")]
pub struct Tool {
    /// What it is.
    pub function: ToolFunction,
}

/// What a tool is called, what it does, and what it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToolFunction {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its parameters, as the JSON schema of an object.
    pub parameters: Value,
}

impl Tool {
    /// A tool.
    pub fn new(name: impl Into<String>, description: Option<String>, parameters: Value) -> Self {
        Self { function: ToolFunction { name: name.into(), description, parameters } }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.function.name
    }
}

/// A call that an assistant's message makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "function")]
pub struct ToolCall {
    /// The name by which its result refers to it.
    pub id: String,
    /// What is called.
    pub function: CalledFunction,
}

/// A function's name and the arguments of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledFunction {
    /// Name of the tool.
    pub name: String,
    /// Its arguments. Templates want them as a mapping, not as JSON text.
    pub arguments: Map<String, Value>,
}

impl ToolCall {
    /// A call.
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: Map<String, Value>) -> Self {
        Self { id: id.into(), function: CalledFunction { name: name.into(), arguments } }
    }

    /// The call as Hermes' models write it.
    fn written(&self) -> String {
        let CalledFunction { name, arguments } = &self.function;
        call_forms::tagged(&spaced(&json!({"name": name, "arguments": arguments})))
    }
}

/// The conversation with the tools in words, for a template that has no place for them: at the end of its first system
/// message, or in one of their own.
pub(super) fn offered_in_words(messages: &[Message], tools: &[Tool]) -> Vec<Message> {
    let listed: String = tools.iter().map(|tool| spaced(tool) + "\n").collect();
    let example = call_forms::tagged("{\"name\": NAME, \"arguments\": {…}}");
    let text = format!(
        "You may call functions. These are there, each with its parameters as a JSON schema:\n\
         <tools>\n{listed}</tools>\nTo call one, write its name and its arguments as JSON, in this form and with nothing behind it:\n{example}\n\
         For several calls, write several of them, one below the other."
    );
    let mut messages = messages.to_vec();
    match messages.first_mut().filter(|first| first.role == Role::System) {
        Some(system) => system.content += &format!("\n\n{text}"),
        None => messages.insert(0, Message::new(Role::System, text)),
    }
    messages
}

/// The conversation with calls and results in words, for a template that knows neither: the assistant says the calls,
/// and the user tells the results. Results and what the user says beside them are one message.
pub(super) fn told_in_words(messages: &[Message]) -> Vec<Message> {
    let mut told: Vec<Message> = Vec::new();
    let mut has_results = false;
    for message in messages {
        let is_result = message.role == Role::Tool;
        let plain = match message.role {
            Role::Tool => Message::new(Role::User, format!("<tool_response>\n{}\n</tool_response>", message.content)),
            _ => {
                let said = std::iter::once(message.content.clone()).filter(|content| !content.is_empty());
                let calls = message.tool_calls.iter().map(ToolCall::written);
                Message::new(message.role, said.chain(calls).collect::<Vec<_>>().join("\n"))
            }
        };
        match told.last_mut().filter(|last| last.role == Role::User && plain.role == Role::User) {
            Some(last) if is_result || has_results => last.content += &format!("\n{}", plain.content),
            _ => told.push(plain),
        }
        has_results = is_result;
    }
    told
}

/// The conversation with ids of the length to which some templates hold them.
pub(super) fn with_short_ids(messages: &[Message]) -> Vec<Message> {
    let short = |message: &Message| {
        let mut message = message.clone();
        message.tool_calls.iter_mut().for_each(|call| call.id = short_id(&call.id));
        message.tool_call_id = message.tool_call_id.as_deref().map(short_id);
        message
    };
    messages.iter().map(short).collect()
}

fn short_id(id: &str) -> String {
    if id.len() == SHORT_ID && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return id.to_owned();
    }
    let digest: String = Sha256::digest(id).iter().map(|byte| format!("{byte:02x}")).collect();
    digest[..SHORT_ID].to_owned()
}

/// Every text in a message.
pub(super) fn texts_of_message(message: &Message) -> Vec<&str> {
    let mut found = vec![message.content.as_str()];
    for ToolCall { id, function: CalledFunction { name, arguments } } in &message.tool_calls {
        found.extend([id.as_str(), name.as_str()]);
        arguments.iter().for_each(|(key, value)| {
            found.push(key);
            texts_of_value(value, &mut found);
        });
    }
    found.extend([message.tool_call_id.as_deref(), message.name.as_deref()].into_iter().flatten());
    found
}

/// A message with every text changed.
pub(super) fn changed_message(message: &Message, change: &dyn Fn(&str) -> String) -> Message {
    let call = |call: &ToolCall| {
        let arguments = call.function.arguments.iter();
        let arguments = arguments.map(|(key, value)| (change(key), changed_value(value, change))).collect();
        ToolCall::new(change(&call.id), change(&call.function.name), arguments)
    };
    Message {
        role: message.role,
        content: change(&message.content),
        tool_calls: message.tool_calls.iter().map(call).collect(),
        tool_call_id: message.tool_call_id.as_deref().map(change),
        name: message.name.as_deref().map(change),
    }
}

/// Every text in a tool's definition.
pub(super) fn texts_of_tool(tool: &Tool) -> Vec<&str> {
    let ToolFunction { name, description, parameters } = &tool.function;
    let mut found = Vec::from_iter(description.as_deref());
    found.push(name);
    texts_of_value(parameters, &mut found);
    found
}

/// A tool's definition with every text changed.
pub(super) fn changed_tool(tool: &Tool, change: &dyn Fn(&str) -> String) -> Tool {
    let ToolFunction { name, description, parameters } = &tool.function;
    Tool::new(change(name), description.as_deref().map(change), changed_value(parameters, change))
}

fn texts_of_value<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(list) => list.iter().for_each(|value| texts_of_value(value, found)),
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            found.push(key);
            texts_of_value(value, found);
        }),
        _ => {}
    }
}

fn changed_value(value: &Value, change: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => change(text).into(),
        Value::Array(list) => list.iter().map(|value| changed_value(value, change)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (change(key), changed_value(value, change))).collect(),
        other => other.clone(),
    }
}
