//! A device as an environment: an episode begins with a window, its tools are the actions, its control list the screen.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use lam_env::{EnvError, Environment, Outcome, check_call, pattern_matches};
use lam_signal::Details;
use lam_types::{Action, Complete, ControlType, Observation, StepStatus, Task, Verdict};
use serde_json::{Value, json};

use super::device::{Agent, Device, DeviceError, Tool, Window};
use super::families::{ENVIRONMENT, Families};
use super::functions::{self, SPECS};
use super::hub::Hub;
use super::screen::{self, DesktopWindow};

/// How often a window that does not show yet is looked for.
const LOOK: Duration = Duration::from_millis(500);

/// How long things may take on a device.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until the window of a launched program shows.
    pub window: Duration,
    /// Between an action and the look at what came of it.
    pub settle: Duration,
}

/// One device, lent by the hub.
pub struct AipEnvironment {
    hub: Arc<Hub>,
    device: Option<Device>,
    families: Arc<Families>,
    patience: Patience,
    /// The chosen window; none before the first episode.
    window: Option<Window>,
    screen: Observation,
}

impl AipEnvironment {
    /// An environment on this device.
    pub fn new(hub: Arc<Hub>, device: Device, families: Arc<Families>, patience: Patience) -> Self {
        Self { hub, device: Some(device), families, patience, window: None, screen: Observation::default() }
    }

    fn call(&mut self, agent: Agent, window: &Window, tool: Tool) -> Result<Value, DeviceError> {
        self.device.as_mut().expect("it is given back at the end only").call(agent, window, tool)
    }

    fn ask_host(&mut self, tool: Tool) -> Result<Value, EnvError> {
        self.call(Agent::Host, &Window::default(), tool).map_err(failed)
    }

    /// The topmost window whose title matches, waited for a while if a program was launched.
    fn find_window(&mut self, pattern: &str, longest: Duration) -> Result<DesktopWindow, EnvError> {
        let until = Instant::now() + longest;
        loop {
            let refresh = json!({"remove_empty": true, "refresh_app_windows": true});
            let shown = self.ask_host(Tool::data("get_desktop_app_target_info", refresh))?;
            let shown = screen::windows(shown).map_err(failed)?;
            if let Some(found) = shown.iter().find(|window| pattern_matches(pattern, &window.name)) {
                return Ok(found.clone());
            }
            if Instant::now() >= until {
                let names: Vec<String> = shown.iter().map(|window| format!("`{}`", window.name)).collect();
                let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
                let none = Details::new(format!("no window matches `{pattern}`"));
                return Err(EnvError::failed(ENVIRONMENT, &none.hint(format!("the device shows {names}"))));
            }
            sleep(LOOK);
        }
    }

    fn select(&mut self, found: DesktopWindow) -> Result<Window, EnvError> {
        let parameters = json!({"id": found.id, "name": found.name});
        let selected = self.ask_host(Tool::action("select_application_window", parameters))?;
        let program = selected["root_name"].as_str().unwrap_or_default().to_owned();
        Ok(Window { title: found.name, program })
    }

    fn observe(&mut self, window: &Window) -> Result<Observation, EnvError> {
        let tool = Tool::data("get_app_window_controls_info", screen::field_list());
        let told = self.call(Agent::App, window, tool).map_err(failed)?;
        let controls = screen::controls(told).map_err(failed)?;
        let mut observation = Observation { controls, ..Observation::default() };
        let document = observation.controls.iter().find(|control| control.control_type == ControlType::Document);
        if let Some(document) = document {
            let named = json!({"id": document.label, "name": document.control_text});
            observation.document = match self.call(Agent::App, window, Tool::action("texts", named)) {
                Ok(result) => functions::text(&result),
                // Not every document can be read; its controls are there all the same.
                Err(DeviceError::Failed(_)) => String::new(),
                Err(error) => return Err(failed(error)),
            };
        }
        Ok(observation)
    }

    fn outcome(&self, status: StepStatus, message: String) -> Outcome {
        Outcome { status, message, observation: self.screen.clone() }
    }

    fn perform(&mut self, action: &Action, window: &Window) -> Result<(StepStatus, String), EnvError> {
        let checked = check_call(action, &SPECS, &self.screen);
        let tool = match checked.and_then(|_| functions::tool(action, window)) {
            Ok(tool) => tool,
            Err(reason) => return Ok((StepStatus::InvalidAction, reason)),
        };
        let done = match self.call(Agent::App, window, tool) {
            Ok(result) => (StepStatus::Ok, functions::message(&action.function, &result)),
            Err(DeviceError::Failed(reason)) => (StepStatus::AppError, reason),
            Err(error) => return Err(failed(error)),
        };
        sleep(self.patience.settle);
        self.screen = self.observe(window)?;
        Ok(done)
    }
}

impl Environment for AipEnvironment {
    fn reset(&mut self, task: &Task) -> Result<Observation, EnvError> {
        if task.request.trim().is_empty() {
            let hint = "give --task, or a file of tasks: ufo-aip:HOST:PORT?tasks=FILE";
            let nothing = Details::new("nothing is asked").at(format!("task {}", task.task_id));
            return Err(EnvError::usage(nothing.hint(hint)));
        }
        self.window = None;
        let families = Arc::clone(&self.families);
        let family = families.find(&task.family);
        let launch = family.and_then(|family| family.launch.as_deref());
        let pattern = family.map_or(task.family.as_str(), |family| family.window.as_str());
        let device = self.device.as_mut().expect("it is given back at the end only");
        device.begin(&task.task_id, &task.request).map_err(failed)?;
        if let Some(command) = launch {
            self.ask_host(Tool::action("run_shell", json!({"bash_command": command})))?;
        }
        let longest = if launch.is_some() { self.patience.window } else { Duration::ZERO };
        let found = self.find_window(pattern, longest)?;
        let window = self.select(found)?;
        self.screen = self.observe(&window)?;
        self.window = Some(window);
        Ok(self.screen.clone())
    }

    fn act(&mut self, action: &Action) -> Result<Outcome, EnvError> {
        let Some(window) = self.window.clone() else {
            return Err(EnvError::not_started());
        };
        if action.function.is_empty() {
            return Ok(self.outcome(StepStatus::Ok, String::new()));
        }
        let (status, message) = self.perform(action, &window)?;
        Ok(self.outcome(status, message))
    }

    fn verify(&mut self) -> Result<Verdict, EnvError> {
        if let Some(device) = &mut self.device {
            device.end();
        }
        let reason = "a device says what it did, not whether the task is fulfilled".to_owned();
        Ok(Verdict { complete: Complete::Unsure, reason, judge: "none".to_owned(), sub_scores: Vec::new() })
    }
}

/// The device goes back to those that wait for work.
impl Drop for AipEnvironment {
    fn drop(&mut self) {
        if let Some(mut device) = self.device.take() {
            device.end();
            self.hub.give_back(device);
        }
    }
}

fn failed(reason: impl std::fmt::Display) -> EnvError {
    EnvError::failed(ENVIRONMENT, &Details::new(reason))
}
