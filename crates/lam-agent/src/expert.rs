//! The scripted expert as a policy. It is told the state, and nothing else.

use std::time::Instant;

use lam_env::{Application, EnvError, Expert};
use lam_signal::Fault;
use lam_types::PolicyId;

use crate::{Decision, Policy, PolicyError, Request};

/// A policy that asks a scripted teacher.
pub struct ExpertPolicy {
    expert: Box<dyn Expert>,
}

impl ExpertPolicy {
    /// A policy that asks `expert`.
    pub fn new(expert: Box<dyn Expert>) -> Self {
        Self { expert }
    }

    /// The application's own expert.
    ///
    /// # Errors
    /// When the application has none.
    pub fn of(app: &dyn Application) -> Result<Self, PolicyError> {
        let missing = || PolicyError::Config {
            policy: "expert".into(),
            reason: format!("environment `{}` has no scripted expert", app.environment()),
            hint: "name a model, an endpoint or a recording".into(),
        };
        app.expert().map(Self::new).ok_or_else(missing)
    }
}

/// An expert somewhere else that cannot be asked.
fn unreachable(error: EnvError) -> PolicyError {
    PolicyError::failed("expert", error.details().sentence())
}

impl Policy for ExpertPolicy {
    fn id(&self) -> PolicyId {
        PolicyId { name: "expert".into(), hash: self.expert.version() }
    }

    fn decide(&mut self, requests: &[Request<'_>]) -> Result<Vec<Decision>, PolicyError> {
        let answer = |request: &Request<'_>| {
            let started = Instant::now();
            let action = self.expert.decide(request.state).map_err(unreachable)?;
            Ok(Decision { answer: Ok(action), tokens: None, seconds: started.elapsed().as_secs_f64() })
        };
        requests.iter().map(answer).collect()
    }
}
