//! What each path of the server answers: `/ws` is a session, the others are requests without one.

use std::net::TcpStream;
use std::str::FromStr;
use std::sync::Arc;

use lam_env::TaskQuery;
use lam_types::{Phrasing, Split, State};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::messages::{Call, Code, Refusal, Reset};
use super::payload::{WireAction, taken};
use super::serve::serve;
use super::session::refused;
use super::shared::Shared;
use super::worker::Worker;
use crate::http::Request;
use crate::listener::Stop;

/// Tasks that one request may draw.
const MOST_TASKS: usize = 100_000;

/// Serves one connection to its end.
pub fn take(shared: &Arc<Shared>, stream: TcpStream, stop: &Stop) {
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
        ("GET", "/metadata") => (200, metadata(shared)),
        ("GET", "/schema") => (200, shared.described.schemas()),
        ("GET", "/tasks") => answered(tasks(shared, &request)),
        ("POST", "/expert") => answered(decided(shared, &mut request)),
        ("POST", "/reset") => answered(first_screen(shared, &mut request)),
        ("POST" | "GET", "/step" | "/state") => {
            (409, json!({"detail": "a request has no session to continue; hint: episodes are played over /ws"}))
        }
        (_, "/ws" | "/health" | "/metadata" | "/schema" | "/tasks" | "/expert" | "/reset") => {
            (405, json!({"detail": "another method"}))
        }
        _ => (404, json!({"detail": "known are /ws, /health, /metadata, /schema, /tasks, /expert and /reset"})),
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
        // A page whose own name leads to this machine sends no origin to it.
        None if !request.is_for(&shared.settings.host) => Some((403, "another host's name needs a token")),
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

fn metadata(shared: &Shared) -> Value {
    let (name, version) = (shared.app.environment(), shared.app.version());
    let description = format!("The environment `{name}` of lam-train: tasks over an application's controls.");
    json!({"name": name, "description": description, "version": version})
}

/// Tasks as `split`, `phrasing`, `family` (several), `count` and `seed` ask for them.
fn tasks(shared: &Shared, request: &Request) -> Result<Value, Refusal> {
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
    Ok(json!({"tasks": shared.app.tasks(&query).map_err(refused)?}))
}

/// What the application's expert does in a state: it is told that, and nothing of any session.
fn decided(shared: &Shared, request: &mut Request) -> Result<Value, Refusal> {
    let missing = || {
        let what = format!("environment `{}` has no expert", shared.app.environment());
        Refusal::new(Code::ValidationError, what)
    };
    let expert = shared.app.expert().ok_or_else(missing)?;
    let body = request.body().map_err(|reason| Refusal::new(Code::InvalidJson, reason))?;
    let state: State = serde_json::from_value(body).map_err(|error| Refusal::new(Code::ValidationError, error))?;
    Ok(json!(WireAction::from(&expert.decide(&state).map_err(refused)?)))
}

/// The first screen of an episode that nobody can continue: OpenEnv's requests know no session.
fn first_screen(shared: &Shared, request: &mut Request) -> Result<Value, Refusal> {
    let body = request.body().map_err(|reason| Refusal::new(Code::InvalidJson, reason))?;
    let body = if body.is_null() { json!({}) } else { body };
    let reset: Reset = serde_json::from_value(body).map_err(|error| Refusal::new(Code::ValidationError, error))?;
    let full =
        || Refusal::new(Code::CapacityReached, format!("all {} sessions are taken", shared.settings.max_sessions));
    let worker =
        Worker::start(Arc::clone(&shared.app), shared.settings.max_steps, shared.take_seat().ok_or_else(full)?);
    let longest = shared.settings.call_timeout;
    let late = || Refusal::new(Code::ExecutionError, "the environment gave no answer in time");
    worker.reply(longest).ok_or_else(late)??;
    worker.call(Call::Reset(Box::new(reset)));
    Ok(taken(&mut worker.reply(longest).ok_or_else(late)??, "data"))
}

/// One word of an enumeration.
fn word<T: DeserializeOwned>(request: &Request, key: &str) -> Result<Option<T>, Refusal> {
    let Some(text) = request.query(key).next() else { return Ok(None) };
    let value = T::deserialize(Value::from(text));
    value.map(Some).map_err(|error| Refusal::new(Code::ValidationError, format!("`{key}`: {error}")))
}

fn number<T: FromStr>(request: &Request, key: &str) -> Result<Option<T>, Refusal> {
    let Some(text) = request.query(key).next() else { return Ok(None) };
    let invalid = || Refusal::new(Code::ValidationError, format!("`{key}` = {text}: not a number of this kind"));
    text.parse().map(Some).map_err(|_| invalid())
}
