//! The labelled slots of UFO's user texts. What users, pages and documents say stands in them as it is, so that each
//! slot is looked for from the end: nothing that stands earlier can pass for it.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What stands before the slots of the AppAgent.
const CONTROLS: &str = "<Available Control Item:>";
const APP_REQUEST: &str = "<Overall User Request:>";
const APP_BEFORE: &str = "<Previous Sub-tasks Results:>";
const SUBTASK: &str = "<Sub-task for you to complete:>";
const LAST_ACTIONS: &str = "<The actions you took at the last step and their results:>";
const APPLICATION: &str = "<Current Application You are Working on:>";
/// Before the HostAgent's message and before the plan: in the full prompts and in the short ones.
const HOST_MESSAGE: [&str; 2] =
    ["<Message and Tips from the HostAgent:>", "<Message and Information from the HostAgent:>"];
const PLAN: [&str; 2] = ["<Your Next Plan:>", "<Previous Plan for the Sub-task:>"];
/// What stands before the slots of the HostAgent: in the versions before the third, and in that.
const APPLICATIONS: [&str; 2] = ["<Available Applications:>", "<Available Applications/Agents:>"];
const SUBTASKS: [&str; 2] = ["<Previous Sub-tasks:>", "<Earlier Sub-tasks Assigned and Completion Status:>"];
const HOST_PLAN: [&str; 2] = ["<Previous Plan:>", "<Future Plan Constructed in the last decision:>"];
const HOST_REQUEST: &str = "<Current User Request:>";
/// What stands before the evaluator's request.
pub(super) const EVALUATED: &str = "<Original Request:>";
/// What ends every prompt that wants an answer, and the one that wants a summary.
pub(super) const RESPONSE: &str = "<Your response:>";
pub(super) const SUMMARY: &str = "<Your Summarization:>";
/// What a screenshot is announced by, and what the blackboard and its steps begin with.
const SCREENSHOT: &str = "Current Screenshots:";
const BLACKBOARD: &str = "[Blackboard:]";
const STEPS: &str = "[Step Trajectories Completed Previously:]\n";
/// What the newest versions put around what a user wrote.
const WRAPPED: (&str, &str) = ("<user_input name=\"", "</user_input>");

/// The slots of the AppAgent that are read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AppSlots<'t> {
    /// JSON: the controls.
    pub controls: &'t str,
    /// What the user asks in all.
    pub request: &'t str,
    /// What this agent is asked.
    pub subtask: &'t str,
    /// JSON: the last step's actions; none in the short prompts.
    pub last_actions: Option<&'t str>,
    /// JSON: the steps that were left after the last one.
    pub plan: &'t str,
    /// The steps of the blackboard, from their JSON on.
    pub steps: Option<&'t str>,
    /// Whether screenshots stand before them.
    pub has_screenshots: bool,
}

impl<'t> AppSlots<'t> {
    pub(super) fn find(text: &'t str) -> Option<Self> {
        let full = [APP_REQUEST, APP_BEFORE, SUBTASK, LAST_ACTIONS, APPLICATION, HOST_MESSAGE[0], PLAN[0], RESPONSE];
        let short = [APP_REQUEST, APP_BEFORE, SUBTASK, APPLICATION, HOST_MESSAGE[1], PLAN[1], RESPONSE];
        let (before, request, subtask, last_actions, plan) = match find(text, full) {
            Some((before, [request, _, subtask, last, _, _, plan, _])) => (before, request, subtask, Some(last), plan),
            None => {
                let (before, [request, _, subtask, _, _, plan, _]) = find(text, short)?;
                (before, request, subtask, None, plan)
            }
        };
        let (before, controls) = first(before, &[CONTROLS])?;
        Some(Self {
            controls,
            request: unwrapped(request),
            subtask: unwrapped(subtask),
            last_actions,
            plan,
            steps: steps(before),
            has_screenshots: before.contains(SCREENSHOT),
        })
    }
}

/// The slots of the HostAgent that are read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HostSlots<'t> {
    /// JSON: the windows.
    pub applications: &'t str,
    /// JSON: what was assigned, and what came of it.
    pub subtasks: &'t str,
    /// What the user asks.
    pub request: &'t str,
}

impl<'t> HostSlots<'t> {
    pub(super) fn find(text: &'t str) -> Option<Self> {
        let slots = |version: usize| find(text, [SUBTASKS[version], HOST_PLAN[version], HOST_REQUEST, RESPONSE]);
        let (before, [subtasks, _, request, _]) = slots(1).or_else(|| slots(0))?;
        let (_, applications) = first(before, &APPLICATIONS)?;
        Some(Self { applications, subtasks, request: unwrapped(request) })
    }
}

/// The texts behind these labels, each of which begins a line, and what stands before them all.
fn find<'t, const N: usize>(text: &'t str, labels: [&str; N]) -> Option<(&'t str, [&'t str; N])> {
    let (mut rest, mut found) = (text, [""; N]);
    for (slot, label) in found.iter_mut().zip(labels).rev() {
        let at = rest.rfind(&format!("\n{label}"))?;
        *slot = rest[at + 1 + label.len()..].trim();
        rest = &rest[..at];
    }
    Some((rest, found))
}

/// The JSON list behind the first label, with what stands before it. It ends the text and stands on one line, which
/// what was written before may begin: parts of a message follow each other without a break.
fn first<'t>(text: &'t str, labels: &[&str]) -> Option<(&'t str, &'t str)> {
    let line = text.rfind('\n').map_or(0, |at| at + 1);
    let places = labels.iter().flat_map(|label| text[line..].match_indices(label));
    let mut slots = places.map(|(at, label)| (&text[..line + at], text[line + at + label.len()..].trim()));
    slots.find(|(_, slot)| serde_json::from_str::<Vec<Value>>(slot).is_ok()).or_else(|| {
        // Where none is a list, the first one is there to be named in an error.
        let place = labels.iter().filter_map(|label| Some((text[line..].find(label)?, label))).min()?;
        let (at, label) = place;
        Some((&text[..line + at], text[line + at + label.len()..].trim()))
    })
}

/// The blackboard's steps. It stands before everything that others wrote but its own, which is JSON without a line
/// break.
fn steps(before: &str) -> Option<&str> {
    let (_, steps) = before.strip_prefix(BLACKBOARD)?.split_once(STEPS)?;
    Some(steps)
}

/// What a user wrote, without what is put around it.
fn unwrapped(text: &str) -> &str {
    let inside = text.strip_prefix(WRAPPED.0).and_then(|rest| rest.strip_suffix(WRAPPED.1));
    inside.and_then(|rest| rest.split_once("\">")).map_or(text, |(_, inside)| inside)
}

/// A part of an object in a slot, under the first of the names that any version gives it.
pub(super) fn part<'v>(item: &'v Map<String, Value>, names: &[&str]) -> Option<&'v Value> {
    names.iter().find_map(|name| item.get(*name))
}

/// A slot's JSON; the error names the label.
pub(super) fn json<T: DeserializeOwned>(text: &str, label: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| format!("`{label}` {error}"))
}

/// The controls, as objects.
pub(super) fn controls(slots: &AppSlots<'_>) -> Result<Vec<Map<String, Value>>, String> {
    json(slots.controls, CONTROLS)
}

/// The last step's actions.
pub(super) fn last_actions(slots: &AppSlots<'_>) -> Result<Vec<Value>, String> {
    slots
        .last_actions
        .map_or(Ok(Vec::new()), |last| json::<Option<_>>(last, LAST_ACTIONS).map(Option::unwrap_or_default))
}

/// The plan: steps, one text, or nothing.
pub(super) fn plan(slots: &AppSlots<'_>) -> Result<Value, String> {
    json(slots.plan, PLAN[0])
}

/// The applications, as objects.
pub(super) fn applications(slots: &HostSlots<'_>) -> Result<Vec<Map<String, Value>>, String> {
    json(slots.applications, APPLICATIONS[0])
}

/// What was assigned before.
pub(super) fn subtasks(slots: &HostSlots<'_>) -> Result<Vec<Value>, String> {
    json::<Option<_>>(slots.subtasks, SUBTASKS[0]).map(Option::unwrap_or_default)
}
