//! The episodes of one session: starts a task, carries actions out, ends and judges. Knows no socket and no thread.

use std::sync::Arc;

use lam_env::{Application, EnvError, Environment, Outcome, TaskQuery};
use lam_signal::Details;
use lam_types::{Action, Complete, Observation, Split, Status, StepStatus, Task, Verdict};
use serde_json::{Value, json};

use super::messages::{Call, Code, Refusal, Reset};
use super::payload::{Answer, LastAction, WireObservation};

/// An instance of the application, and the episode it is in.
pub struct Session {
    app: Arc<dyn Application>,
    max_steps: u32,
    /// None once it has died: the next reset starts another.
    environment: Option<Box<dyn Environment>>,
    episode: Option<Episode>,
    resets: u64,
}

struct Episode {
    id: Option<String>,
    task: Task,
    screen: Observation,
    step: u32,
    done: bool,
}

impl Session {
    /// Starts an instance.
    ///
    /// # Errors
    /// When the application does not start.
    pub fn open(app: Arc<dyn Application>, max_steps: u32) -> Result<Self, EnvError> {
        let environment = Some(app.open()?);
        Ok(Self { app, max_steps, environment, episode: None, resets: 0 })
    }

    /// Answers a call with a message.
    ///
    /// # Errors
    /// What does not fit, and environments that fail.
    pub fn answer(&mut self, call: Call) -> Result<Value, Refusal> {
        let observed = |answer: Answer| json!({"type": "observation", "data": answer});
        match call {
            Call::Reset(reset) => self.reset(*reset).map(observed),
            Call::Step(action) => self.step(&action).map(observed),
            Call::AcceptableLabels(action) => {
                let labels = self.running()?.1.acceptable_labels(&action);
                Ok(json!({"type": "acceptable_labels", "data": {"labels": labels}}))
            }
            Call::State => Ok(json!({"type": "state", "data": self.state()})),
        }
    }

    fn reset(&mut self, reset: Reset) -> Result<Answer, Refusal> {
        let id = reset.episode_id.clone();
        let task = self.task(reset)?;
        self.episode = None;
        if self.environment.is_none() {
            self.environment = Some(self.app.open().map_err(|error| Refusal::new(Code::FactoryError, error))?);
        }
        let environment = self.environment.as_mut().expect("it was opened above");
        let screen = environment.reset(&task).map_err(|error| self.failed(error))?;
        let episode = self.episode.insert(Episode { id, task, screen, step: 0, done: false });
        let observation = WireObservation { task: Some(episode.task.clone()), ..episode.observation() };
        Ok(Answer { observation, reward: None, done: false })
    }

    /// The task itself, or one that is drawn.
    fn task(&mut self, reset: Reset) -> Result<Task, Refusal> {
        let invalid = |message: &str| Err(Refusal::new(Code::ValidationError, message));
        let Reset { seed, episode_id, task, family, split, phrasing, request } = reset;
        if episode_id.is_some_and(|id| id.chars().count() > 255) {
            return invalid("`episode_id` is longer than 255 characters");
        }
        self.resets += 1;
        if let Some(task) = task {
            if seed.is_some() || family.is_some() || split.is_some() || phrasing.is_some() || request.is_some() {
                return invalid("`task` excludes `seed`, `family`, `split`, `phrasing` and `request`");
            }
            return Ok(task);
        }
        let query = TaskQuery {
            split: split.unwrap_or(Split::Test),
            phrasing,
            families: family.into_iter().collect(),
            count: 1,
            seed: seed.unwrap_or(self.resets),
        };
        let drawn = self.app.tasks(&query).map_err(refused)?;
        let Some(mut task) = drawn.into_iter().next() else { return invalid("no task fits") };
        if let Some(request) = request {
            task.request = request;
        }
        if task.request.trim().is_empty() {
            return Err(refused(EnvError::NothingAsked { environment: task.environment }));
        }
        Ok(task)
    }

    fn step(&mut self, action: &Action) -> Result<Answer, Refusal> {
        let max_steps = self.max_steps;
        let (episode, environment) = self.running()?;
        // An action that calls nothing changes nothing: applications need not know it.
        let outcome = match action.function.is_empty() {
            true => Ok(Outcome { status: StepStatus::Ok, message: String::new(), observation: episode.screen.clone() }),
            false => environment.act(action),
        };
        let outcome = outcome.map_err(|error| self.failed(error))?;
        let (episode, environment) = self.running()?;
        episode.screen = outcome.observation.clone();
        episode.step += 1;
        // An invalid action has no effect, so neither has the FINISH in it.
        let finishes = action.status == Status::Finish && outcome.status != StepStatus::InvalidAction;
        let is_over = finishes || environment.has_ended();
        let is_cut_off = !is_over && episode.step >= max_steps;
        let verdict = match (is_over, is_cut_off) {
            (true, _) => Some(environment.verify().map_err(|error| self.failed(error))?),
            (false, true) => Some(cut_off(max_steps)),
            (false, false) => None,
        };
        let (episode, _) = self.running()?;
        episode.done = verdict.is_some();
        Ok(episode.answer(&outcome, verdict, is_cut_off))
    }

    /// The episode that is under way, and its instance.
    fn running(&mut self) -> Result<(&mut Episode, &mut Box<dyn Environment>), Refusal> {
        let refused = |what, hint| Err(Refusal::new(Code::ExecutionError, Details::new(what).hint(hint)));
        match (&mut self.episode, &mut self.environment) {
            (Some(episode), _) if episode.done => refused("the episode is over", "send `reset`"),
            (Some(episode), Some(environment)) => Ok((episode, environment)),
            _ => refused("no episode was started", "send `reset` first"),
        }
    }

    fn state(&self) -> Value {
        let episode = self.episode.as_ref();
        json!({
            "episode_id": episode.and_then(|episode| episode.id.as_deref()),
            "step_count": episode.map_or(0, |episode| episode.step),
            "done": episode.is_some_and(|episode| episode.done),
            "task": episode.map(|episode| &episode.task),
        })
    }

    /// Lets go of an instance that cannot be used any more, and of its episode.
    pub fn lose_instance(&mut self) {
        (self.environment, self.episode) = (None, None);
    }

    fn failed(&mut self, error: EnvError) -> Refusal {
        if matches!(error, EnvError::Failed { .. }) {
            self.lose_instance();
        }
        refused(error)
    }
}

impl Episode {
    fn observation(&self) -> WireObservation {
        let Observation { controls, document, selection } = self.screen.clone();
        WireObservation {
            request: self.task.request.clone(),
            application: self.task.application.clone(),
            controls,
            document,
            selection,
            step: self.step,
            ..WireObservation::default()
        }
    }

    fn answer(&self, outcome: &Outcome, verdict: Option<Verdict>, truncated: bool) -> Answer {
        let refused = (outcome.status != StepStatus::Ok).then(|| outcome.message.clone());
        let cut_off = verdict.as_ref().filter(|_| truncated).map(|verdict| verdict.reason.clone());
        let success = verdict.as_ref().and_then(|verdict| match verdict.complete {
            Complete::Yes => Some(true),
            Complete::No => Some(false),
            Complete::Unsure => None,
        });
        let last_action = Some(LastAction { status: outcome.status, message: outcome.message.clone() });
        let reward = verdict.as_ref().map(|_| if success == Some(true) { 1.0 } else { 0.0 });
        let done = verdict.is_some();
        let error = cut_off.or(refused);
        let observation = WireObservation { last_action, truncated, success, error, verdict, ..self.observation() };
        Answer { observation, reward, done }
    }
}

/// The verdict on an episode that came to its limit, in the words of our own runs.
fn cut_off(max_steps: u32) -> Verdict {
    let reason = format!("not finished after {max_steps} steps");
    Verdict { complete: Complete::No, reason, judge: "limits".to_owned(), sub_scores: Vec::new() }
}

/// A task that is not known is the client's mistake; a dead environment is not.
pub fn refused(error: EnvError) -> Refusal {
    let code = match error {
        EnvError::UnknownFamily { .. }
        | EnvError::NothingAsked { .. }
        | EnvError::NoStepLanguage { .. }
        | EnvError::Usage(_) => Code::ValidationError,
        EnvError::Failed { .. } | EnvError::Stopped => Code::ExecutionError,
    };
    Refusal::new(code, error)
}
