//! An OpenAI-compatible endpoint as a policy: GPT-4o as teacher, or a model served elsewhere.
//!
//! Knows the words of a question and of an answer only through `lam-prompt`.

mod answer;
mod chat;
mod config;
mod dialect;
mod ledger;

use lam_prompt::{messages, parse_action_text_tolerant};
use lam_signal::Monitor;
use lam_store::hash_bytes;
use lam_types::{FunctionSpec, PolicyId};

pub use answer::after_thought;
pub use chat::{ChatAnswer, ChatClient, Question};
pub use config::{Api, RemoteConfig};

use crate::{Decision, Policy, PolicyError, Request, Unreadable};

/// A policy that asks an endpoint, each step with the thought first and the actions so far with their outcomes
/// (ReAct), as the paper's prompt does.
pub struct RemotePolicy<'a> {
    client: ChatClient<'a>,
    functions: Vec<FunctionSpec>,
}

impl<'a> RemotePolicy<'a> {
    /// A policy over `functions`.
    ///
    /// # Errors
    /// As [`ChatClient::new`].
    pub fn new(config: RemoteConfig, functions: &[FunctionSpec], monitor: Monitor<'a>) -> Result<Self, PolicyError> {
        Ok(Self { client: ChatClient::new(config, monitor)?, functions: functions.to_vec() })
    }
}

impl Policy for RemotePolicy<'_> {
    fn id(&self) -> PolicyId {
        let config = self.client.config();
        let asked = format!("{}\n{}\n{}", config.base_url, config.model, config.temperature);
        PolicyId { name: config.display_name().into(), hash: hash_bytes(asked.as_bytes()) }
    }

    fn decide(&mut self, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError> {
        let questions: Vec<_> =
            requests.iter().map(|request| (messages(request.state, &self.functions), request.seed)).collect();
        Ok(self.client.ask_all(&questions)?.into_iter().map(decision).collect())
    }
}

fn decision(answer: ChatAnswer) -> Decision {
    let action = match answer.fault {
        Some(fault) => Err(fault),
        None => parse_action_text_tolerant(&answer.text).map_err(|error| error.to_string()),
    };
    let answered = action.map_err(|reason| Unreadable { text: answer.text, reason });
    Decision { answer: answered, tokens: None, seconds: answer.seconds }
}
