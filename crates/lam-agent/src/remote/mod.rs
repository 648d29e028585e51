//! An OpenAI-compatible endpoint as a policy: GPT-4o as teacher, or a model served elsewhere.
//!
//! Knows the words of a question and of an answer only through `lam-prompt`.

mod chat;
mod config;
mod ledger;

use lam_prompt::{messages, parse_action_text_tolerant};
use lam_store::hash_bytes;
use lam_types::{FunctionSpec, PolicyId};

pub use chat::{ChatAnswer, ChatClient};
pub use config::{Api, RemoteConfig};

use crate::{Decision, Policy, PolicyError, Request, Unreadable};

/// A policy that asks an endpoint, each step with the thought first and the actions so far with their outcomes
/// (ReAct), as the paper's prompt does.
pub struct RemotePolicy {
    client: ChatClient,
    functions: Vec<FunctionSpec>,
}

impl RemotePolicy {
    /// A policy over `functions`.
    ///
    /// # Errors
    /// When the key is missing, or the cost file cannot be opened.
    pub fn new(config: RemoteConfig, functions: &[FunctionSpec]) -> Result<Self, PolicyError> {
        Ok(Self { client: ChatClient::new(config)?, functions: functions.to_vec() })
    }
}

impl Policy for RemotePolicy {
    fn id(&self) -> PolicyId {
        let config = self.client.config();
        let asked = format!("{}\n{}\n{}", config.base_url, config.model, config.temperature);
        PolicyId { name: config.display_name().into(), hash: hash_bytes(asked.as_bytes()) }
    }

    fn decide(&mut self, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError> {
        let questions: Vec<_> =
            requests.iter().map(|request| (messages(request.state, &self.functions), request.seed)).collect();
        self.client.ask_all(&questions).into_iter().map(|answer| answer.map(decision)).collect()
    }
}

fn decision(answer: ChatAnswer) -> Decision {
    let action = parse_action_text_tolerant(&answer.text);
    let unreadable = |reason: String| Unreadable { text: answer.text.clone(), reason };
    Decision { answer: action.map_err(|error| unreadable(error.to_string())), tokens: None, seconds: answer.seconds }
}
