//! Objects in App. C's keys, UFO's classic keys or UFO's third schema, as one of our actions.

use lam_types::{Action, Args, Status};
use serde_json::{Map, Value};

/// Keys under which a field is known, without case and underscores.
const THOUGHT: [&str; 1] = ["thought"];
const LABEL: [&str; 2] = ["controllabel", "label"];
const NAME: [&str; 2] = ["controlname", "controltext"];
const FUNCTION: [&str; 1] = ["function"];
const ARGS: [&str; 2] = ["args", "arguments"];
const STATUS: [&str; 1] = ["status"];
const PLAN: [&str; 1] = ["plan"];
/// Where UFO keeps the call itself.
const NESTED: [&str; 2] = ["action", "actionlist"];

/// What UFO's version 2 and earlier write for a plan of which no step is left.
pub(crate) const NO_STEP: &str = "<FINISH>";

/// The action that `object` describes.
pub(super) fn action(object: &Map<String, Value>) -> Result<Action, String> {
    let nested = match find(object, &NESTED) {
        Some(Value::Array(calls)) => calls.first().and_then(Value::as_object),
        Some(value) => value.as_object(),
        None => None,
    };
    let is_answer = nested.is_some() || find(object, &FUNCTION).is_some() || find(object, &STATUS).is_some();
    if !is_answer {
        return Err("the object has no function, action or status".to_owned());
    }
    let call = nested.unwrap_or(object);
    let mut args = args(find(call, &ARGS))?;
    let mut control = |keys: &[&str], inside: &str| {
        let outside = find(call, keys).map(text);
        let inside =
            if outside.is_none() && nested.is_some() { args.shift_remove(inside).as_ref().map(text) } else { None };
        outside.or(inside).unwrap_or_default()
    };
    let control_label = control(&LABEL, "id");
    let control_name = control(&NAME, "name");
    let function = find(call, &FUNCTION).map(text).unwrap_or_default();
    let status = find(call, &STATUS).or_else(|| find(object, &STATUS)).map(text).unwrap_or_default();
    Ok(Action {
        thought: find(object, &THOUGHT).map(text).unwrap_or_default(),
        control_label,
        control_name,
        status: self::status(&status, &function)?,
        function,
        args,
        plan: plan(find(object, &PLAN)),
    })
}

fn find<'a>(object: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    let plain = |key: &str| key.replace(['_', ' '], "").to_lowercase();
    object.iter().find(|(key, _)| names.contains(&plain(key).as_str())).map(|(_, value)| value)
}

/// A value as text: strings as they are, nothing for null, other values as JSON.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// An object, the text of an object, or nothing.
fn args(value: Option<&Value>) -> Result<Args, String> {
    match value {
        None | Some(Value::Null) => Ok(Args::new()),
        Some(Value::Object(args)) => Ok(args.clone()),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(Args::new()),
        Some(Value::String(text)) => super::relaxed::read_object(text.trim()),
        Some(other) => Err(format!("args `{other}` is not an object")),
    }
}

/// The status; a missing one means FINISH where nothing is called, as in UFO.
fn status(word: &str, function: &str) -> Result<Status, String> {
    match word.trim().to_uppercase().as_str() {
        "CONTINUE" => Ok(Status::Continue),
        "FINISH" => Ok(Status::Finish),
        "" if function.is_empty() => Ok(Status::Finish),
        "" => Ok(Status::Continue),
        _ => Err(format!("status `{word}` is neither CONTINUE nor FINISH")),
    }
}

/// The steps; one text is one step, and [`NO_STEP`] none.
fn plan(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(steps)) => steps.iter().map(text).collect(),
        Some(Value::String(step)) if !step.is_empty() && step != NO_STEP => vec![step.clone()],
        _ => Vec::new(),
    }
}
