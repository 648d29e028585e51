//! An endpoint that writes plans; a model of ours does as well.

use lam_agent::{ChatAnswer, ChatClient, Planner, PolicyError, RemoteConfig};
use lam_prompt::{parse_plan_text, plan_messages};
use lam_signal::Monitor;

/// An endpoint as a planner.
pub struct RemotePlanner<'a> {
    client: ChatClient<'a>,
}

impl<'a> RemotePlanner<'a> {
    /// A planner behind the configured endpoint.
    ///
    /// # Errors
    /// As [`ChatClient::new`].
    pub fn new(config: RemoteConfig, monitor: Monitor<'a>) -> Result<Self, PolicyError> {
        Ok(Self { client: ChatClient::new(config, monitor)? })
    }
}

impl Planner for RemotePlanner<'_> {
    fn name(&self) -> String {
        self.client.config().display_name().to_owned()
    }

    fn plan(&mut self, tasks: &[&str]) -> Result<Vec<Vec<String>>, PolicyError> {
        let questions: Vec<_> = tasks.iter().map(|task| (plan_messages(task), 0)).collect();
        let plan = |answer: ChatAnswer| match answer.fault {
            Some(_) => Vec::new(),
            None => parse_plan_text(&answer.text).unwrap_or_default(),
        };
        Ok(self.client.ask_all(&questions)?.into_iter().map(plan).collect())
    }
}
