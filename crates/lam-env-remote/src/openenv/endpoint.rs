//! A server as all its sessions know it: where it is, how it is asked, what it says of itself.

use std::time::Duration;

use lam_env::EnvError;
use lam_signal::{Details, redacted};
use lam_types::Task;
use serde_json::Value;
use ureq::{Agent, RequestBuilder};

use super::address::Address;
use super::messages::Reset;
use super::payload::{SCHEMA_VERSION, taken};
use super::schema::{Described, KEY};
use super::settings::ClientSettings;
use crate::RemoteError;

/// Family of tasks that a server draws without being asked for one.
pub const ANY_FAMILY: &str = "any";
const HINT: &str = "is `lam-train serve env` running there?";

/// A server.
pub struct Endpoint {
    /// Where it is.
    pub address: Address,
    /// How it is asked.
    pub settings: ClientSettings,
    /// What it can do.
    pub described: Described,
    /// Name of its environment.
    pub environment: String,
    /// Version of its environment, and that it was reached over OpenEnv.
    pub version: String,
    agent: Agent,
}

impl Endpoint {
    /// Asks a server what it is.
    ///
    /// # Errors
    /// Nobody who answers there, or another version of actions and observations.
    pub fn connect(address: Address, settings: ClientSettings) -> Result<Self, RemoteError> {
        // Straight to the host, as the WebSocket goes.
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(settings.connect_timeout))
            .proxy(None)
            .build()
            .into();
        let ask = |path: &str| ask(&agent, &address, &settings, (path, None), settings.call_timeout);
        let unreachable = |reason| RemoteError::Unreachable { url: address.socket.clone(), reason, hint: HINT };
        let mut schema = ask("/schema").map_err(unreachable)?;
        let described = described(taken(&mut taken(&mut schema, "action"), KEY), &address)?;
        let metadata = ask("/metadata").map_err(unreachable)?;
        let word = |key: &str, instead: &str| metadata[key].as_str().unwrap_or(instead).to_owned();
        let (environment, version) = (word("name", "remote"), format!("{}/openenv", word("version", "unknown")));
        Ok(Self { address, settings, described, environment, version, agent })
    }

    /// The JSON at a path beside the WebSocket, waited for at most so long; in words, why there is none.
    pub fn get(&self, path: &str, longest: Duration) -> Result<Value, String> {
        ask(&self.agent, &self.address, &self.settings, (path, None), longest)
    }

    /// The JSON that is answered to a body; in words, why there is none.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        ask(&self.agent, &self.address, &self.settings, (path, Some(body)), self.settings.call_timeout)
    }

    /// A failure of this server.
    pub fn failed(&self, reason: impl std::fmt::Display) -> EnvError {
        EnvError::failed(format!("remote:{}", self.address.socket), &Details::new(reason))
    }

    /// What starts this very task.
    pub fn reset_to(&self, task: &Task) -> Reset {
        let episode_id = Some(task.task_id.clone());
        if self.described.tasks {
            return Reset { episode_id, task: Some(task.clone()), ..Reset::default() };
        }
        Reset {
            episode_id,
            seed: Some(task.seed),
            family: Some(task.family.clone()).filter(|family| family != ANY_FAMILY),
            split: Some(task.split),
            phrasing: Some(task.phrasing),
            request: Some(task.request.clone()),
            task: None,
        }
    }
}

/// What a server says of itself, if it says it in our version.
fn described(value: Value, address: &Address) -> Result<Described, RemoteError> {
    let url = address.socket.clone();
    let hint = "serve the environment with this program, or state the version beside the action's schema (x-lam)";
    let other = |found: String| RemoteError::Version { url: url.clone(), found, known: SCHEMA_VERSION, hint };
    match value["version"].as_u64() {
        None => Err(other("no version".to_owned())),
        Some(version) if version != u64::from(SCHEMA_VERSION) => Err(other(format!("version {version}"))),
        Some(_) => {
            let described = serde_json::from_value(value).map_err(|error| error.to_string());
            described.and_then(Described::checked).map_err(|error| RemoteError::Unreachable {
                url: url.clone(),
                reason: format!("its /schema is not understood: {KEY}: {error}"),
                hint,
            })
        }
    }
}

/// Asks with a body, or for what is at the path.
fn ask(
    agent: &Agent,
    address: &Address,
    settings: &ClientSettings,
    (path, body): (&str, Option<&Value>),
    longest: Duration,
) -> Result<Value, String> {
    let url = format!("{}{path}", address.requests);
    let response = match body {
        None => prepared(agent.get(url), settings, longest).call(),
        Some(body) => {
            let request = prepared(agent.post(url), settings, longest);
            request.header("content-type", "application/json").send(body.to_string())
        }
    };
    let mut response = response.map_err(|error| error.to_string())?;
    let status = response.status();
    let body = response.body_mut().with_config().limit(settings.max_message_bytes as u64).read_to_string();
    // Whoever was told a token may repeat it.
    let body = body
        .map_err(|error| error.to_string())
        .and_then(|text| serde_json::from_str::<Value>(&redacted(&text)).map_err(|error| error.to_string()));
    match body {
        Ok(body) if status.is_success() => Ok(body),
        Ok(body) => {
            Err(body.get("detail").and_then(Value::as_str).map_or_else(|| format!("HTTP {status}"), str::to_owned))
        }
        Err(error) if status.is_success() => Err(error),
        Err(_) => Err(format!("HTTP {status}")),
    }
}

/// A request with the server's token, waited for at most so long.
fn prepared<B>(request: RequestBuilder<B>, settings: &ClientSettings, longest: Duration) -> RequestBuilder<B> {
    let request = request.config().timeout_global(Some(longest)).build();
    match &settings.token {
        Some(token) => request.header("authorization", token.bearer()),
        None => request,
    }
}
