//! OpenEnv's messages: what a client may say, and how it is told that it may not. Knows no socket.

use lam_types::{Action, Phrasing, Split, Task};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::payload::WireAction;

/// OpenEnv's error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Not JSON.
    InvalidJson,
    /// A message of no known type.
    UnknownType,
    /// A field too many, too few, or of the wrong kind.
    ValidationError,
    /// The environment failed, or cannot do this now.
    ExecutionError,
    /// No session is free.
    CapacityReached,
    /// The instance could not be started.
    FactoryError,
    /// The session is over.
    SessionError,
}

impl Code {
    /// OpenEnv's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::InvalidJson => "INVALID_JSON",
            Code::UnknownType => "UNKNOWN_TYPE",
            Code::ValidationError => "VALIDATION_ERROR",
            Code::ExecutionError => "EXECUTION_ERROR",
            Code::CapacityReached => "CAPACITY_REACHED",
            Code::FactoryError => "FACTORY_ERROR",
            Code::SessionError => "SESSION_ERROR",
        }
    }
}

/// A message that is answered with an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of error.
    pub code: Code,
    /// In words.
    pub message: String,
}

impl Refusal {
    /// An error of this kind.
    pub fn new(code: Code, message: impl std::fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }

    /// As a message, with what else belongs to its data.
    pub fn to_message(&self, more: &Value) -> Value {
        let mut data = json!({"message": self.message, "code": self.code.as_str()});
        if self.code == Code::ValidationError {
            data["errors"] = json!([{"type": "value_error", "loc": ["data"], "msg": self.message}]);
        }
        for (key, value) in more.as_object().into_iter().flatten() {
            data[key] = value.clone();
        }
        json!({"type": "error", "data": data})
    }
}

/// What a client asks of its session.
#[derive(Clone, Debug)]
pub enum Call {
    /// Start an episode.
    Reset(Box<Reset>),
    /// Carry out an action.
    Step(Box<Action>),
    /// Which controls would do the same; a word of this toolkit.
    AcceptableLabels(Box<Action>),
    /// How far the episode is.
    State,
}

/// A message from a client.
#[derive(Clone, Debug)]
pub enum Incoming {
    /// Something to be answered.
    Call(Call),
    /// Goodbye.
    Close,
}

/// Reads a client's message.
///
/// # Errors
/// With the code that OpenEnv has for it.
pub fn incoming(text: &str) -> Result<Incoming, Refusal> {
    let value: Value = serde_json::from_str(text).map_err(|error| Refusal::new(Code::InvalidJson, error))?;
    let invalid = |message: String| Refusal::new(Code::ValidationError, message);
    let Value::Object(mut message) = value else { return Err(invalid("a message is an object".to_owned())) };
    let kind = match message.remove("type") {
        Some(Value::String(kind)) => kind,
        _ => String::new(),
    };
    let data = message.remove("data");
    if let Some(key) = message.keys().next() {
        return Err(invalid(format!("holds `{key}`; a message has `type` and `data` alone")));
    }
    let data = data.unwrap_or_else(|| Value::Object(Map::new()));
    Ok(Incoming::Call(match kind.as_str() {
        "reset" => Call::Reset(Box::new(read(data)?)),
        "step" => Call::Step(Box::new(read::<WireAction>(data)?.into())),
        "acceptable_labels" => Call::AcceptableLabels(Box::new(read::<WireAction>(data)?.into())),
        "state" => Call::State,
        "close" => return Ok(Incoming::Close),
        unknown => {
            let known = "known are reset, step, state, close, acceptable_labels";
            return Err(Refusal::new(Code::UnknownType, format!("unknown message type `{unknown}`, {known}")));
        }
    }))
}

fn read<T: DeserializeOwned>(data: Value) -> Result<T, Refusal> {
    serde_json::from_value(data).map_err(|error| Refusal::new(Code::ValidationError, error))
}

/// Which episode to start: a whole task, or what one is drawn by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reset {
    /// Seed of the draw; without one, every reset of a session draws another task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Name of the episode, given back by `state`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub episode_id: Option<String>,
    /// The very task, as `GET /tasks` gives it; excludes the fields below and the seed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<Task>,
    /// Family the task is drawn from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Set the task is drawn from, `test` without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// Wordings it may come in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phrasing: Option<Phrasing>,
    /// Another request for the start state that is drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

#[cfg(test)]
mod tests {
    use lam_types::Status;

    use super::*;

    fn refused(text: &str) -> (Code, String) {
        let refusal = incoming(text).expect_err("a refusal");
        (refusal.code, refusal.message)
    }

    #[test]
    fn every_misfit_has_openenvs_code_and_names_the_field() {
        assert_eq!(refused("{").0, Code::InvalidJson);
        assert_eq!(refused("[1]").0, Code::ValidationError);
        assert_eq!(refused(r#"{"data":{}}"#).0, Code::UnknownType);
        let (code, message) = refused(r#"{"type":"fly"}"#);
        assert!(code == Code::UnknownType && message.contains("`fly`"), "{message}");
        for (text, field) in [
            (r#"{"type":"reset","data":{},"extra":1}"#, "`extra`"),
            (r#"{"type":"reset","data":{"sed":1}}"#, "`sed`"),
            (r#"{"type":"step","data":{"function":"x","arg":{}}}"#, "`arg`"),
            (r#"{"type":"step","data":{"args":{}}}"#, "`function`"),
            (r#"{"type":"step","data":{"function":"x","status":"STOP"}}"#, "`STOP`"),
        ] {
            let (code, message) = refused(text);
            assert!(code == Code::ValidationError && message.contains(field), "{text}: {message}");
        }
    }

    #[test]
    fn a_typed_clients_metadata_is_allowed() {
        let data = r#"{"metadata":{},"function":"click_input","control_label":"1","control_text":"Bold"}"#;
        let text = &format!(r#"{{"type":"step","data":{data}}}"#);
        let Ok(Incoming::Call(Call::Step(action))) = incoming(text) else { panic!("a step") };
        assert_eq!((action.control_name.as_str(), action.status), ("Bold", Status::Continue));
        assert_eq!(Action::from(WireAction::from(&*action)), *action);
    }
}
