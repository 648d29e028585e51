//! A state as the compact template's prompt. Prompts are only written, never read back.

use lam_types::{PastAction, State, StepStatus};

use super::Compact;
use super::spacing::space_out;

impl Compact<'_> {
    /// The prompt for the next action.
    pub(crate) fn action_prompt(&self, state: &State) -> Vec<u32> {
        let marks = self.markers;
        let mut ids: Vec<u32> = self.tokenizer.bos().into_iter().chain([marks.controls]).collect();
        ids.extend(self.segment(&control_list(state)));
        ids.push(marks.request);
        ids.extend(self.segment(&space_out(&state.request)));
        ids.push(marks.done);
        for (index, past) in state.previous_actions.iter().enumerate() {
            if index > 0 {
                ids.push(marks.semicolon);
            }
            ids.extend(self.segment(&past_text(past)));
            if past.outcome != StepStatus::Ok {
                ids.push(marks.failed);
            }
        }
        ids.push(marks.plan);
        ids.extend(self.steps(&state.previous_plan));
        ids.push(marks.answer);
        ids
    }

    /// The prompt for a plan.
    pub(crate) fn plan_prompt(&self, task: &str) -> Vec<u32> {
        let mut ids: Vec<u32> = self.tokenizer.bos().into_iter().chain([self.markers.request]).collect();
        ids.extend(self.segment(&space_out(task)));
        ids.extend([self.markers.answer, self.markers.plan]);
        ids
    }

    /// The steps of a plan, each after one space, separated. A separator follows a last step without text.
    pub(crate) fn steps(&self, plan: &[String]) -> Vec<u32> {
        let mut ids = Vec::new();
        for (index, step) in plan.iter().enumerate() {
            if index > 0 {
                ids.push(self.markers.semicolon);
            }
            ids.extend(self.segment(step));
        }
        if plan.last().is_some_and(String::is_empty) {
            ids.push(self.markers.semicolon);
        }
        ids
    }
}

/// `NAME LABEL NAME LABEL …`
fn control_list(state: &State) -> String {
    let pairs: Vec<String> = state
        .observation
        .controls
        .iter()
        .map(|control| format!("{} {}", control.control_text, control.label))
        .collect();
    pairs.join(" ")
}

/// `FUNCTION NAME VALUES`
fn past_text(past: &PastAction) -> String {
    let values = past.args.values().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    let parts = [past.function.clone(), past.control_name.clone()].into_iter().chain(values);
    parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
