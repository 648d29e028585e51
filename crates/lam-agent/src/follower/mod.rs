//! A plan carried out step by step, without a model (paper §3.2.2): the first step becomes a call, its control is
//! looked for on the screen, the rest is passed on as the plan that remains. Knows no particular environment: the
//! application says what a step means, and judges what came of it.

mod ground;

use std::collections::BTreeMap;
use std::time::Instant;

use lam_env::{Application, EnvError};
use lam_tasks::{act, gave_up, thought};
use lam_types::{Action, Call, Control, ControlType, Observation, PolicyId, State, Target, Trajectory};

use crate::{Decision, Policy, PolicyError, Request};
use ground::ground;

pub use ground::Grounding;

/// A policy that follows plans. A step that is none, or whose control is not on the screen, ends the task: whoever acts
/// on, acts on a screen that the plan does not speak of.
pub struct PlanFollower<'a> {
    app: &'a dyn Application,
    id: PolicyId,
    /// By task and try.
    plans: BTreeMap<(String, u32), Vec<String>>,
}

impl<'a> PlanFollower<'a> {
    /// A policy that follows each try's own plan; `id` says whose plans they are.
    ///
    /// # Errors
    /// [`EnvError::NoStepLanguage`] for an application whose steps cannot be read.
    pub fn new(
        app: &'a dyn Application,
        id: PolicyId,
        plans: BTreeMap<(String, u32), Vec<String>>,
    ) -> Result<Self, EnvError> {
        app.parse_step("")?;
        Ok(Self { app, id, plans })
    }

    /// The answer to a state with this plan.
    fn follow(&self, state: &State, plan: &[String]) -> Result<Action, EnvError> {
        let tabs = Tabs::of(&state.observation);
        let left = self.without_shown_tabs(plan, &tabs, tabs.shown)?;
        let Some((step, rest)) = left.split_first() else { return Ok(Action::stop("all is done")) };
        let Some(mut call) = self.app.parse_step(step)? else { return Ok(Action::stop("it is not clear")) };
        let control = match self.target(&call, &state.observation) {
            Found::Nothing => return Ok(Action::stop("it is not there")),
            Found::Needless => None,
            Found::Control(control) => Some(control),
        };
        // The control is called as the screen calls it, whatever the plan said.
        call.control_name = control.map(|control| control.control_text.clone()).unwrap_or_default();
        let kind = control.map(|control| control.control_type);
        let shown = if kind == Some(ControlType::TabItem) { Some(call.control_name.as_str()) } else { tabs.shown };
        let plan = self.without_shown_tabs(rest, &tabs, shown)?;
        let label = control.map_or("", |control| &control.label);
        Ok(act(&call, label, thought(&call, kind), plan.is_empty(), plan))
    }

    /// What a call acts on here.
    fn target<'o>(&self, call: &Call, observation: &'o Observation) -> Found<'o> {
        match self.app.functions().iter().find(|spec| spec.name == call.function).map(|spec| &spec.target) {
            None => Found::Nothing,
            Some(Target::Application) => Found::Needless,
            Some(Target::Control(kinds)) => ground(observation, &call.control_name, kinds)
                .map_or(Found::Nothing, |(control, _)| Found::Control(control)),
        }
    }

    /// The steps without clicks on tabs that are shown by then, of which the screen knows; the last step stays,
    /// whatever it is: nothing else would be left to do.
    fn without_shown_tabs(
        &self,
        steps: &[String],
        tabs: &Tabs<'_>,
        shown: Option<&str>,
    ) -> Result<Vec<String>, EnvError> {
        let (mut kept, mut shown) = (Vec::new(), shown.map(str::to_owned));
        for (index, step) in steps.iter().enumerate() {
            let call = self.app.parse_step(step)?;
            if let Some(tab) =
                call.filter(|call| *call == Call::click(&call.control_name)).map(|call| call.control_name)
                && tabs.names.contains(&tab.as_str())
            {
                if shown.as_deref() == Some(tab.as_str()) && index + 1 < steps.len() {
                    continue;
                }
                shown = Some(tab);
            }
            kept.push(step.clone());
        }
        Ok(kept)
    }

    fn answer(&self, request: &Request<'_>) -> Result<Action, EnvError> {
        if let Some(stop) = gave_up(request.state) {
            return Ok(stop);
        }
        let own = self.plans.get(&(request.task_id.to_owned(), request.attempt));
        let plan = if request.step_index == 0 { own } else { Some(&request.state.previous_plan) };
        self.follow(request.state, plan.map_or(&[], Vec::as_slice))
    }
}

impl Policy for PlanFollower<'_> {
    fn id(&self) -> PolicyId {
        self.id.clone()
    }

    fn decide(&mut self, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError> {
        let decision = |request: &Request<'_>| {
            let started = Instant::now();
            let action = self.answer(request).map_err(|error| PolicyError::failed(&self.id.name, error))?;
            Ok(Decision { answer: Ok(action), tokens: None, seconds: started.elapsed().as_secs_f64() })
        };
        requests.iter().map(decision).collect()
    }
}

enum Found<'o> {
    Nothing,
    Needless,
    Control(&'o Control),
}

/// The tabs on a screen.
struct Tabs<'o> {
    names: Vec<&'o str>,
    shown: Option<&'o str>,
}

impl<'o> Tabs<'o> {
    fn of(observation: &'o Observation) -> Self {
        let tabs = || observation.controls.iter().filter(|control| control.control_type == ControlType::TabItem);
        let shown = tabs().find(|control| control.selected == Some(true));
        Self {
            names: tabs().map(|control| control.control_text.as_str()).collect(),
            shown: shown.map(|control| control.control_text.as_str()),
        }
    }
}

/// How the controls of a followed plan were found, one for each step of the episode that acted on a control: what the
/// plan calls it beside what the screen does. Read from the record, so that it is the same for an episode that was
/// resumed.
///
/// # Errors
/// As [`PlanFollower::new`].
pub fn groundings(app: &dyn Application, plan: &[String], trajectory: &Trajectory) -> Result<Vec<Grounding>, EnvError> {
    let mut found = Vec::new();
    // Who acted without a plan found its controls itself.
    if plan.is_empty() {
        return Ok(found);
    }
    for step in trajectory.steps.iter().filter(|step| !step.action.control_label.is_empty()) {
        let plan = if step.step_index == 0 { plan } else { &step.state.previous_plan };
        let action = &step.action;
        for planned in plan {
            let call = app.parse_step(planned)?;
            let is_it = |call: &Call| (&call.function, &call.args) == (&action.function, &action.args);
            let way = call.filter(is_it).and_then(|call| Grounding::of(&call.control_name, &action.control_name));
            if let Some(way) = way {
                found.push(way);
                break;
            }
        }
    }
    Ok(found)
}
