//! Who watches episodes as they go: first screens, decisions, steps, ends. Changes nothing of them.

use lam_types::{Action, Observation, Step, Trajectory};

use crate::Job;

/// Hears of the episodes of a run, each step as it comes. Several may be alive at once: `job` says which one it is.
pub trait Observer {
    /// An episode shows its first screen. One whose environment died begins again with it.
    fn started(&mut self, job: &Job, screen: &Observation);

    /// The policy has answered with an action, which is carried out now.
    fn decided(&mut self, job: &Job, action: &Action);

    /// A step is over, and this is the screen behind it.
    fn stepped(&mut self, job: &Job, step: &Step, screen: &Observation);

    /// An episode is over: its steps, with the verdict on them.
    fn ended(&mut self, trajectory: &Trajectory);
}

/// Hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Nobody;

impl Observer for Nobody {
    fn started(&mut self, _job: &Job, _screen: &Observation) {}
    fn decided(&mut self, _job: &Job, _action: &Action) {}
    fn stepped(&mut self, _job: &Job, _step: &Step, _screen: &Observation) {}
    fn ended(&mut self, _trajectory: &Trajectory) {}
}
