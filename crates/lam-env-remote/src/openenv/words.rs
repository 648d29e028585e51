//! What both sides of OpenEnv's protocol say: messages, and the actions and observations of this toolkit in them.

use lam_types::{
    Action, Args, Complete, Control, Observation, Phrasing, Split, Status, StepStatus, Task, Verdict,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Version of the actions and observations below. A change that the other side must know raises it.
pub const SCHEMA_VERSION: u32 = 1;

/// OpenEnv's error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// No JSON.
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

    /// As a message, with what else belongs into its data.
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
        return Err(invalid(format!("unknown field `{key}`, expected `type` and `data`")));
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

/// An action on the wire: the paper's keys, with UFO's name for the control's text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WireAction {
    #[serde(default)]
    control_label: String,
    #[serde(default)]
    control_text: String,
    function: String,
    #[serde(default)]
    args: Args,
    #[serde(default = "going_on")]
    status: Status,
    #[serde(default)]
    thought: String,
    #[serde(default)]
    plan: Vec<String>,
    /// OpenEnv's own field, which every typed client sends along.
    #[serde(default, skip_serializing)]
    metadata: Map<String, Value>,
}

fn going_on() -> Status {
    Status::Continue
}

impl From<WireAction> for Action {
    fn from(wire: WireAction) -> Self {
        let WireAction { control_label, control_text, function, args, status, thought, plan, .. } = wire;
        Action { thought, control_label, control_name: control_text, function, args, status, plan }
    }
}

impl From<&Action> for WireAction {
    fn from(action: &Action) -> Self {
        let Action { thought, control_label, control_name, function, args, status, plan } = action.clone();
        let metadata = Map::new();
        Self { control_label, control_text: control_name, function, args, status, thought, plan, metadata }
    }
}

/// What came of the last action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastAction {
    /// `ok`, or why it had no effect.
    pub status: StepStatus,
    /// What the application said.
    #[serde(default)]
    pub message: String,
}

/// An observation on the wire. What OpenEnv has no place for (truncation, success, errors) stands in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WireObservation {
    /// What is asked.
    pub request: String,
    /// Application that is shown.
    #[serde(default)]
    pub application: String,
    /// Controls on the screen, in label order.
    pub controls: Vec<Control>,
    /// The document's text, one line a paragraph.
    #[serde(default)]
    pub document: String,
    /// The selected text.
    #[serde(default)]
    pub selection: String,
    /// What came of the last action; none right after the reset.
    pub last_action: Option<LastAction>,
    /// Actions taken in this episode.
    #[serde(default)]
    pub step: u32,
    /// Whether a limit ended the episode.
    #[serde(default)]
    pub truncated: bool,
    /// Whether the task is fulfilled; none before the end, and where nobody can tell.
    pub success: Option<bool>,
    /// Why the last action had no effect, or why the episode was cut off.
    pub error: Option<String>,
    /// The whole verdict, at the end.
    pub verdict: Option<Verdict>,
    /// The task, right after the reset.
    pub task: Option<Task>,
}

/// The data of an answer to `reset` and `step`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What is seen.
    pub observation: WireObservation,
    /// 1 for a fulfilled task, 0 for another; none before the end.
    #[serde(default, deserialize_with = "reward")]
    pub reward: Option<f64>,
    /// Whether the episode is over.
    #[serde(default)]
    pub done: bool,
}

/// Python's rewards are numbers or truth values.
fn reward<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_f64().or_else(|| value.as_bool().map(|won| if won { 1.0 } else { 0.0 })))
}

impl Answer {
    /// The verdict at the end of an episode; servers other than ours say only success or reward.
    pub fn verdict(&self) -> Verdict {
        if let Some(verdict) = &self.observation.verdict {
            return verdict.clone();
        }
        let fulfilled = self.observation.success.or_else(|| self.reward.map(|reward| reward > 0.0));
        let complete = match fulfilled.filter(|_| self.done) {
            Some(true) => Complete::Yes,
            Some(false) => Complete::No,
            None => Complete::Unsure,
        };
        let given = self.reward.map_or("no reward".to_owned(), |reward| format!("reward {reward}"));
        Verdict { complete, reason: format!("the server gave {given}"), judge: "remote".to_owned(), sub_scores: Vec::new() }
    }

    /// What a policy sees of it.
    pub fn screen(&self) -> Observation {
        let WireObservation { controls, document, selection, .. } = self.observation.clone();
        Observation { controls, document, selection }
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn success_is_read_from_what_a_server_says() {
        let complete = |success: &str, reward: &str, done: bool| {
            let seen = format!(r#"{{"request":"","controls":[],"success":{success}}}"#);
            let text = format!(r#"{{"observation":{seen},"reward":{reward},"done":{done}}}"#);
            serde_json::from_str::<Answer>(&text).expect("an answer").verdict().complete
        };
        assert_eq!(complete("null", "1", true), Complete::Yes);
        assert_eq!(complete("null", "true", true), Complete::Yes);
        assert_eq!(complete("false", "1", true), Complete::No);
        assert_eq!(complete("null", "null", true), Complete::Unsure);
        assert_eq!(complete("null", "1", false), Complete::Unsure);
    }
}
