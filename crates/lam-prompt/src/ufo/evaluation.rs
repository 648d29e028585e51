//! The evaluator's question, answered by rule: a model of actions does not judge, and its own actions least of all.

use serde_json::json;

use super::ends_as_ufo;
use super::slots::EVALUATED;
use crate::answer::spaced;

/// Whether a request is fulfilled, as UFO's evaluator asks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UfoEvaluation {
    /// Whether partial scores are a list of objects, as since the third version, or one object.
    is_listed: bool,
}

impl UfoEvaluation {
    pub(super) fn find(system: &str, user: &str) -> Option<Self> {
        let (_, form) = system.split_once("\"sub_scores\":")?;
        let is_asked = user.contains(EVALUATED) && ends_as_ufo(user);
        is_asked.then(|| Self { is_listed: form.trim_start().starts_with('[') })
    }

    /// The answer: not known.
    pub fn answer(&self) -> String {
        let reason = "The model chooses actions and does not judge what came of them.";
        let sub_scores = if self.is_listed { json!([]) } else { json!({}) };
        spaced(&json!({"reason": reason, "sub_scores": sub_scores, "complete": "unsure"}))
    }
}
