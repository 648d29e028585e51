//! The JSON schemas of actions, observations and states, and what of an application stands beside them.
//!
//! OpenEnv's own server lets an environment add to its action's schema and to nothing else, so that version, functions
//! and abilities stand there, under `x-lam`: a server in Python can say them too.

use lam_env::Application;
use lam_types::{ArgKind, ControlType, FunctionSpec};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::payload::SCHEMA_VERSION;

/// Key below the action's schema.
pub const KEY: &str = "x-lam";

/// Sessions that one server may offer: each is a thread of its client.
const MOST_SESSIONS: usize = 4096;

/// What a client must know of an application before it asks anything of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// Version of actions and observations.
    pub version: u32,
    /// The functions that actions may call.
    pub functions: Vec<FunctionSpec>,
    /// Sessions at once.
    #[serde(default = "one")]
    pub max_sessions: usize,
    /// Whether `GET /tasks` draws tasks and `reset` takes a whole one.
    #[serde(default)]
    pub tasks: bool,
    /// Whether `acceptable_labels` is understood.
    #[serde(default)]
    pub acceptable_labels: bool,
    /// Version of the expert that `POST /expert` asks, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expert: Option<String>,
    /// Texts with the words of the application, of which a tokenizer can be made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vocabulary: Vec<String>,
    /// Name under which the server's command line knows the application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served_as: Option<String>,
}

fn one() -> usize {
    1
}

impl Described {
    /// An application of ours.
    pub fn of(app: &dyn Application, max_sessions: usize, served_as: Option<String>) -> Self {
        Self {
            version: SCHEMA_VERSION,
            functions: app.functions().to_vec(),
            max_sessions,
            tasks: true,
            acceptable_labels: true,
            expert: app.expert().map(|expert| expert.version()),
            vocabulary: app.vocabulary(),
            served_as,
        }
    }

    /// The same, when prompts and constraints can be made of it.
    ///
    /// # Errors
    /// Which function or argument cannot be offered, and why.
    pub fn checked(self) -> Result<Self, String> {
        let is_word =
            |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        for (place, function) in self.functions.iter().enumerate() {
            let name = &function.name;
            if !is_word(name) || self.functions[..place].iter().any(|other| other.name == *name) {
                return Err(format!(
                    "function {name:?}: a name is letters, digits and `_`, and stands for one function"
                ));
            }
            for arg in &function.args {
                let is_empty = match &arg.kind {
                    ArgKind::Integer { min, max } => min > max,
                    ArgKind::OneOf(words) => words.is_empty(),
                    _ => false,
                };
                if is_empty || !is_word(&arg.name) {
                    return Err(format!("function `{name}`: argument {:?} can hold nothing, or has no name", arg.name));
                }
            }
        }
        match self.max_sessions > MOST_SESSIONS {
            true => Err(format!("`max_sessions` = {}, at most {MOST_SESSIONS} are used", self.max_sessions)),
            false => Ok(self),
        }
    }

    /// The answer to `GET /schema`.
    pub fn schemas(&self) -> Value {
        let mut action = action_schema(&self.functions);
        action[KEY] = json!(self);
        json!({"action": action, "observation": observation_schema(), "state": state_schema()})
    }
}

fn object(title: &str, required: &[&str], properties: Value) -> Value {
    json!({
        "title": title,
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

fn action_schema(functions: &[FunctionSpec]) -> Value {
    let names: Vec<&str> = functions.iter().map(|function| function.name.as_str()).chain([""]).collect();
    let text = |description: &str| json!({"type": "string", "default": "", "description": description});
    object(
        "Action",
        &["function"],
        json!({
            "control_label": text("Label of the chosen control, or \"\"."),
            "control_text": text("Text of that control, or \"\"."),
            "function": {"type": "string", "enum": names, "description": "Function to call; \"\" for none."},
            "args": {"type": "object", "default": {}},
            "status": {"type": "string", "enum": ["CONTINUE", "FINISH"], "default": "CONTINUE"},
            "thought": text("Why this action."),
            "plan": {"type": "array", "items": {"type": "string"}, "default": []},
            "metadata": {"type": "object", "default": {}},
        }),
    )
}

fn observation_schema() -> Value {
    let or_null = |kind: &str| json!({"type": [kind, "null"], "default": null});
    let control = object(
        "Control",
        &["label", "control_text", "control_type"],
        json!({
            "label": {"type": "string"},
            "control_text": {"type": "string"},
            "control_type": {"type": "string", "enum": ControlType::ALL},
            "enabled": {"type": "boolean", "default": true},
            "selected": or_null("boolean"),
            "value": or_null("string"),
            "rectangle": or_null("object"),
        }),
    );
    object(
        "Observation",
        &["request", "application", "controls"],
        json!({
            "request": {"type": "string"},
            "application": {"type": "string"},
            "controls": {"type": "array", "items": control},
            "document": {"type": "string", "default": ""},
            "selection": {"type": "string", "default": ""},
            "last_action": or_null("object"),
            "step": {"type": "integer", "minimum": 0},
            "truncated": {"type": "boolean", "default": false},
            "success": or_null("boolean"),
            "error": or_null("string"),
            "verdict": or_null("object"),
            "task": or_null("object"),
        }),
    )
}

fn state_schema() -> Value {
    object(
        "State",
        &["step_count"],
        json!({
            "episode_id": {"type": ["string", "null"], "default": null},
            "step_count": {"type": "integer", "minimum": 0},
            "done": {"type": "boolean"},
            "task": {"type": ["object", "null"], "default": null},
        }),
    )
}
