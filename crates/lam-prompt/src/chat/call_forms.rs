//! The common forms of calls that are whole. Knows nothing of pieces.

use serde_json::{Map, Value};

/// What stands before and after a call in Hermes' form.
pub(crate) const OPEN: &str = "<tool_call>";
pub(crate) const CLOSE: &str = "</tool_call>";
/// What stands before Mistral's calls: a list of them, or a name and its arguments.
pub(crate) const MISTRAL: &str = "[TOOL_CALLS]";
/// What Llama may write before an object.
pub(crate) const PYTHON: &str = "<|python_tag|>";
/// Texts of tokens that belong to these forms, and that a tokenizer may take for special ones.
pub(crate) const MARKS: [&str; 6] = [OPEN, CLOSE, MISTRAL, PYTHON, "[ARGS]", "[CALL_ID]"];

/// A call in Hermes' form; `call` is an object with `name` and `arguments`.
pub(crate) fn tagged(call: &str) -> String {
    format!("{OPEN}\n{call}\n{CLOSE}")
}

/// A call that is whole.
pub(super) type Call = (String, Map<String, Value>);

/// An object with a name and arguments, or a list of them.
pub(super) fn json(text: &str) -> Option<Vec<Call>> {
    let text = text.trim();
    let value = serde_json::from_str(text.strip_prefix(PYTHON).unwrap_or(text)).ok()?;
    match value {
        Value::Array(list) => list.into_iter().map(call).collect(),
        value => Some(vec![call(value)?]),
    }
}

fn call(value: Value) -> Option<Call> {
    let Value::Object(mut object) = value else { return None };
    let arguments = object.remove("arguments").or_else(|| object.remove("parameters"))?;
    let arguments = match arguments {
        Value::Object(arguments) => arguments,
        Value::String(text) => serde_json::from_str(&text).ok()?,
        _ => return None,
    };
    Some((object.get("name")?.as_str()?.to_owned(), arguments))
}

/// Mistral's calls: JSON as above, or `NAME[ARGS]{…}` with an id between in some versions, each behind the mark.
pub(super) fn mistral(text: &str) -> Option<Vec<Call>> {
    if text.trim_start().starts_with(['[', '{']) {
        return json(text);
    }
    let named = |part: &str| {
        let (head, arguments) = part.split_at(part.find('{')?);
        let name = head.split('[').next()?.trim();
        Some((name.to_owned(), serde_json::from_str(arguments.trim()).ok()?))
    };
    text.split(MISTRAL).map(named).collect()
}
