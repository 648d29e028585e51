//! `tools`, `tool_choice` and `parallel_tool_calls`, and what a history says of calls.

use std::collections::{BTreeMap, BTreeSet};

use lam_prompt::{Message, Role, Tool, ToolCall};
use serde_json::{Value, json};

use super::fields::{Fields, missing, wrong_type};
use crate::refusal::Refusal;

/// Most tools, and characters of a name, as OpenAI has them.
const TOOLS: usize = 128;
const NAME: usize = 64;
/// Deepest nesting of a schema.
const DEPTH: usize = 32;

/// The tools that a request offers, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Tools {
    /// The tools.
    pub offered: Vec<Tool>,
    /// Whether they are called.
    pub choice: ToolChoice,
    /// Whether an answer may hold several calls.
    pub parallel: bool,
}

/// Which calls an answer makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// None.
    None,
    /// Any or none.
    Auto,
    /// At least one.
    Required,
    /// One of the tool at this place.
    Named(usize),
}

/// The tools of a request, if it offers any; fields of theirs that are not known are added to `unknown`.
pub fn read_tools(fields: &Fields<'_>, unknown: &mut Vec<String>) -> Result<Option<Tools>, Refusal> {
    let list = match fields.get("tools") {
        None => &[][..],
        Some(Value::Array(list)) => list,
        Some(other) => return Err(wrong_type("tools", "a list", other)),
    };
    if list.len() > TOOLS {
        return Err(Refusal::of_field("tools", format!("`tools` has {} tools, must have at most {TOOLS}", list.len())));
    }
    let mut names = BTreeSet::new();
    let mut offered = Vec::with_capacity(list.len());
    for (place, value) in list.iter().enumerate() {
        let tool = read_tool(value, place, unknown)?;
        if !names.insert(tool.name().to_owned()) {
            let path = format!("tools[{place}].function.name");
            let message = format!("`{path}`: another tool is called `{}` too", tool.name());
            return Err(Refusal::of_field(path, message));
        }
        offered.push(tool);
    }
    let choice = read_choice(fields, &offered, unknown)?;
    let parallel = fields.get("parallel_tool_calls").is_none() || fields.flag("parallel_tool_calls")?;
    Ok((!offered.is_empty()).then_some(Tools { offered, choice, parallel }))
}

fn read_tool(value: &Value, place: usize, unknown: &mut Vec<String>) -> Result<Tool, Refusal> {
    let tool = Fields::of(value, format!("tools[{place}]"))?;
    let kind = tool.needed_text("type")?;
    if kind != "function" {
        let path = tool.path("type");
        return Err(Refusal::of_field(&path, format!("`{path}` is `{kind}`, must be function")));
    }
    let path = tool.path("function");
    let function = Fields::of(tool.get("function").ok_or_else(|| missing(&path))?, path)?;
    let name = function.needed_text("name")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || name.len() > NAME || !name.bytes().all(is_plain) {
        let path = function.path("name");
        let message = format!("`{path}` must be 1 to {NAME} of the characters a-z, A-Z, 0-9, _ and -");
        return Err(Refusal::of_field(path, message));
    }
    let description = function.text("description")?.map(str::to_owned);
    let parameters = read_parameters(&function)?;
    // Arguments of calls that must be made fit the schema in any case; others are as the model writes them.
    function.pass_over(&["strict"]);
    let general = |path: String| path.replacen(&format!("tools[{place}]"), "tools[]", 1);
    unknown.extend(tool.unknown().chain(function.unknown()).map(general));
    unknown.dedup();
    Ok(Tool::new(name, description, parameters))
}

/// A schema of an object; a function without one has no parameters.
fn read_parameters(function: &Fields<'_>) -> Result<Value, Refusal> {
    let path = function.path("parameters");
    let mut schema = match function.get("parameters") {
        None => json!({"type": "object", "properties": {}}),
        Some(schema @ Value::Object(_)) => schema.clone(),
        Some(other) => return Err(wrong_type(&path, "a JSON schema, which is an object", other)),
    };
    let message = match &schema["type"] {
        Value::Null => {
            schema["type"] = "object".into();
            None
        }
        Value::String(kind) if kind == "object" => None,
        other => Some(format!("`{path}.type` is {other}, must be \"object\": arguments are an object")),
    };
    if let Some(message) = message {
        return Err(Refusal::of_field(format!("{path}.type"), message));
    }
    if depth(&schema) > DEPTH {
        return Err(Refusal::of_field(&path, format!("`{path}` is nested more than {DEPTH} deep")));
    }
    Ok(schema)
}

/// How deep a value is nested: 1 for what holds no other.
fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Array(list) => list.iter().map(depth).max(),
        Value::Object(map) => map.values().map(depth).max(),
        _ => None,
    };
    inner.map_or(1, |inner| inner + 1)
}

fn read_choice(fields: &Fields<'_>, offered: &[Tool], unknown: &mut Vec<String>) -> Result<ToolChoice, Refusal> {
    let other = |found: &str| {
        let known = "none, auto, required or {\"type\": \"function\", \"function\": {\"name\": …}}";
        Err(Refusal::of_field("tool_choice", format!("`tool_choice` is {found}, must be {known}")))
    };
    let named = match fields.get("tool_choice") {
        None => return Ok(ToolChoice::Auto),
        Some(Value::String(word)) => match word.as_str() {
            "none" => return Ok(ToolChoice::None),
            "auto" => return Ok(ToolChoice::Auto),
            "required" => None,
            word => return other(&format!("`{word}`")),
        },
        Some(value @ Value::Object(_)) => Some(Fields::of(value, "tool_choice")?),
        Some(value) => return Err(wrong_type("tool_choice", "a string or an object", value)),
    };
    if offered.is_empty() {
        return Err(Refusal::of_field("tool_choice", "`tool_choice` wants a call, and there are no `tools`"));
    }
    let Some(named) = named else { return Ok(ToolChoice::Required) };
    if named.needed_text("type")? != "function" {
        return other("of another type");
    }
    let function = named.get("function").ok_or_else(|| missing("tool_choice.function"))?;
    let function = Fields::of(function, "tool_choice.function")?;
    let name = function.needed_text("name")?;
    unknown.extend(named.unknown().chain(function.unknown()));
    let place = offered.iter().position(|tool| tool.name() == name).ok_or_else(|| {
        let names: Vec<&str> = offered.iter().map(Tool::name).collect();
        let message = format!("no tool is called `{name}`; there is {}", names.join(", "));
        Refusal::of_field("tool_choice.function.name", message)
    })?;
    Ok(ToolChoice::Named(place))
}

/// The calls that an assistant's message of the history makes; fields of theirs that are not known are added to `unknown`.
pub fn read_calls(message: &Fields<'_>, unknown: &mut Vec<String>) -> Result<Vec<ToolCall>, Refusal> {
    let path = message.path("tool_calls");
    let list = match message.get("tool_calls") {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) => list,
        Some(other) => return Err(wrong_type(&path, "a list", other)),
    };
    list.iter().enumerate().map(|(place, call)| read_call(call, &format!("{path}[{place}]"), unknown)).collect()
}

fn read_call(value: &Value, place: &str, unknown: &mut Vec<String>) -> Result<ToolCall, Refusal> {
    let call = Fields::of(value, place)?;
    let id = call.needed_text("id")?;
    if let Some(kind) = call.text("type")?.filter(|kind| *kind != "function") {
        let path = call.path("type");
        return Err(Refusal::of_field(&path, format!("`{path}` is `{kind}`, must be function")));
    }
    let path = call.path("function");
    let function = Fields::of(call.get("function").ok_or_else(|| missing(&path))?, path)?;
    let (name, text) = (function.needed_text("name")?, function.needed_text("arguments")?);
    // A call that is put together from a stream's pieces keeps their number.
    call.pass_over(&["index"]);
    let general = |path: String| path.replacen(place, "messages[].tool_calls[]", 1);
    unknown.extend(call.unknown().chain(function.unknown()).map(general));
    let path = function.path("arguments");
    let refused = |reason: String| {
        let message = format!("`{path}` is no JSON text of an object: {reason}");
        Refusal::of_field(&path, message)
    };
    // A call without arguments is written so by some.
    let text = if text.trim().is_empty() { "{}" } else { text };
    match serde_json::from_str(text).map_err(|error| refused(error.to_string()))? {
        Value::Object(arguments) => Ok(ToolCall::new(id, name, arguments)),
        other => Err(refused(format!("`{}`", other.to_string().chars().take(NAME).collect::<String>()))),
    }
}

/// Refuses a result of which no earlier message makes the call; names the tool of each result.
pub fn name_results(messages: &mut [Message], path: &str) -> Result<(), Refusal> {
    let mut called = BTreeMap::new();
    for (place, message) in messages.iter_mut().enumerate() {
        called.extend(message.tool_calls.iter().map(|call| (call.id.clone(), call.function.name.clone())));
        if message.role != Role::Tool {
            continue;
        }
        let path = format!("{path}[{place}].tool_call_id");
        let id = message.tool_call_id.as_deref().ok_or_else(|| missing(&path))?;
        let Some(name) = called.get(id) else {
            return Err(Refusal::of_field(&path, format!("`{path}` is `{id}`, and no call before it has this id")));
        };
        message.name.get_or_insert_with(|| name.clone());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Asked, read_chat};
    use super::*;

    fn tool(name: &str, parameters: Value) -> Value {
        let function = json!({"name": name, "description": "d", "parameters": parameters, "strict": true});
        json!({"type": "function", "function": function})
    }

    fn body(more: Value) -> Value {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}]});
        for (key, value) in more.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    }

    #[test]
    fn tools_are_read_with_their_choice() {
        let schema = json!({"properties": {"a": {"type": "integer"}}});
        let tools = json!([tool("one", schema), {"type": "function", "function": {"name": "two", "odd": 1}}]);
        let read = |choice: Value| {
            read_chat(&body(json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": false}))).unwrap()
        };
        let named = json!({"type": "function", "function": {"name": "two"}});
        for (choice, expected) in [
            (json!(null), ToolChoice::Auto),
            (json!("auto"), ToolChoice::Auto),
            (json!("none"), ToolChoice::None),
            (json!("required"), ToolChoice::Required),
            (named, ToolChoice::Named(1)),
        ] {
            let tools = read(choice).tools.unwrap();
            assert_eq!((tools.choice, tools.parallel, tools.offered.len()), (expected, false, 2));
        }
        let ask = read(json!("auto"));
        assert_eq!(ask.unknown, ["tools[].function.odd"]);
        let parameters = |place: usize| ask.tools.as_ref().unwrap().offered[place].function.parameters.clone();
        assert_eq!(parameters(0), json!({"properties": {"a": {"type": "integer"}}, "type": "object"}));
        assert_eq!(parameters(1), json!({"type": "object", "properties": {}}));
        assert_eq!(read_chat(&body(json!({"tools": [], "tool_choice": "none"}))).unwrap().tools, None);
    }

    #[test]
    fn calls_and_results_of_a_history_are_read() {
        let call = json!({"id": "c1", "type": "function", "function": {"name": "one", "arguments": "{\"a\": 1}"}});
        let history = json!([{"role": "user", "content": "x"},
            {"role": "assistant", "content": null, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "done"}]);
        let Asked::Chat(messages) = read_chat(&body(json!({"messages": history}))).unwrap().asked else { panic!() };
        let arguments = json!({"a": 1}).as_object().unwrap().clone();
        assert_eq!(
            (messages[1].content.as_str(), &messages[1].tool_calls),
            ("", &vec![ToolCall::new("c1", "one", arguments)])
        );
        let result = &messages[2];
        assert_eq!(
            (result.role, result.tool_call_id.as_deref(), result.name.as_deref()),
            (Role::Tool, Some("c1"), Some("one"))
        );
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let nested = (0..40).fold(json!({}), |inner, _| json!({"properties": {"a": inner}}));
        let sound = tool("f", json!({}));
        let named = |name: &str| json!({"type": "function", "function": {"name": name}});
        for (more, param) in [
            (json!({"tools": {}}), "tools"),
            (json!({"tools": vec![sound.clone(); 200]}), "tools"),
            (json!({"tools": [1]}), "tools[0]"),
            (json!({"tools": [{"type": "custom"}]}), "tools[0].type"),
            (json!({"tools": [{"type": "function"}]}), "tools[0].function"),
            (json!({"tools": [sound, tool("a b", json!({}))]}), "tools[1].function.name"),
            (json!({"tools": [sound, sound]}), "tools[1].function.name"),
            (json!({"tools": [tool("f", json!("x"))]}), "tools[0].function.parameters"),
            (json!({"tools": [tool("f", json!({"type": "string"}))]}), "tools[0].function.parameters.type"),
            (json!({"tools": [tool("f", nested)]}), "tools[0].function.parameters"),
            (json!({"tools": [sound], "tool_choice": "some"}), "tool_choice"),
            (json!({"tools": [sound], "tool_choice": 1}), "tool_choice"),
            (json!({"tools": [sound], "tool_choice": {"type": "allowed_tools"}}), "tool_choice"),
            (json!({"tools": [sound], "tool_choice": named("g")}), "tool_choice.function.name"),
            (json!({"tools": [sound], "tool_choice": {"type": "function"}}), "tool_choice.function"),
            (json!({"tool_choice": "required"}), "tool_choice"),
            (json!({"tools": [sound], "parallel_tool_calls": "yes"}), "parallel_tool_calls"),
            (json!({"functions": [{"name": "f"}]}), "functions"),
        ] {
            let refusal = read_chat(&body(more.clone())).unwrap_err();
            assert_eq!(
                (refusal.param.as_deref(), refusal.status.as_u16()),
                (Some(param), 400),
                "{more}: {}",
                refusal.message
            );
        }
    }

    #[test]
    fn histories_that_cannot_be_used_are_named() {
        let call = |arguments: Value| json!({"id": "c", "function": {"name": "f", "arguments": arguments}});
        let said = |calls: Value| json!({"role": "assistant", "tool_calls": calls});
        let place = "messages[0].tool_calls[0].function.arguments";
        for (message, param) in [
            (said(json!([call(json!("{"))])), place),
            (said(json!([call(json!("[1]"))])), place),
            (said(json!([call(json!({"a": 1}))])), place),
            (said(json!([call(json!("[".repeat(5000)))])), place),
            (said(json!("x")), "messages[0].tool_calls"),
            (said(json!([{"function": {}}])), "messages[0].tool_calls[0].id"),
            (said(json!([])), "messages[0].content"),
            (json!({"role": "user", "content": "x", "tool_calls": [call(json!("{}"))]}), "messages[0].tool_calls"),
            (json!({"role": "assistant", "content": "x", "function_call": {"name": "f"}}), "messages[0].function_call"),
            (json!({"role": "tool", "content": "x"}), "messages[0].tool_call_id"),
            (json!({"role": "tool", "content": "x", "tool_call_id": "c"}), "messages[0].tool_call_id"),
            (json!({"role": "function", "content": "x", "name": "f"}), "messages[0].role"),
        ] {
            let refusal = read_chat(&body(json!({"messages": [message]}))).unwrap_err();
            assert_eq!((refusal.param.as_deref(), refusal.status.as_u16()), (Some(param), 400), "{}", refusal.message);
        }
    }
}
