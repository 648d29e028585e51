//! A desktop as an environment: starts a task from its template, carries actions out, judges what lies on the disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lam_env::{EnvError, Environment, Outcome, call_problem};
use lam_types::{Action, Complete, FunctionSpec, Observation, StepStatus, Task, Verdict};

use crate::application::ApplicationFile;
use crate::document::write_docx;
use crate::fault::Fault;
use crate::instance::Instance;
use crate::screenshots::Screenshots;
use crate::tasks::{self, Found, judge};

/// Longest time a reset may take beyond the application's own limit.
const RESET_GRACE: Duration = Duration::from_secs(60);
/// Longest time an action, a look or a save may take.
const CALL_LIMIT: Duration = Duration::from_secs(120);
/// Longest account of an environment change in a verdict, in characters.
const MOST_CHANGE_CHARS: usize = 600;

/// One running application.
pub struct DesktopEnvironment {
    file: Arc<ApplicationFile>,
    functions: Arc<Vec<FunctionSpec>>,
    instance: Instance,
    task: Option<tasks::Instance>,
    observation: Observation,
    screenshots: Option<Screenshots>,
}

impl DesktopEnvironment {
    /// An environment on this desktop.
    pub(crate) fn new(
        file: Arc<ApplicationFile>,
        functions: Arc<Vec<FunctionSpec>>,
        instance: Instance,
        screenshots: Option<PathBuf>,
    ) -> Self {
        let screenshots = screenshots.map(Screenshots::new);
        Self { file, functions, instance, task: None, observation: Observation::default(), screenshots }
    }

    fn task(&self, task: &Task) -> Result<Option<tasks::Instance>, EnvError> {
        if task.family.is_empty() {
            return Ok(None);
        }
        let family = tasks::family(&self.file.name, &task.family)
            .ok_or_else(|| tasks::unknown_family(&self.file.name, &task.task_id, &task.family))?;
        Ok(Some(tasks::instance(family, task.seed, task.split, task.phrasing)))
    }

    /// The files an episode starts with; the first is opened.
    fn files(&self, start: Option<&tasks::Instance>) -> Vec<(String, Vec<u8>)> {
        if self.file.document.is_empty() {
            return Vec::new();
        }
        let start = start.map(|task| task.start.clone()).unwrap_or_default();
        let bytes = match self.file.document.ends_with(".txt") {
            true => format!("{}\n", start.text()).into_bytes(),
            false => write_docx(&start),
        };
        vec![(self.file.document.clone(), bytes)]
    }

    /// The verdict on a task that no family knows.
    fn without_predicate(&self) -> Result<Verdict, EnvError> {
        if self.observation.controls.is_empty() {
            return Err(EnvError::Usage("no task was started\nhint: call reset before act and verify".into()));
        }
        let reason = "only tasks of a family have a predicate".to_owned();
        Ok(Verdict { complete: Complete::Unsure, reason, judge: "state".to_owned(), sub_scores: Vec::new() })
    }

    fn photograph(&mut self) -> Result<(), EnvError> {
        if let Some(screenshots) = &mut self.screenshots {
            let image = self.instance.ask(CALL_LIMIT, |session| session.screenshot())?;
            screenshots.keep(&image)?;
        }
        Ok(())
    }
}

impl Environment for DesktopEnvironment {
    fn reset(&mut self, task: &Task) -> Result<Observation, EnvError> {
        self.task = self.task(task)?;
        let files = self.files(self.task.as_ref());
        let limit = Duration::from_secs(self.file.ready.seconds) + RESET_GRACE;
        self.observation = self.instance.ask(limit, move |session| session.open(&files))?;
        if let Some(screenshots) = &mut self.screenshots {
            screenshots.begin(&task.task_id)?;
        }
        self.photograph()?;
        Ok(self.observation.clone())
    }

    fn act(&mut self, action: &Action) -> Result<Outcome, EnvError> {
        if let Some(message) = call_problem(action, &self.functions, &self.observation) {
            let observation = self.observation.clone();
            return Ok(Outcome { status: StepStatus::InvalidAction, message, observation });
        }
        let action = action.clone();
        let (done, observation) = self.instance.ask(CALL_LIMIT, move |session| session.perform(&action))?;
        self.observation = observation.clone();
        self.photograph()?;
        match done {
            Ok(message) => Ok(Outcome { status: StepStatus::Ok, message, observation }),
            Err(Fault::Refused { status, message }) => Ok(Outcome { status, message, observation }),
            Err(lost) => Err(lost.into()),
        }
    }

    fn verify(&mut self) -> Result<Verdict, EnvError> {
        let Some(task) = &self.task else { return self.without_predicate() };
        let result = self.file.result.clone();
        let (folder, screen) = self.instance.ask(CALL_LIMIT, move |session| {
            session.save()?;
            let observation = session.look()?;
            let named = observation.controls_named(&result).find_map(|control| control.value.clone());
            Ok((session.episode(), named.unwrap_or(observation.document)))
        })?;
        let found = Found { folder: &folder, document: &self.file.document, screen };
        let judgement = judge(task.family.goals, &task.parameters, &task.start, &found);
        let change: String = judgement.change.join("; ").chars().take(MOST_CHANGE_CHARS).collect();
        let change = if change.is_empty() { "nothing changed".to_owned() } else { format!("changed: {change}") };
        let (complete, reason) = match judgement.wrong {
            None => (Complete::Yes, change),
            Some(wrong) => (Complete::No, format!("{wrong}; {change}")),
        };
        Ok(Verdict { complete, reason, judge: "state".to_owned(), sub_scores: Vec::new() })
    }
}
