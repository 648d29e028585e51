//! The expert of a server: told a state, it answers with an action. It knows no session, so that many may ask at once.

use std::sync::Arc;

use lam_env::{EnvError, Expert};
use lam_types::{Action, State};
use serde_json::json;

use super::endpoint::Endpoint;
use super::payload::WireAction;

/// Most states that a server is asked about at once, beside its sessions: servers keep only so many connections.
const AT_ONCE: usize = 16;

/// An expert on a server.
pub struct RemoteExpert {
    endpoint: Arc<Endpoint>,
    version: String,
}

impl RemoteExpert {
    /// The expert of a server, if it has one.
    pub fn of(endpoint: &Arc<Endpoint>) -> Option<Self> {
        let version = endpoint.described.expert.clone()?;
        Some(Self { endpoint: Arc::clone(endpoint), version: format!("{version}/openenv") })
    }
}

impl Expert for RemoteExpert {
    fn parallel(&self) -> usize {
        self.endpoint.described.max_sessions.clamp(1, AT_ONCE)
    }

    fn version(&self) -> String {
        self.version.clone()
    }

    fn decide(&self, state: &State) -> Result<Action, EnvError> {
        let state = json!(state);
        let answer = self.endpoint.settings.retried(|| self.endpoint.post("/expert", &state), |_| true);
        let answer = answer.map_err(|reason| self.endpoint.failed(format!("its expert: {reason}")))?;
        let action: Result<WireAction, _> = serde_json::from_value(answer);
        action
            .map(Action::from)
            .map_err(|error| self.endpoint.failed(format!("the answer of its expert is not understood: {error}")))
    }
}
