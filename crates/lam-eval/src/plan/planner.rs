//! What writes plans: a model of ours (its planner lives above this crate), or an endpoint.

use lam_agent::{ChatClient, PolicyError, RemoteConfig};
use lam_prompt::{parse_plan_text, plan_messages};

/// A planner: tasks in, plans out.
pub trait Planner {
    /// Name in reports.
    fn name(&self) -> String;

    /// One plan for each task, in their order; an empty one where no plan can be read from the answer.
    ///
    /// # Errors
    /// Only when the planner cannot continue at all.
    fn plan(&mut self, tasks: &[&str]) -> Result<Vec<Vec<String>>, PolicyError>;
}

/// An endpoint as a planner.
pub struct RemotePlanner {
    client: ChatClient,
}

impl RemotePlanner {
    /// A planner behind the configured endpoint.
    ///
    /// # Errors
    /// When the key is missing.
    pub fn new(config: RemoteConfig) -> Result<Self, PolicyError> {
        Ok(Self { client: ChatClient::new(config)? })
    }
}

impl Planner for RemotePlanner {
    fn name(&self) -> String {
        self.client.config().display_name().to_owned()
    }

    fn plan(&mut self, tasks: &[&str]) -> Result<Vec<Vec<String>>, PolicyError> {
        let questions: Vec<_> = tasks.iter().map(|task| (plan_messages(task), 0)).collect();
        let answers = self.client.ask_all(&questions).into_iter();
        answers.map(|answer| answer.map(|answer| parse_plan_text(&answer.text).unwrap_or_default())).collect()
    }
}
