//! A state as the compact template's prompt. Prompts are only written, never read back.

use lam_types::{PastAction, State, StepStatus};

use super::Compact;
use super::spacing::space_out;
use crate::PromptError;

impl Compact<'_> {
    /// The prompt for the next action.
    ///
    /// # Errors
    /// More than `most` tokens, as far as that shows before a text is split.
    pub(crate) fn action_prompt(&self, state: &State, most: usize) -> Result<Vec<u32>, PromptError> {
        let marks = self.markers;
        let mut ids: Vec<u32> = self.tokenizer.bos().into_iter().chain([marks.controls]).collect();
        self.add(&mut ids, &control_list(state), most)?;
        ids.push(marks.request);
        self.add(&mut ids, &space_out(&state.request), most)?;
        ids.push(marks.done);
        for (index, past) in state.previous_actions.iter().enumerate() {
            if index > 0 {
                ids.push(marks.semicolon);
            }
            self.add(&mut ids, &past_text(past), most)?;
            if past.outcome != StepStatus::Ok {
                ids.push(marks.failed);
            }
        }
        ids.push(marks.plan);
        self.tokenizer.check_fits(ids.len(), state.previous_plan.iter().map(String::as_str), most)?;
        ids.extend(self.steps(&state.previous_plan));
        ids.push(marks.answer);
        Ok(ids)
    }

    /// The prompt for a plan.
    ///
    /// # Errors
    /// As [`Compact::action_prompt`].
    pub(crate) fn plan_prompt(&self, task: &str, most: usize) -> Result<Vec<u32>, PromptError> {
        let mut ids: Vec<u32> = self.tokenizer.bos().into_iter().chain([self.markers.request]).collect();
        self.add(&mut ids, &space_out(task), most)?;
        ids.extend([self.markers.answer, self.markers.plan]);
        Ok(ids)
    }

    fn add(&self, ids: &mut Vec<u32>, text: &str, most: usize) -> Result<(), PromptError> {
        self.tokenizer.check_fits(ids.len(), [text], most)?;
        ids.extend(self.segment(text));
        Ok(())
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
