//! An application that lives on an OpenEnv server: asks it what it is, and draws its tasks there.

use std::sync::Arc;
use std::time::Duration;

use lam_env::{Application, Document, EnvError, Environment, Expert, TaskQuery};
use lam_types::{Args, FunctionSpec, Phrasing, Task};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use ureq::Agent;

use super::address::Address;
use super::environment::RemoteEnvironment;
use super::schema::{Described, KEY};
use super::words::{Reset, SCHEMA_VERSION};
use crate::RemoteError;
use crate::secret::Secret;

/// Family of tasks that a server draws without being asked for one.
const ANY_FAMILY: &str = "any";
const HINT: &str = "is `lam-train serve env` running there?";

/// How a server is asked.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// What the server wants to be shown.
    pub token: Option<Secret>,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for an answer.
    pub call_timeout: Duration,
    /// Longest wait for tasks to be drawn: for some, a page has to be opened each.
    pub draw_timeout: Duration,
    /// Tries to start an episode.
    pub attempts: u32,
    /// Wait before the second try; doubled each time.
    pub backoff: Duration,
    /// Largest answer, in bytes.
    pub max_message_bytes: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            token: None,
            connect_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(100),
            draw_timeout: Duration::from_secs(1800),
            attempts: 4,
            backoff: Duration::from_millis(250),
            max_message_bytes: 64 << 20,
        }
    }
}

/// A server, as all its sessions know it.
pub struct Endpoint {
    /// Where it is.
    pub address: Address,
    /// How it is asked.
    pub settings: ClientSettings,
    /// What it said of itself.
    pub described: Described,
}

impl Endpoint {
    /// A failure of this server.
    pub fn failed(&self, reason: impl std::fmt::Display) -> EnvError {
        EnvError::Failed { environment: format!("remote:{}", self.address.socket), reason: reason.to_string() }
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

/// An application on a server.
pub struct Remote {
    endpoint: Arc<Endpoint>,
    agent: Agent,
    environment: String,
    version: String,
    twin: Option<Box<dyn Application>>,
}

impl Remote {
    /// The application at `ws://HOST:PORT/ws`.
    ///
    /// # Errors
    /// Nobody who answers there, or another version of actions and observations.
    pub fn connect(address: &str, settings: ClientSettings) -> Result<Self, RemoteError> {
        let address = Address::parse(address)?;
        // Straight to the host, as the WebSocket goes.
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(settings.connect_timeout))
            .proxy(None)
            .build()
            .into();
        let ask = |path: &str| get(&agent, &address, &settings, path, settings.call_timeout);
        let unreachable = |reason| RemoteError::Unreachable { url: address.socket.clone(), reason, hint: HINT };
        let mut schema = ask("/schema").map_err(unreachable)?;
        let described = described(schema["action"][KEY].take(), &address)?;
        let metadata = ask("/metadata").map_err(unreachable)?;
        let word = |key: &str, instead: &str| metadata[key].as_str().unwrap_or(instead).to_owned();
        let (environment, version) = (word("name", "remote"), format!("{}/openenv", word("version", "unknown")));
        let endpoint = Arc::new(Endpoint { address, settings, described });
        Ok(Self { endpoint, agent, environment, version, twin: None })
    }

    /// Whether `text` is the address of a server; connects to nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_address(text: &str) -> Result<(), RemoteError> {
        Address::parse(text).map(drop)
    }

    /// Name under which the server's command line knows the application, if it says one.
    pub fn served_as(&self) -> Option<&str> {
        self.endpoint.described.served_as.as_deref()
    }

    /// With the documentation, the wordings and the expert of the same application on this machine; one of another
    /// name, version or with other functions is not the same.
    #[must_use]
    pub fn with_twin(mut self, twin: Box<dyn Application>) -> Self {
        let is_same = twin.environment() == self.environment
            && self.version.strip_suffix("/openenv") == Some(twin.version())
            && twin.functions() == self.functions();
        self.twin = is_same.then_some(twin);
        self
    }

    /// Tasks as our own servers draw them.
    fn drawn(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        let mut path = format!("/tasks?split={}&count={}&seed={}", query.split.as_str(), query.count, query.seed);
        if let Some(phrasing) = query.phrasing {
            path.push_str(&format!("&phrasing={}", phrasing.as_str()));
        }
        for family in &query.families {
            path.push_str(&format!("&family={}", utf8_percent_encode(family, NON_ALPHANUMERIC)));
        }
        let Endpoint { address, settings, .. } = self.endpoint.as_ref();
        let answer = get(&self.agent, address, settings, &path, settings.draw_timeout);
        let mut answer = answer.map_err(EnvError::Usage)?;
        serde_json::from_value(answer["tasks"].take()).map_err(|error| self.endpoint.failed(format!("/tasks: {error}")))
    }

    /// Tasks of a server that draws none: what a session shows for a seed is one.
    fn seen(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        let mut environment = RemoteEnvironment::new(Arc::clone(&self.endpoint));
        let see = |index: usize| {
            let family = query.families.get(index % query.families.len().max(1)).map_or(ANY_FAMILY, String::as_str);
            let phrasing = query.phrasing.unwrap_or(Phrasing::Seen);
            let (split, wording) = (query.split.as_str(), phrasing.as_str());
            let seed = mixed(query.seed, split, index as u64);
            let mut task = Task {
                task_id: format!("{}-{family}-{split}-{wording}-{seed:012x}", self.environment),
                family: family.to_owned(),
                request: String::new(),
                environment: self.environment.clone(),
                application: String::new(),
                seed,
                phrasing,
                split: query.split,
            };
            let reset = Reset { request: None, ..self.endpoint.reset_to(&task) };
            let observation = environment.start(&reset)?.observation;
            (task.request, task.application) = (observation.request, observation.application);
            Ok(task)
        };
        (0..query.count).map(see).collect()
    }
}

/// A seed of 48 bits that differs with each of these (the finaliser of SplitMix64).
fn mixed(seed: u64, split: &str, index: u64) -> u64 {
    let step = |state: u64, next: u64| {
        let mut mixed = (state ^ next).wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    let named = split.bytes().fold(seed, |state, byte| step(state, u64::from(byte)));
    step(named, index) >> 16
}

/// What a server says of itself, if it says it in our version.
fn described(value: Value, address: &Address) -> Result<Described, RemoteError> {
    let url = address.socket.clone();
    let hint = "serve the environment with this program, or state the version beside the action's schema (x-lam)";
    let other = |found: String| RemoteError::Version { url: url.clone(), found, known: SCHEMA_VERSION, hint };
    match value["version"].as_u64() {
        None => Err(other("no version".to_owned())),
        Some(version) if version != u64::from(SCHEMA_VERSION) => Err(other(format!("version {version}"))),
        Some(_) => serde_json::from_value(value).map_err(|error| RemoteError::Unreachable {
            url: url.clone(),
            reason: format!("its /schema is not understood: {KEY}: {error}"),
            hint,
        }),
    }
}

/// The JSON at a path beside the WebSocket.
fn get(
    agent: &Agent,
    address: &Address,
    settings: &ClientSettings,
    path: &str,
    longest: Duration,
) -> Result<Value, String> {
    let request = agent.get(format!("{}{path}", address.requests));
    let mut request = request.config().timeout_global(Some(longest)).build();
    if let Some(token) = &settings.token {
        request = request.header("authorization", token.bearer());
    }
    let mut response = request.call().map_err(|error| error.to_string())?;
    let status = response.status();
    let body = response.body_mut().with_config().limit(settings.max_message_bytes as u64).read_json::<Value>();
    match body {
        Ok(body) if status.is_success() => Ok(body),
        Ok(body) => Err(body["detail"].as_str().map_or_else(|| format!("HTTP {status}"), str::to_owned)),
        Err(error) if status.is_success() => Err(error.to_string()),
        Err(_) => Err(format!("HTTP {status}")),
    }
}

impl Application for Remote {
    fn environment(&self) -> &str {
        &self.environment
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn functions(&self) -> &[FunctionSpec] {
        &self.endpoint.described.functions
    }

    fn instances(&self) -> Option<usize> {
        Some(self.endpoint.described.max_sessions.max(1))
    }

    fn open(&self) -> Result<Box<dyn Environment>, EnvError> {
        Ok(Box::new(RemoteEnvironment::new(Arc::clone(&self.endpoint))))
    }

    fn tasks(&self, query: &TaskQuery) -> Result<Vec<Task>, EnvError> {
        if self.endpoint.described.tasks { self.drawn(query) } else { self.seen(query) }
    }

    fn documents(&self, entries: usize, seed: u64) -> Vec<Document> {
        self.twin.as_ref().map(|twin| twin.documents(entries, seed)).unwrap_or_default()
    }

    fn vocabulary(&self) -> Vec<String> {
        self.twin.as_ref().map(|twin| twin.vocabulary()).unwrap_or_default()
    }

    fn step_text(&self, function: &str, control_name: &str, args: &Args) -> String {
        match &self.twin {
            Some(twin) => twin.step_text(function, control_name, args),
            None => lam_env::plain_step_text(function, control_name, args),
        }
    }

    fn expert(&self) -> Option<Box<dyn Expert>> {
        self.twin.as_ref().and_then(|twin| twin.expert())
    }
}
