//! One running editor: starts a task, carries actions out, judges the final state.

use lam_env::{EnvError, Environment, Outcome};
use lam_types::{Action, Complete, Observation, StepStatus, Task, Verdict};

use crate::document::Difference;
use crate::editor::Editor;
use crate::family::CATALOG;
use crate::instance::{self, Instance};
use crate::perform::{Performed, perform};
use crate::screen::{Role, observe, screen};

/// The embedded editor as an environment.
#[derive(Debug, Default)]
pub struct SimEnvironment {
    running: Option<(Editor, Editor)>,
}

impl SimEnvironment {
    /// The editor as it is now, if a task was started.
    pub fn editor(&self) -> Option<&Editor> {
        self.running.as_ref().map(|(editor, _)| editor)
    }

    fn running(&mut self) -> Result<&mut (Editor, Editor), EnvError> {
        self.running.as_mut().ok_or_else(EnvError::not_started)
    }
}

impl Environment for SimEnvironment {
    fn reset(&mut self, task: &Task) -> Result<Observation, EnvError> {
        let family = CATALOG.get(&task.task_id, &task.family)?;
        let Instance { start, goal, .. } = instance::draw(family, task.seed, task.split, task.phrasing);
        let observation = observe(&start);
        self.running = Some((start, goal));
        Ok(observation)
    }

    fn act(&mut self, action: &Action) -> Result<Outcome, EnvError> {
        let (editor, _) = self.running()?;
        let Performed { status, message } = perform(editor, action);
        Ok(Outcome { status, message, observation: observe(editor) })
    }

    fn verify(&mut self) -> Result<Verdict, EnvError> {
        let (editor, goal) = self.running()?;
        let (complete, reason) = match goal.difference(editor) {
            None => (Complete::Yes, "the document is as it was asked for".to_owned()),
            Some(Difference { part, expected, found }) => {
                let verb = if part.ends_with('s') { "are" } else { "is" };
                (Complete::No, format!("the {part} {verb} not as asked for; expected: {expected}; found: {found}"))
            }
        };
        Ok(Verdict { complete, reason, judge: "state".to_owned(), sub_scores: Vec::new() })
    }

    fn acceptable_labels(&mut self, action: &Action) -> Vec<String> {
        self.running.as_ref().map(|(editor, _)| acceptable(editor, action)).unwrap_or_default()
    }
}

/// Controls of the same kind that mean the same, tried one by one; text areas mean only themselves.
fn acceptable(editor: &Editor, action: &Action) -> Vec<String> {
    let shown = screen(editor);
    let chosen = action.control_label.parse::<usize>().ok().and_then(|label| shown.get(label.checked_sub(1)?));
    let Some(chosen) = chosen else {
        return Vec::new();
    };
    let mut reached = editor.clone();
    if perform(&mut reached, action).status != StepStatus::Ok {
        return Vec::new();
    }
    let means_the_same = |role: &Role| role == &chosen.role;
    let labels = shown.iter().enumerate().filter(|(_, other)| other.kind == chosen.kind && other.name == chosen.name);
    let labels = labels.filter(|(_, other)| means_the_same(&other.role)).map(|(index, _)| (index + 1).to_string());
    labels.filter(|label| *label == action.control_label || reaches(editor, &reached, action, label)).collect()
}

fn reaches(editor: &Editor, reached: &Editor, action: &Action, label: &str) -> bool {
    let mut other = editor.clone();
    let action = Action { control_label: label.to_owned(), ..action.clone() };
    perform(&mut other, &action).status == StepStatus::Ok && other == *reached
}
