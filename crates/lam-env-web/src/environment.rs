//! One browser as an environment: starts a task, carries actions out, takes the page's word for how it went.

use std::sync::Arc;

use lam_env::{EnvError, Environment, Outcome, check_call};
use lam_signal::Details;
use lam_types::{Action, Complete, Observation, Split, StepStatus, Task, Verdict};
use serde_json::Value;

use crate::browser::{Browser, Clicks};
use crate::family::{CATALOG, ENVIRONMENT};
use crate::functions::{self, Refused, SPECS};
use crate::observation::Screen;
use crate::parts::Parts;
use crate::webdriver::taken;

/// MiniWoB++ in one browser, which starts with the first task.
pub struct WebEnvironment {
    parts: Arc<Parts>,
    clicks: Clicks,
    browser: Option<Browser>,
    screen: Observation,
    has_ended: bool,
}

impl WebEnvironment {
    /// An environment whose browser is not started yet.
    pub fn new(parts: Arc<Parts>, clicks: Clicks) -> Self {
        Self { parts, clicks, browser: None, screen: Observation::default(), has_ended: false }
    }

    /// Ids of the browser's processes.
    pub fn processes(&self) -> Vec<i32> {
        self.browser.as_ref().map(Browser::processes).unwrap_or_default()
    }

    /// Starts a page from a seed; what the page asks for, and the first screen.
    ///
    /// # Errors
    /// A page that does not exist, or a browser that fails.
    pub fn start(&mut self, family: &str, seed: u64, split: Split) -> Result<(String, Observation), EnvError> {
        let browser = match &mut self.browser {
            Some(browser) => browser,
            none => none.insert(Browser::start(&self.parts).map_err(failed)?),
        };
        let mode = if split == Split::Test { "test" } else { "train" };
        let (request, screen) = browser.episode(&self.parts.address(family), seed, mode).map_err(failed)?;
        self.see(screen)?;
        Ok((request, self.screen.clone()))
    }

    fn see(&mut self, screen: Value) -> Result<(), EnvError> {
        let screen = Screen::read(screen).map_err(failed)?;
        self.has_ended = screen.done;
        self.screen = screen.observation();
        Ok(())
    }

    fn browser(&self) -> Result<&Browser, EnvError> {
        self.browser.as_ref().ok_or_else(EnvError::not_started)
    }

    fn outcome(&self, status: StepStatus, message: String) -> Outcome {
        Outcome { status, message, observation: self.screen.clone() }
    }

    /// Carries an action out and says what the page answered, "" when all went well.
    fn perform(&mut self, action: &Action) -> Result<Result<String, Refused>, EnvError> {
        let control = match check_call(action, &SPECS, &self.screen) {
            Ok(control) => control.cloned(),
            Err(reason) => return Ok(Err(Refused::invalid(reason))),
        };
        let called = functions::call(self.browser()?, self.clicks, action, control.as_ref()).map_err(failed)?;
        let mut result = match called {
            Ok(result) => result,
            Err(refused) => return Ok(Err(refused)),
        };
        self.see(taken(&mut result, "screen"))?;
        if let Some(reason) = result["refused"].as_str() {
            return Ok(Err(Refused { status: StepStatus::AppError, message: reason.to_owned() }));
        }
        let value = control.as_ref().and_then(|control| control.value.clone()).unwrap_or_default();
        Ok(Ok(match control {
            _ if action.function == "texts" => value,
            Some(control) if control.control_text != action.control_name => {
                let (label, name) = (&control.label, &control.control_text);
                format!("control {label} is `{name}`, not `{}`", action.control_name)
            }
            _ => String::new(),
        }))
    }
}

impl Environment for WebEnvironment {
    fn reset(&mut self, task: &Task) -> Result<Observation, EnvError> {
        CATALOG.get(&task.task_id, &task.family)?;
        self.start(&task.family, task.seed, task.split).map(|(_, observation)| observation)
    }

    fn act(&mut self, action: &Action) -> Result<Outcome, EnvError> {
        self.browser()?;
        if self.has_ended {
            return Ok(self.outcome(StepStatus::InvalidAction, "the page has ended the task".to_owned()));
        }
        if action.function.is_empty() {
            return Ok(self.outcome(StepStatus::Ok, String::new()));
        }
        Ok(match self.perform(action)? {
            Ok(message) => self.outcome(StepStatus::Ok, message),
            Err(Refused { status, message }) => self.outcome(status, message),
        })
    }

    fn verify(&mut self) -> Result<Verdict, EnvError> {
        let rewarded = self.browser()?.reward().map_err(failed)?;
        let reward = rewarded["reward"].as_f64().unwrap_or(0.0);
        let (complete, reason) = match rewarded["done"].as_bool() {
            Some(true) if reward > 0.0 => (Complete::Yes, format!("the page gave {reward}")),
            Some(true) => (Complete::No, format!("the page gave {reward}")),
            _ => (Complete::No, "the page waits for more".to_owned()),
        };
        Ok(Verdict { complete, reason, judge: "state".to_owned(), sub_scores: Vec::new() })
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn acceptable_labels(&mut self, action: &Action) -> Vec<String> {
        acceptable(&self.screen, action)
    }
}

/// Controls of the same kind and name mean the same: the page's own texts are all that tells them apart.
fn acceptable(screen: &Observation, action: &Action) -> Vec<String> {
    let Some(chosen) = screen.control(&action.control_label) else { return Vec::new() };
    let same = screen.controls_named(&chosen.control_text).filter(|other| other.control_type == chosen.control_type);
    same.map(|control| control.label.clone()).collect()
}

fn failed(reason: impl std::fmt::Display) -> EnvError {
    EnvError::failed(ENVIRONMENT, &Details::new(reason))
}
