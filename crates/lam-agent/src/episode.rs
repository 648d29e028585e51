//! One episode: what the policy is told, what it answers, what comes of it. Knows no policy, only its decisions.

use lam_env::{EnvError, Outcome};
use lam_types::{
    Action, Args, Complete, Observation, PastAction, PolicyId, State, Status, Step, StepStatus, Trajectory, Verdict,
};

use crate::{Decision, Job, Limits, Request};

/// A live episode.
pub(crate) struct Episode<'a> {
    job: &'a Job,
    state: State,
    steps: Vec<Step>,
    invalid_in_a_row: u32,
}

/// Whether an episode continues after a step.
pub(crate) enum Next {
    /// Another step follows.
    Step,
    /// The policy said FINISH, or the application ended the task: the state is to be judged.
    Judge,
    /// A limit ended it; why.
    CutOff(String),
}

impl<'a> Episode<'a> {
    /// An episode of the job that shows `observation` first.
    pub(crate) fn start(job: &'a Job, observation: Observation) -> Self {
        let request = job.task.request.clone();
        let state = State { request, observation, previous_actions: Vec::new(), previous_plan: Vec::new() };
        Self { job, state, steps: Vec::new(), invalid_in_a_row: 0 }
    }

    /// What is seen now.
    pub(crate) fn screen(&self) -> &Observation {
        &self.state.observation
    }

    /// The step that was recorded last.
    pub(crate) fn last_step(&self) -> Option<&Step> {
        self.steps.last()
    }

    /// The question to the policy.
    pub(crate) fn request(&self, run_seed: u64) -> Request<'_> {
        let (task_id, attempt, step_index) = (&self.job.task.task_id, self.job.attempt, self.steps.len() as u32);
        Request {
            state: &self.state,
            task_id,
            attempt,
            step_index,
            seed: seed_of(run_seed, task_id, attempt, step_index),
        }
    }

    /// Records an answer and what came of it.
    pub(crate) fn record(&mut self, decision: Decision, acted: Acted, limits: &Limits) -> Next {
        let action = decision.answer.unwrap_or_else(|_| empty_action());
        let state = self.next_state(&action, &acted);
        let step = Step {
            acceptable_labels: acted.acceptable_labels,
            status: acted.status,
            message: acted.message,
            tokens: decision.tokens,
            policy_seconds: decision.seconds,
            environment_seconds: acted.seconds,
            ..Step::new(self.steps.len() as u32, state, action)
        };
        let next = if acted.has_ended { Next::Judge } else { self.next(&step, limits) };
        self.steps.push(step);
        next
    }

    /// What comes of an answer without the environment: one that cannot be read, or that calls nothing.
    pub(crate) fn without_environment(&self, decision: &Decision) -> Option<Acted> {
        match &decision.answer {
            Err(unreadable) => Some(Acted::unreadable(&unreadable.reason, &unreadable.text)),
            Ok(action) if action.function.is_empty() => {
                Some(Acted { observation: Some(self.state.observation.clone()), ..Acted::new(StepStatus::Ok, "") })
            }
            Ok(_) => None,
        }
    }

    /// The record of an episode that came to its end.
    pub(crate) fn end(self, version: &str, policy: &PolicyId, verdict: Verdict) -> Trajectory {
        let mut steps = self.steps;
        let reward = if verdict.complete == Complete::Yes { 1.0 } else { -1.0 };
        for step in &mut steps {
            (step.reward, step.reward_source) = (Some(reward), "outcome".into());
        }
        record(self.job, version, policy, steps, verdict, None)
    }

    /// The record of an episode whose environment died.
    pub(crate) fn died(self, version: &str, policy: &PolicyId, error: &EnvError) -> Trajectory {
        environment_death(self.job, version, policy, self.steps, error)
    }

    /// Moves to the state after the step and returns the one before it. An unreadable answer leaves no trace
    /// in what the policy is told.
    fn next_state(&mut self, action: &Action, acted: &Acted) -> State {
        let Some(observation) = &acted.observation else { return self.state.clone() };
        let mut previous_actions = self.state.previous_actions.clone();
        previous_actions.push(PastAction::of(action, acted.status));
        let next = State {
            request: self.state.request.clone(),
            observation: observation.clone(),
            previous_actions,
            previous_plan: action.plan.clone(),
        };
        std::mem::replace(&mut self.state, next)
    }

    /// An invalid answer has no effect, so neither has the FINISH in it.
    fn next(&mut self, step: &Step, limits: &Limits) -> Next {
        let invalid = step.status == StepStatus::InvalidAction;
        self.invalid_in_a_row = if invalid { self.invalid_in_a_row + 1 } else { 0 };
        if !invalid && step.action.status == Status::Finish {
            return Next::Judge;
        }
        if limits.max_invalid_in_a_row > 0 && self.invalid_in_a_row >= limits.max_invalid_in_a_row {
            return Next::CutOff(format!(
                "{} invalid answers in a row, the last: {}",
                self.invalid_in_a_row, step.message
            ));
        }
        if step.step_index + 1 >= limits.max_steps {
            return Next::CutOff(format!("not finished after {} steps", limits.max_steps));
        }
        Next::Step
    }
}

/// What came of one answer; no observation when it was never carried out.
pub(crate) struct Acted {
    status: StepStatus,
    message: String,
    acceptable_labels: Vec<String>,
    observation: Option<Observation>,
    has_ended: bool,
    seconds: f64,
}

impl Acted {
    /// What came of an action that the environment carried out or refused.
    pub(crate) fn of(outcome: Outcome, acceptable_labels: Vec<String>, has_ended: bool, seconds: f64) -> Self {
        let Outcome { status, message, observation } = outcome;
        Self { status, message, acceptable_labels, observation: Some(observation), has_ended, seconds }
    }

    /// An action that the environment died of.
    pub(crate) fn died(error: &EnvError, seconds: f64) -> Self {
        Self { seconds, ..Self::new(StepStatus::AppError, &error.to_string()) }
    }

    fn unreadable(reason: &str, text: &str) -> Self {
        Self::new(StepStatus::InvalidAction, &format!("{reason}: {text}"))
    }

    fn new(status: StepStatus, message: &str) -> Self {
        let (message, acceptable_labels) = (message.to_owned(), Vec::new());
        Self { status, message, acceptable_labels, observation: None, has_ended: false, seconds: 0.0 }
    }
}

/// The record of an episode that its environment ended.
pub(crate) fn environment_death(
    job: &Job,
    version: &str,
    policy: &PolicyId,
    steps: Vec<Step>,
    error: &EnvError,
) -> Trajectory {
    let verdict = no("the environment failed");
    record(job, version, policy, steps, verdict, Some(error.to_string()))
}

/// The verdict on an episode that was not finished.
pub(crate) fn no(reason: &str) -> Verdict {
    Verdict { complete: Complete::No, reason: reason.into(), judge: "limits".into(), sub_scores: Vec::new() }
}

fn record(
    job: &Job,
    version: &str,
    policy: &PolicyId,
    steps: Vec<Step>,
    verdict: Verdict,
    environment_error: Option<String>,
) -> Trajectory {
    let mut trajectory = Trajectory {
        trajectory_id: String::new(),
        task: job.task.clone(),
        environment_version: version.into(),
        attempt: job.attempt,
        policy: policy.clone(),
        steps,
        verdict,
        environment_error,
    };
    trajectory.trajectory_id = lam_store::trajectory_id(&trajectory);
    trajectory
}

fn empty_action() -> Action {
    Action {
        thought: String::new(),
        control_label: String::new(),
        control_name: String::new(),
        function: String::new(),
        args: Args::new(),
        status: Status::Continue,
        plan: Vec::new(),
    }
}

/// A seed that depends on nothing but the run's seed and the place of the question.
fn seed_of(run_seed: u64, task_id: &str, attempt: u32, step_index: u32) -> u64 {
    let name = lam_store::hash_bytes(format!("{run_seed}/{task_id}/{attempt}/{step_index}").as_bytes());
    u64::from_str_radix(&name[..16], 16).expect("a hash is hex")
}
