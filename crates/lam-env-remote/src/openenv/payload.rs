//! What OpenEnv's messages carry: the actions and observations of this toolkit. Knows no message around them.

use lam_types::{Action, Args, Complete, Control, Observation, Status, StepStatus, Task, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A field of what the other side said; null where it has none, or is no object.
pub fn taken(value: &mut Value, key: &str) -> Value {
    value.get_mut(key).map(Value::take).unwrap_or_default()
}

/// Version of the actions and observations below. A change that the other side must know raises it.
pub const SCHEMA_VERSION: u32 = 1;

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
        Verdict {
            complete,
            reason: format!("the server gave {given}"),
            judge: "remote".to_owned(),
            sub_scores: Vec::new(),
        }
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
