//! The server: its settings, its sessions, and what each path answers.

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lam_env::{Application, TaskQuery};
use lam_types::{Phrasing, Split};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::schema::Described;
use super::serve::serve;
use super::session::refused;
use super::words::{Call, Code, Refusal, Reset};
use super::worker::Worker;
use crate::RemoteError;
use crate::http::Request;
use crate::link::LinkLimits;
use crate::listener::{Listener, Stop};
use crate::secret::Secret;

/// Connections beside the sessions: for requests, and for clients that are told that no session is free.
const BESIDE: usize = 32;
/// Tasks that one request may draw.
const MOST_TASKS: usize = 100_000;
/// How long instances may take to go away once the server stops.
const FAREWELL: Duration = Duration::from_secs(20);
const HINT: &str = "give one by --token-env NAME, or serve on 127.0.0.1";

/// How an application is served.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Address that is listened on.
    pub host: String,
    /// Port; 0 for any that is free.
    pub port: u16,
    /// What clients must show; may only be missing on loopback.
    pub token: Option<Secret>,
    /// Sessions at once, each with an instance of its own.
    pub max_sessions: usize,
    /// Largest message, in bytes.
    pub max_message_bytes: usize,
    /// Actions after which an episode is cut off.
    pub max_steps: u32,
    /// Silence of a client after which its session ends.
    pub idle_timeout: Duration,
    /// Longest wait for an instance's answer to one call.
    pub call_timeout: Duration,
    /// Silence of a connection after which it is asked whether it lives.
    pub ping_after: Duration,
    /// How long it may take to answer that.
    pub pong_within: Duration,
    /// Name under which the command line knows the application, if it does: clients that know it too find its
    /// documentation and expert at home.
    pub served_as: Option<String>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 8000,
            token: None,
            max_sessions: 8,
            max_message_bytes: 16 << 20,
            max_steps: 30,
            idle_timeout: Duration::from_secs(1800),
            call_timeout: Duration::from_secs(120),
            ping_after: Duration::from_secs(20),
            pong_within: Duration::from_secs(60),
            served_as: None,
        }
    }
}

/// A running server; it stops when it is dropped.
pub struct OpenEnvServer {
    /// There until it stops.
    listener: Option<Listener>,
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What all connections know.
pub struct Shared {
    /// What is served.
    pub app: Arc<dyn Application>,
    /// How.
    pub settings: ServerSettings,
    described: Described,
    sessions: Arc<AtomicUsize>,
}

impl OpenEnvServer {
    /// Serves an application until it is dropped.
    ///
    /// # Errors
    /// A port that is taken, or a host that others can reach without a token.
    pub fn start(app: Arc<dyn Application>, settings: ServerSettings) -> Result<Self, RemoteError> {
        let described = Described::of(app.as_ref(), settings.max_sessions, settings.served_as.clone());
        let place = (settings.host.clone(), settings.port, settings.token.clone());
        let most = settings.max_sessions + BESIDE;
        let shared = Arc::new(Shared { app, settings, described, sessions: Arc::default() });
        let connected = Arc::clone(&shared);
        let serve = move |stream: TcpStream, stop: &Stop| take(&connected, stream, stop);
        let listener = Listener::start((&place.0, place.1), (place.2.as_ref(), HINT), most, serve)?;
        Ok(Self { address: listener.address(), listener: Some(listener), shared })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sessions that are taken now.
    pub fn sessions(&self) -> usize {
        self.shared.sessions.load(Ordering::Acquire)
    }
}

/// Every instance is closed before the server is gone: what it started must not outlive it.
impl Drop for OpenEnvServer {
    fn drop(&mut self) {
        drop(self.listener.take());
        let until = Instant::now() + FAREWELL;
        while self.sessions() > 0 && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A session's place among the most there may be, given back when it is dropped.
pub struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Shared {
    /// A place for a session, if one is free.
    pub fn take_seat(&self) -> Option<Seat> {
        let seat = Seat(Arc::clone(&self.sessions));
        (self.sessions.fetch_add(1, Ordering::AcqRel) < self.settings.max_sessions).then_some(seat)
    }

    fn limits(&self) -> LinkLimits {
        let ServerSettings { max_message_bytes, ping_after, pong_within, .. } = self.settings;
        LinkLimits { max_message_bytes, ping_after, pong_within, ..LinkLimits::default() }
    }

    fn metadata(&self) -> Value {
        let (name, version) = (self.app.environment(), self.app.version());
        let description = format!("The environment `{name}` of lam-train: tasks over an application's controls.");
        json!({"name": name, "description": description, "version": version})
    }

    /// Tasks as `split`, `phrasing`, `family` (several), `count` and `seed` ask for them.
    fn tasks(&self, request: &Request) -> Result<Value, Refusal> {
        let known = ["split", "phrasing", "family", "count", "seed", "token"];
        let invalid = |message: String| Refusal::new(Code::ValidationError, message);
        if let Some(unknown) = request.query_keys().find(|key| !known.contains(key)) {
            return Err(invalid(format!("unknown key `{unknown}`, known are split, phrasing, family, count and seed")));
        }
        let query = TaskQuery {
            split: word(request, "split")?.unwrap_or(Split::Test),
            phrasing: word::<Phrasing>(request, "phrasing")?,
            families: request.query("family").map(str::to_owned).collect(),
            count: number(request, "count")?.unwrap_or(1),
            seed: number(request, "seed")?.unwrap_or(0),
        };
        if query.count > MOST_TASKS {
            return Err(invalid(format!("`count` = {}: at most {MOST_TASKS} tasks are drawn at once", query.count)));
        }
        Ok(json!({"tasks": self.app.tasks(&query).map_err(refused)?}))
    }

    /// The first screen of an episode that nobody can go on with: OpenEnv's requests know no session.
    fn first_screen(&self, request: &mut Request) -> Result<Value, Refusal> {
        let body = request.body().map_err(|reason| Refusal::new(Code::InvalidJson, reason))?;
        let body = if body.is_null() { json!({}) } else { body };
        let reset: Reset = serde_json::from_value(body).map_err(|error| Refusal::new(Code::ValidationError, error))?;
        let full = || Refusal::new(Code::CapacityReached, format!("all {} sessions are taken", self.settings.max_sessions));
        let worker = Worker::start(Arc::clone(&self.app), self.settings.max_steps, self.take_seat().ok_or_else(full)?);
        let longest = self.settings.call_timeout;
        let late = || Refusal::new(Code::ExecutionError, "the environment gave no answer in time");
        worker.reply(longest).ok_or_else(late)??;
        worker.call(Call::Reset(Box::new(reset)));
        Ok(worker.reply(longest).ok_or_else(late)??["data"].take())
    }
}

/// One word of an enumeration.
fn word<T: DeserializeOwned>(request: &Request, key: &str) -> Result<Option<T>, Refusal> {
    let Some(text) = request.query(key).next() else { return Ok(None) };
    let value = T::deserialize(Value::from(text));
    value.map(Some).map_err(|error| Refusal::new(Code::ValidationError, format!("`{key}`: {error}")))
}

fn number<T: std::str::FromStr>(request: &Request, key: &str) -> Result<Option<T>, Refusal> {
    let Some(text) = request.query(key).next() else { return Ok(None) };
    let invalid = || Refusal::new(Code::ValidationError, format!("`{key}` = {text}: not a number of this kind"));
    text.parse().map(Some).map_err(|_| invalid())
}

fn take(shared: &Arc<Shared>, stream: TcpStream, stop: &Stop) {
    let Some(mut request) = Request::read(stream) else { return };
    if let Some((status, reason)) = unwelcome(shared, &request) {
        return request.answer(status, &json!({"detail": reason}));
    }
    let (status, body) = match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/ws") if request.is_upgrade() => {
            if let Some(link) = request.upgrade(shared.limits()) {
                serve(shared, link, stop);
            }
            return;
        }
        ("GET", "/ws") => (426, json!({"detail": "this path speaks WebSocket"})),
        ("GET", "/health") => (200, json!({"status": "healthy"})),
        ("GET", "/metadata") => (200, shared.metadata()),
        ("GET", "/schema") => (200, shared.described.schemas()),
        ("GET", "/tasks") => answered(shared.tasks(&request)),
        ("POST", "/reset") => answered(shared.first_screen(&mut request)),
        ("POST" | "GET", "/step" | "/state") => {
            (409, json!({"detail": "a request has no session to go on with; hint: episodes are played over /ws"}))
        }
        (_, "/ws" | "/health" | "/metadata" | "/schema" | "/tasks" | "/reset") => {
            (405, json!({"detail": "another method"}))
        }
        _ => (404, json!({"detail": "known are /ws, /health, /metadata, /schema, /tasks and /reset"})),
    };
    request.answer(status, &body);
}

/// Why a request is not looked at, if so. A page in somebody's browser could reach a server on loopback; it says where
/// it comes from, and has no token.
fn unwelcome(shared: &Shared, request: &Request) -> Option<(u16, &'static str)> {
    match &shared.settings.token {
        Some(token) if request.path != "/health" && !request.presents(token) => {
            Some((401, "no or another token; hint: Authorization: Bearer TOKEN, or ?token=TOKEN"))
        }
        None if request.header("origin").is_some() => Some((403, "pages of a browser need a token")),
        _ => None,
    }
}

fn answered(result: Result<Value, Refusal>) -> (u16, Value) {
    match result {
        Ok(body) => (200, body),
        Err(refusal) => {
            let status = match refusal.code {
                Code::InvalidJson => 400,
                Code::ValidationError => 422,
                Code::CapacityReached => 503,
                _ => 500,
            };
            (status, json!({"detail": refusal.message, "code": refusal.code.as_str()}))
        }
    }
}
