//! One session on a server as an environment: connects when an episode starts, and again when the server has let the
//! session go since the last one. What breaks within an episode is a failed environment.

use std::sync::Arc;

use lam_env::{EnvError, Environment, Outcome};
use lam_signal::Details;
use lam_types::{Action, Observation, StepStatus, Task, Verdict};
use serde_json::{Value, json};

use super::endpoint::Endpoint;
use super::exchange::{AskError, Exchange};
use super::messages::Reset;
use super::payload::{Answer, WireAction, taken};

/// An instance on a server.
pub struct RemoteEnvironment {
    endpoint: Arc<Endpoint>,
    exchange: Option<Exchange>,
    /// The last answer of the episode.
    last: Option<Answer>,
}

impl RemoteEnvironment {
    /// An instance that connects with its first episode.
    pub fn new(endpoint: Arc<Endpoint>) -> Self {
        Self { endpoint, exchange: None, last: None }
    }

    /// Starts an episode.
    ///
    /// # Errors
    /// A server that does not answer after several tries, or refuses.
    pub fn start(&mut self, reset: &Reset) -> Result<Answer, EnvError> {
        let endpoint = Arc::clone(&self.endpoint);
        let reset = json!(reset);
        self.last = None;
        let answer = endpoint.settings.retried(|| self.ask("reset", &reset), AskError::may_pass);
        match answer {
            Ok(answer) => Ok(self.last.insert(answer).clone()),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn step(&mut self, action: &Action) -> Result<&Answer, EnvError> {
        if self.last.is_none() || self.exchange.is_none() {
            return Err(EnvError::not_started());
        }
        match self.ask("step", &json!(WireAction::from(action))) {
            Ok(answer) => Ok(self.last.insert(answer)),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn ask(&mut self, kind: &str, data: &Value) -> Result<Answer, AskError> {
        let exchange = match &self.exchange {
            Some(exchange) => exchange,
            None => self.exchange.insert(Exchange::open(&self.endpoint.address.socket, &self.endpoint.settings)?),
        };
        let answer = exchange.ask(kind, data);
        let read = |data| serde_json::from_value(data).map_err(|error| AskError::Unreadable(error.to_string()));
        let answer = answer.and_then(read);
        if answer.as_ref().is_err_and(|error| !is_refused(error) || error.may_pass()) {
            self.exchange = None;
        }
        answer
    }

    fn failed(&mut self, error: AskError) -> EnvError {
        self.last = None;
        match error {
            AskError::Refused { code, message } if code == "VALIDATION_ERROR" => EnvError::usage(Details::new(message)),
            error => self.endpoint.failed(error),
        }
    }
}

fn is_refused(error: &AskError) -> bool {
    matches!(error, AskError::Refused { .. })
}

impl Environment for RemoteEnvironment {
    fn reset(&mut self, task: &Task) -> Result<Observation, EnvError> {
        let reset = self.endpoint.reset_to(task);
        self.start(&reset).map(|answer| answer.screen())
    }

    fn act(&mut self, action: &Action) -> Result<Outcome, EnvError> {
        self.step(action).map(outcome)
    }

    fn verify(&mut self) -> Result<Verdict, EnvError> {
        // An action that calls nothing never came to the server, nor did the FINISH in it.
        if self.last.as_ref().is_some_and(|last| !last.done) {
            self.step(&Action::stop(""))?;
        }
        self.last.as_ref().map(Answer::verdict).ok_or_else(EnvError::not_started)
    }

    fn has_ended(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.done)
    }

    fn acceptable_labels(&mut self, action: &Action) -> Vec<String> {
        let asked = self.endpoint.described.acceptable_labels && self.last.as_ref().is_some_and(|last| !last.done);
        let Some(exchange) = self.exchange.as_ref().filter(|_| asked) else { return Vec::new() };
        // A server that fails here fails at the action too, and is heard there.
        let labels = exchange.ask("acceptable_labels", &json!(WireAction::from(action)));
        labels.ok().and_then(|mut data| serde_json::from_value(taken(&mut data, "labels")).ok()).unwrap_or_default()
    }
}

fn outcome(answer: &Answer) -> Outcome {
    let told = answer.observation.last_action.clone().map(|last| (last.status, last.message));
    let error = || answer.observation.error.clone().map(|error| (StepStatus::AppError, error));
    let (status, message) = told.or_else(error).unwrap_or((StepStatus::Ok, String::new()));
    Outcome { status, message, observation: answer.screen() }
}
