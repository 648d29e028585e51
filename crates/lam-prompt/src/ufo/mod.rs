//! UFO's prompts as our questions, and our actions as the answers that its agents read: v1.2.1, v2.0.0 and v3.
//!
//! A prompt is known by the labels of its slots, and what its answer must be by its own system text, never by a version
//! number: prompts are files that users change. The AppAgent's asks which action is next, which a model answers; the
//! HostAgent's and the evaluator's are answered by rule. Why: `crates/decisions/047`.

mod action;
mod answer;
mod evaluation;
mod functions;
mod history;
mod host;
mod slots;

use crate::{Message, Role};

pub use action::UfoAction;
pub use evaluation::UfoEvaluation;
pub use host::UfoHost;

/// What one of UFO's agents asks.
#[derive(Clone, Debug, PartialEq)]
pub enum UfoQuestion {
    /// The AppAgent: which action is next.
    Action(Box<UfoAction>),
    /// The HostAgent: which application works at which sub-task.
    Host(UfoHost),
    /// The evaluator: whether the request is fulfilled.
    Evaluation(UfoEvaluation),
}

/// Whether a user's text ends as the prompts that are answered do: a quick look before anything is read.
pub fn ends_as_ufo(text: &str) -> bool {
    text.trim_end().ends_with(slots::RESPONSE)
}

/// The question that messages ask, if they are a prompt of UFO's.
///
/// # Errors
/// A prompt of UFO's of which a slot or the functions' documentation cannot be read, or of an agent that is not
/// answered: the reason.
pub fn read_ufo(messages: &[Message]) -> Result<Option<UfoQuestion>, String> {
    let [system, user] = messages else { return Ok(None) };
    if (system.role, user.role) != (Role::System, Role::User) {
        return Ok(None);
    }
    let (system, user) = (system.content.as_str(), user.content.as_str());
    if let Some(slots) = slots::AppSlots::find(user) {
        return UfoAction::read(system, &slots).map(|action| Some(UfoQuestion::Action(Box::new(action))));
    }
    if let Some(slots) = slots::HostSlots::find(user) {
        return UfoHost::read(system, &slots).map(|host| Some(UfoQuestion::Host(host)));
    }
    if let Some(evaluation) = UfoEvaluation::find(system, user) {
        return Ok(Some(UfoQuestion::Evaluation(evaluation)));
    }
    if user.trim_end().ends_with(slots::SUMMARY) {
        return Err(format!("`{}`: summaries of experience are not made", slots::SUMMARY));
    }
    Ok(None)
}
