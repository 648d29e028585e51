//! What is right in one answer, held against the expert's step. Knows no policy.

use lam_types::{Action, ArgKind, FunctionSpec, Step};
use serde::{Deserialize, Serialize};

/// What is right in one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepScore {
    /// The control is acceptable; without a control on the expert's side, none was named.
    pub object: bool,
    /// The function is the expert's.
    pub operation: bool,
    /// The status is the expert's.
    pub status: bool,
    /// All arguments are the expert's.
    pub argument: bool,
    /// Whether the texts among the arguments are the expert's; none where the expert gave no text.
    pub text_argument: Option<bool>,
    /// The answer could not be read: nothing in it is right.
    pub unreadable: bool,
}

impl StepScore {
    /// The paper's step success: object, operation and status.
    pub fn is_success(&self) -> bool {
        self.object && self.operation && self.status
    }
}

/// Scores an answer, or the lack of one, against the expert's step.
pub fn score_step(step: &Step, predicted: Option<&Action>, functions: &[FunctionSpec]) -> StepScore {
    let expected = &step.action;
    let texts = texts(expected, functions);
    let Some(predicted) = predicted else {
        let text_argument = (!texts.is_empty()).then_some(false);
        return StepScore { text_argument, unreadable: true, ..StepScore::default() };
    };
    let acceptable = acceptable(step);
    let same = |name: &&str| predicted.args.get(*name) == expected.args.get(*name);
    StepScore {
        object: match acceptable.is_empty() {
            true => predicted.control_label.is_empty(),
            false => acceptable.contains(&predicted.control_label),
        },
        operation: predicted.function == expected.function,
        status: predicted.status == expected.status,
        argument: predicted.args == expected.args,
        text_argument: (!texts.is_empty()).then(|| texts.iter().all(same)),
        unreadable: false,
    }
}

/// The labels that count as right: those that reach the same state, the expert's own among them.
pub(crate) fn acceptable(step: &Step) -> Vec<String> {
    let label = &step.action.control_label;
    if label.is_empty() {
        return Vec::new();
    }
    let mut labels = step.acceptable_labels.clone();
    if !labels.contains(label) {
        labels.push(label.clone());
    }
    labels
}

/// Names of the arguments that carry free text.
fn texts<'a>(action: &'a Action, functions: &[FunctionSpec]) -> Vec<&'a str> {
    let Some(function) = functions.iter().find(|function| function.name == action.function) else { return Vec::new() };
    let is_text = |name: &str| {
        let spec = function.args.iter().find(|spec| spec.name == name);
        spec.is_some_and(|spec| matches!(spec.kind, ArgKind::Text | ArgKind::DocumentText))
    };
    action.args.keys().map(String::as_str).filter(|name| is_text(name)).collect()
}
