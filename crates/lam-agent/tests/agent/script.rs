//! A policy that is a closure.

use lam_agent::{Decision, Policy, PolicyError, Request, Unreadable};
use lam_types::{Action, PolicyId};

pub fn decided(action: Action) -> Decision {
    Decision { answer: Ok(action), tokens: None, seconds: 0.5 }
}

pub fn unreadable(text: &str) -> Decision {
    let answer = Err(Unreadable { text: text.into(), reason: "not an action".into() });
    Decision { answer, tokens: None, seconds: 0.5 }
}

/// A policy that is a closure over one request.
pub struct Script<F>(pub F);

impl<F: FnMut(&Request<'_>) -> Decision> Policy for Script<F> {
    fn id(&self) -> PolicyId {
        PolicyId { name: "script".into(), hash: "0".into() }
    }

    fn decide(&mut self, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError> {
        Ok(requests.iter().map(&mut self.0).collect())
    }
}
