//! The HostAgent's question, answered by rule: the sub-task is what the user asks, and one window works at it.

use serde_json::{Map, Value, json};

use super::slots::{self, HostSlots, part};
use crate::answer::foreign::text;
use crate::answer::spaced;

/// What the third version calls an agent that is no window.
const NO_WINDOW: &str = "third_party_agent";

/// Which application works at which sub-task, as UFO's HostAgent asks it.
#[derive(Clone, Debug, PartialEq)]
pub struct UfoHost {
    is_third: bool,
    request: String,
    /// Label and title of each window.
    windows: Vec<(String, String)>,
    /// What came of the request, if it was assigned before.
    outcome: Option<String>,
}

/// An answer's parts.
struct Answer<'a> {
    thought: String,
    subtask: &'a str,
    window: Option<&'a (String, String)>,
    status: &'a str,
}

impl UfoHost {
    pub(super) fn read(system: &str, slots: &HostSlots<'_>) -> Result<Self, String> {
        let windows = slots::applications(slots)?;
        let outcome = |item: &Value| {
            let is_ours = item["subtask"].as_str().is_some_and(|text| text.trim() == slots.request);
            is_ours.then(|| item["status"].as_str().unwrap_or_default().to_owned())
        };
        Ok(Self {
            is_third: system.contains("\"current_subtask\""),
            request: slots.request.to_owned(),
            windows: windows.iter().filter(|item| item.get("kind") != Some(&json!(NO_WINDOW))).map(window).collect(),
            outcome: slots::subtasks(slots)?.iter().rev().find_map(outcome),
        })
    }

    /// The answer: the request is assigned to a window, or, once that has been, it is over. The window is the one whose
    /// title holds `application`; without that, the one of whose title the request says most, the first of several: UFO
    /// lists the foremost first.
    pub fn answer(&self, application: Option<&str>) -> String {
        let over = |status, thought| Answer { thought, subtask: "", window: None, status };
        self.write(&match (&self.outcome, self.choose(application)) {
            (Some(outcome), _) => {
                let status = if outcome == "FINISH" { "FINISH" } else { "FAIL" };
                over(status, format!("The request was assigned as one sub-task, which ended with {outcome}."))
            }
            (None, Ok(window)) => Answer {
                thought: format!("By rule: the request is one sub-task, for the window `{}`.", window.1),
                subtask: &self.request,
                window: Some(window),
                status: "ASSIGN",
            },
            (None, Err(reason)) => over("FAIL", reason),
        })
    }

    fn choose(&self, application: Option<&str>) -> Result<&(String, String), String> {
        if let Some(part) = application {
            let wanted = part.to_lowercase();
            let found = self.windows.iter().find(|(_, title)| title.to_lowercase().contains(&wanted));
            return found.ok_or_else(|| format!("No window has `{part}` in its title."));
        }
        let asked = words(&self.request);
        let score = |window: &&(String, String)| words(&window.1).iter().filter(|word| asked.contains(word)).count();
        // `max_by_key` would take the last of equals.
        self.windows.iter().rev().max_by_key(score).ok_or_else(|| "No window is open.".to_owned())
    }

    fn write(&self, answer: &Answer<'_>) -> String {
        let Answer { thought, subtask, window, status } = answer;
        // The end is told in a comment, too, which is what people are shown.
        let comment = if window.is_none() { thought.as_str() } else { "" };
        let seen = format!("{} windows are open.", self.windows.len());
        let (label, title) = window.map_or(("", ""), |(label, title)| (label, title));
        if !self.is_third {
            return spaced(&json!({
                "Observation": seen, "Thought": thought, "CurrentSubtask": subtask, "Message": [],
                "ControlLabel": label, "ControlText": title, "Status": status, "Plan": [], "Bash": "",
                "Questions": [], "Comment": comment,
            }));
        }
        let (function, arguments) = match window {
            Some(_) => ("select_application_window", json!({"id": label, "name": title})),
            None => ("", json!({})),
        };
        spaced(&json!({
            "observation": seen, "thought": thought, "current_subtask": subtask, "message": [], "status": status,
            "plan": [], "function": function, "arguments": arguments, "questions": [], "comment": comment,
            "result": comment,
        }))
    }
}

/// Label and title under the names that any version gives them.
fn window(item: &Map<String, Value>) -> (String, String) {
    let part = |names: [&str; 2]| part(item, &names).map(text).unwrap_or_default();
    (part(["label", "id"]), part(["control_text", "name"]))
}

/// The words of a text that say something, in small letters.
fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() > 2);
    words.map(str::to_lowercase).collect()
}
