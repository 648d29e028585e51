//! A desktop as an environment: starts a task from its template, carries actions out, judges what lies on the disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lam_env::{EnvError, Environment, Outcome, check_call};
use lam_types::{Action, Complete, FunctionSpec, Observation, StepStatus, Task, Verdict};

use crate::application::ApplicationFile;
use crate::fault::Fault;
use crate::instance::Instance;
use crate::prewarm::PrewarmPool;
use crate::screenshots::Screenshots;
use crate::session::Session;
use crate::start::Start;
use crate::tasks::{self, Found, judge};

/// Longest time a reset may take beyond the application's own limit.
const RESET_GRACE: Duration = Duration::from_secs(40);
/// Longest time an action, a look or a save may take: above the session's own limits, which say what was late.
const CALL_LIMIT: Duration = Duration::from_secs(100);
/// Longest account of an environment change in a verdict, in characters.
const MOST_CHANGE_CHARS: usize = 600;

/// One running application.
pub struct DesktopEnvironment {
    file: Arc<ApplicationFile>,
    functions: Arc<Vec<FunctionSpec>>,
    prewarmed: Arc<PrewarmPool>,
    /// Where the episode runs; starts with the first one.
    instance: Option<Instance>,
    task: Option<tasks::Instance>,
    observation: Observation,
    screenshots: Option<Screenshots>,
}

impl DesktopEnvironment {
    /// An environment whose desktop is not started yet.
    pub(crate) fn new(
        file: Arc<ApplicationFile>,
        functions: Arc<Vec<FunctionSpec>>,
        prewarmed: Arc<PrewarmPool>,
        screenshots: Option<PathBuf>,
    ) -> Self {
        let screenshots = screenshots.map(Screenshots::new);
        let (instance, task, observation) = (None, None, Observation::default());
        Self { file, functions, prewarmed, instance, task, observation, screenshots }
    }

    /// Opens the task: on the prewarmed desktop that waits for it, else on this desktop with the application started anew.
    fn open(&mut self, task: &Task, files: Vec<(String, Vec<u8>)>) -> Result<Observation, EnvError> {
        let limit = Duration::from_secs(self.file.ready.seconds) + RESET_GRACE;
        if let Some(ready) = self.prewarmed.take(task)
            && ready.instance.wait(&ready.opening, limit).is_ok()
            && let Ok(observation) = ready.instance.ask(CALL_LIMIT, Session::look)
        {
            if let Some(used) = self.instance.replace(ready.instance) {
                self.prewarmed.give_back(used);
            }
            return Ok(observation);
        }
        let instance = match self.instance.take() {
            Some(instance) => instance,
            None => Instance::start(self.file.clone())?,
        };
        let observation = instance.ask(limit, move |session| session.open(&files))?;
        self.instance = Some(instance);
        Ok(observation)
    }

    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, EnvError> {
        Ok(self.instance.as_ref().ok_or_else(EnvError::not_started)?.ask(CALL_LIMIT, work)?)
    }

    /// The verdict on a task that no family knows.
    fn without_predicate(&self) -> Result<Verdict, EnvError> {
        self.ask(|_| Ok(()))?;
        let reason = "only tasks of a family have a predicate".to_owned();
        Ok(Verdict { complete: Complete::Unsure, reason, judge: "state".to_owned(), sub_scores: Vec::new() })
    }

    fn photograph(&mut self) -> Result<(), EnvError> {
        if self.screenshots.is_none() {
            return Ok(());
        }
        let image = self.ask(|session| session.screenshot())?;
        self.screenshots.as_mut().map_or(Ok(()), |screenshots| screenshots.keep(&image))
    }
}

impl Environment for DesktopEnvironment {
    fn reset(&mut self, task: &Task) -> Result<Observation, EnvError> {
        let start = Start::of(&self.file, task)?;
        self.task = start.task;
        self.observation = self.open(task, start.files)?;
        if let Some(screenshots) = &mut self.screenshots {
            screenshots.begin(&task.task_id)?;
        }
        self.photograph()?;
        Ok(self.observation.clone())
    }

    fn act(&mut self, action: &Action) -> Result<Outcome, EnvError> {
        if let Err(message) = check_call(action, &self.functions, &self.observation) {
            let observation = self.observation.clone();
            return Ok(Outcome { status: StepStatus::InvalidAction, message, observation });
        }
        let action = action.clone();
        let (done, observation) = self.ask(move |session| session.perform(&action))?;
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
        let (folder, screen) = self.ask(move |session| {
            session.save()?;
            let observation = session.look()?;
            let named = observation.controls_named(&result).find_map(|control| control.value.clone());
            Ok((session.episode(), named.unwrap_or(observation.document)))
        })?;
        let found = Found { folder: &folder, document: &self.file.document, screen };
        let judgement = judge(task.family.own, &task.parameters, &task.start, &found);
        let change: String = judgement.change.join("; ").chars().take(MOST_CHANGE_CHARS).collect();
        let change = if change.is_empty() { "nothing changed".to_owned() } else { format!("changed: {change}") };
        let (complete, reason) = match judgement.wrong {
            None => (Complete::Yes, change),
            Some(wrong) => (Complete::No, format!("{wrong}; {change}")),
        };
        Ok(Verdict { complete, reason, judge: "state".to_owned(), sub_scores: Vec::new() })
    }
}
