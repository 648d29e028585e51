//! What each path of the server answers: `/ws` is a session, the others are requests without one. What asks the
//! application runs in a thread that may wait.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Request, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use lam_http_server::read_body;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::messages::{Call, Code, Refusal, Reset};
use super::payload::{WireAction, taken};
use super::query::task_query;
use super::serve::serve;
use super::session::{Session, refused};
use super::shared::Shared;
use super::worker::panicked;
use crate::reply::{json, refusal, unwelcome};

/// Largest body, in bytes: requests are short.
const MAX_BODY_BYTES: usize = 1 << 20;
/// How long a body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);

/// All paths.
pub fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/ws", get(session))
        .route("/health", get(health))
        .route("/metadata", get(metadata))
        .route("/schema", get(schema))
        .route("/tasks", get(tasks))
        .route("/expert", post(decided))
        .route("/reset", post(first_screen))
        .route("/step", get(no_session).post(no_session))
        .route("/state", get(no_session).post(no_session))
        .fallback(nothing)
        .method_not_allowed_fallback(other_method)
        .layer(from_fn_with_state(Arc::clone(shared), guard))
        .with_state(Arc::clone(shared))
}

/// Lets in who may ask, as long as the server does not stop. Whether it is well, nobody needs a token to know.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if shared.sockets.are_ending() {
        return stops();
    }
    let is_open = shared.access.token.is_some() && request.uri().path() == "/health";
    match unwelcome(&shared.access, &request).filter(|_| !is_open) {
        Some(refused) => refused,
        None => next.run(request).await,
    }
}

fn stops() -> Response {
    refusal(StatusCode::SERVICE_UNAVAILABLE, "the server stops")
}

async fn session(
    State(shared): State<Arc<Shared>>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let served = Arc::clone(&shared);
    shared.sockets.open(upgrade, move |link, stop| serve(served, link, stop))
}

async fn health() -> Response {
    json(StatusCode::OK, json!({"status": "healthy"}).to_string())
}

async fn metadata(State(shared): State<Arc<Shared>>) -> Response {
    let (name, version) = (shared.app.environment(), shared.app.version());
    let description = format!("The environment `{name}` of lam-train: tasks over an application's controls.");
    json(StatusCode::OK, json!({"name": name, "description": description, "version": version}).to_string())
}

async fn schema(State(shared): State<Arc<Shared>>) -> Response {
    json(StatusCode::OK, shared.described.schemas().to_string())
}

async fn no_session() -> Response {
    refusal(StatusCode::CONFLICT, "a request has no session to continue; hint: episodes are played over /ws")
}

async fn nothing() -> Response {
    let known = "known are /ws, /health, /metadata, /schema, /tasks, /expert and /reset";
    refusal(StatusCode::NOT_FOUND, known)
}

async fn other_method() -> Response {
    refusal(StatusCode::METHOD_NOT_ALLOWED, "another method")
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = match self.code {
            Code::InvalidJson => StatusCode::BAD_REQUEST,
            Code::ValidationError => StatusCode::UNPROCESSABLE_ENTITY,
            Code::CapacityReached => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        json(status, json!({"detail": self.message, "code": self.code.as_str()}).to_string())
    }
}

/// Tasks as `split`, `phrasing`, `family` (several), `count` and `seed` ask for them.
async fn tasks(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Refusal> {
    let query = task_query(uri.query().unwrap_or_default())?;
    in_background(move || Ok(json!({"tasks": shared.app.tasks(&query).map_err(refused)?}))).await
}

/// What the application's expert does in a state: it is told that, and nothing of any session.
async fn decided(State(shared): State<Arc<Shared>>, body: Body) -> Result<Response, Refusal> {
    let body = arrived(body).await?;
    in_background(move || {
        let missing = || {
            let what = format!("environment `{}` has no expert", shared.app.environment());
            Refusal::new(Code::ValidationError, what)
        };
        let expert = shared.app.expert().ok_or_else(missing)?;
        Ok(json!(WireAction::from(&expert.decide(&read(&body)?).map_err(refused)?)))
    })
    .await
}

/// The first screen of an episode that nobody can continue: OpenEnv's requests know no session.
async fn first_screen(State(shared): State<Arc<Shared>>, body: Body) -> Result<Response, Refusal> {
    let body = arrived(body).await?;
    let reset: Option<Reset> = if body.is_empty() { None } else { read(&body)? };
    let full =
        || Refusal::new(Code::CapacityReached, format!("all {} sessions are taken", shared.settings.max_sessions));
    let seat = shared.take_seat().ok_or_else(full)?;
    // The body may have come while the server began to stop. Looked at once the seat is taken: the end waits for seats.
    if shared.sockets.are_ending() {
        return Ok(stops());
    }
    let (app, max_steps) = (Arc::clone(&shared.app), shared.settings.max_steps);
    let shown = in_background(move || {
        let _seat = seat;
        let mut session = Session::open(app, max_steps).map_err(|error| Refusal::new(Code::FactoryError, error))?;
        Ok(taken(&mut session.answer(Call::Reset(Box::new(reset.unwrap_or_default())))?, "data"))
    });
    // The start and the reset are a call each.
    let late = |_| Refusal::new(Code::ExecutionError, "the environment gave no answer in time");
    timeout(shared.settings.call_timeout.saturating_mul(2), shown).await.map_err(late)?
}

/// The answer of work that may wait.
async fn in_background(work: impl FnOnce() -> Result<Value, Refusal> + Send + 'static) -> Result<Response, Refusal> {
    let text = spawn_blocking(move || work().map(|answer| answer.to_string())).await;
    let text = text.map_err(|error| match error.try_into_panic() {
        Ok(panic) => panicked(Code::ExecutionError, panic.as_ref()),
        Err(_) => Refusal::new(Code::SessionError, "the server stops"),
    })?;
    Ok(json(StatusCode::OK, text?))
}

async fn arrived(body: Body) -> Result<Vec<u8>, Refusal> {
    read_body(body, MAX_BODY_BYTES, ARRIVAL).await.map_err(|error| Refusal::new(Code::InvalidJson, error))
}

/// What a body says.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::new(Code::InvalidJson, format!("the body is not JSON: {error}")))?;
    serde_json::from_value(body).map_err(|error| Refusal::new(Code::ValidationError, error))
}
