//! A recording as a policy: answers what was answered then. Knows nothing of whether the screen is still the same.

use std::collections::HashMap;

use lam_types::{PolicyId, StepStatus, Trajectory};

use crate::{Decision, Policy, PolicyError, Request, Unreadable};

/// A policy that repeats recorded trajectories.
pub struct ReplayPolicy {
    id: PolicyId,
    recorded: HashMap<String, HashMap<u32, Trajectory>>,
}

impl ReplayPolicy {
    /// A policy called `name` that repeats `trajectories`; `hash` says which recording it is.
    pub fn new(name: &str, hash: &str, trajectories: Vec<Trajectory>) -> Self {
        let mut recorded: HashMap<String, HashMap<u32, Trajectory>> = HashMap::new();
        for trajectory in trajectories {
            recorded.entry(trajectory.task.task_id.clone()).or_default().insert(trajectory.attempt, trajectory);
        }
        Self { id: PolicyId { name: name.into(), hash: hash.into() }, recorded }
    }

    /// The same try at the same task, else the task's first recorded one.
    fn recording(&self, request: &Request<'_>) -> Option<&Trajectory> {
        let tries = self.recorded.get(request.task_id)?;
        tries.get(&request.attempt).or_else(|| tries.get(tries.keys().min()?))
    }

    fn answer(&self, request: &Request<'_>) -> Decision {
        let silent = |reason: String| Decision {
            answer: Err(Unreadable { text: String::new(), reason }),
            tokens: None,
            seconds: 0.0,
        };
        let Some(trajectory) = self.recording(request) else {
            return silent(format!("no recording of task {}", request.task_id));
        };
        let Some(step) = trajectory.steps.get(request.step_index as usize) else {
            return silent(format!("the recording has only {} steps", trajectory.steps.len()));
        };
        let unreadable = step.status == StepStatus::InvalidAction && step.action.function.is_empty();
        let answer = match unreadable {
            true => Err(Unreadable { text: step.message.clone(), reason: "recorded as unreadable".into() }),
            false => Ok(step.action.clone()),
        };
        Decision { answer, tokens: step.tokens.clone(), seconds: step.policy_seconds }
    }
}

impl Policy for ReplayPolicy {
    fn id(&self) -> PolicyId {
        self.id.clone()
    }

    fn decide(&mut self, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError> {
        Ok(requests.iter().map(|request| self.answer(request)).collect())
    }
}
