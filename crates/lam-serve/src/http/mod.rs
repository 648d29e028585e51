//! The server as HTTP sees it: who may ask what, and where it is answered.

mod answer;
mod arrival;
mod background;
mod pages;
mod reward;
mod server;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use lam_http_server::{Access, Denied, ServerError, share_with};
use lam_signal::{Secret, printable};
use tokio::sync::watch;

use crate::answering::Phase;
use crate::model::{Models, ServedModel};
use crate::refusal::Refusal;
use crate::reward::RewardModel;

pub use server::Server;

/// Paths that are counted by name.
const PATHS: [&str; 7] =
    ["/v1/chat/completions", "/v1/completions", "/v1/rewards", "/v1/models", "/health", "/metrics", "/"];
/// Most lines that are logged of requests, and characters of a field's name in one.
const LOGGED: usize = 200;
const LONGEST_NAME: usize = 80;

/// Takes a line for whoever runs the server.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// How models are served.
#[derive(Clone)]
pub struct ServerSettings {
    /// Address to listen on; one that others can reach needs a token.
    pub host: String,
    /// Port to listen on; 0 for any that is free.
    pub port: u16,
    /// What clients must show.
    pub token: Option<Secret>,
    /// Origins such as `http://localhost:3000` of other servers whose pages may ask from a browser.
    pub allowed_origins: Vec<String>,
    /// Whether answers to App. C's question, and to UFO's, are kept to its controls and functions.
    pub executable: bool,
    /// A part of the title of the window that UFO's requests are assigned to; by their words where it is not set.
    pub application: Option<String>,
    /// Largest body of a request, in bytes.
    pub max_body_bytes: usize,
    /// Connections at once; more where the models have more places, since each answer that is waited for holds one.
    pub max_connections: usize,
    /// How long a request may take to arrive, and how long a client may take no data.
    pub client_timeout: Duration,
    /// How long an answer may take.
    pub answer_timeout: Duration,
    /// How long answers may go on once the server is to stop.
    pub grace: Duration,
    /// Takes what is worth knowing.
    pub log: Log,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 8000,
            token: None,
            allowed_origins: Vec::new(),
            executable: false,
            application: None,
            max_body_bytes: 4 << 20,
            max_connections: 512,
            client_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(600),
            grace: Duration::from_secs(30),
            log: Arc::new(|_| {}),
        }
    }
}

impl ServerSettings {
    /// Refuses what no server starts with, which costs nothing to know before models are loaded.
    ///
    /// # Errors
    /// A token that no header can carry, an address that others can reach without one, what is no origin, or a port that
    /// is taken.
    pub fn check(&self) -> Result<(), ServerError> {
        self.access().check(self.port)
    }

    /// Who may ask.
    fn access(&self) -> Access {
        let (host, token, allowed_origins) = (self.host.clone(), self.token.clone(), self.allowed_origins.clone());
        Access { host, token, allowed_origins, ..Access::default() }
    }
}

/// What every request is answered from.
pub struct App {
    models: Models,
    settings: ServerSettings,
    access: Access,
    phase: watch::Receiver<Phase>,
    /// Seconds since 1970 at which the server started.
    started: u64,
    /// What was logged of requests.
    logged: Mutex<BTreeSet<String>>,
}

impl App {
    /// Whether any answer is in the making.
    fn is_answering(&self) -> bool {
        let Models { served, rewards, .. } = &self.models;
        served.iter().any(|model| model.engine.is_busy()) || rewards.iter().any(|model| model.engine.is_busy())
    }

    /// The model of this name that writes answers.
    fn find(&self, name: &str) -> Result<&ServedModel, Refusal> {
        let found = self.models.served.iter().find(|model| model.name == name);
        let right = "is a reward model, which scores answers and writes none: POST to `/v1/rewards`";
        found.ok_or_else(|| self.not_found(name, right))
    }

    /// The reward model of this name.
    fn find_reward(&self, name: &str) -> Result<&RewardModel, Refusal> {
        let found = self.models.rewards.iter().find(|model| model.name == name);
        let right = "writes answers and is no reward model: POST to `/v1/chat/completions`";
        found.ok_or_else(|| self.not_found(name, right))
    }

    /// The refusal of a name of which no model of the right kind is served; one of the other kind has another path.
    fn not_found(&self, name: &str, other_kind: &str) -> Refusal {
        if self.models.names().any(|known| known == name) {
            return Refusal::of_field("model", format!("`{name}` {other_kind}")).code("wrong_endpoint");
        }
        let names: Vec<&str> = self.models.names().collect();
        let message = format!("no model `{name}` is served; there is {}", names.join(", "));
        let refusal = Refusal::new(StatusCode::NOT_FOUND, message).code("model_not_found");
        Refusal { param: Some("model".into()), ..refusal }
    }

    /// Logs each unknown field once.
    fn log_unknown(&self, path: &str, fields: &[String]) {
        // One may stand in each of many messages.
        let fields: BTreeSet<&String> = fields.iter().collect();
        for field in fields {
            let name: String = printable(field).chars().take(LONGEST_NAME).collect();
            self.log_once(format!("{path}: `{name}` is not known and changes nothing"));
        }
    }

    /// Logs what was not logged yet.
    fn log_once(&self, line: String) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.len() < LOGGED && logged.insert(line.clone()) {
            (self.settings.log)(&line);
        }
    }

    /// Refuses whoever may not ask. Where there is a token, the page that asks for it, and whether the server is well, are
    /// for everybody.
    fn check(&self, request: &Request) -> Result<(), Refusal> {
        if *self.phase.borrow() != Phase::Open {
            return Err(Refusal::stopping());
        }
        let path = request.uri().path();
        if self.settings.token.is_some() && !path.starts_with("/v1/") && path != "/metrics" {
            return Ok(());
        }
        self.access.admit(request).map_err(|denied| match denied {
            Denied::Host => {
                let message = "the request was sent to another host; set a token to serve under a name";
                Refusal::new(StatusCode::FORBIDDEN, message).code("unknown_host")
            }
            Denied::Origin => {
                let message = "the request comes from a page of another server; with a token, that server can pass the \
                               request on, or whoever serves the model names the page's origin: --allow-origin";
                Refusal::new(StatusCode::FORBIDDEN, message).code("unknown_origin")
            }
            Denied::Token => {
                let message = "no token or another one was given; send it as `Authorization: Bearer TOKEN`";
                Refusal::new(StatusCode::UNAUTHORIZED, message).code("invalid_api_key")
            }
        })
    }
}

/// The time.
fn seconds_since_1970() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// All paths.
fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(pages::page))
        .route("/health", get(pages::health))
        .route("/metrics", get(pages::metrics))
        .route("/v1/models", get(pages::models))
        .route("/v1/models/{*name}", get(pages::model))
        .route("/v1/chat/completions", post(answer::chat))
        .route("/v1/completions", post(answer::completion))
        .route("/v1/rewards", post(reward::rewards))
        .fallback(pages::nothing)
        .method_not_allowed_fallback(pages::other_method)
        .layer(from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app)
}

/// Lets in who may ask, and counts what came of it. A page that may ask reads refusals too.
async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let path = PATHS.into_iter().find(|path| *path == request.uri().path()).unwrap_or("other");
    let page = app.access.other_page(request.headers());
    let mut response = match (app.access.preflight(&request), app.check(&request)) {
        (Some(response), _) => response,
        (None, Ok(())) => next.run(request).await,
        (None, Err(refusal)) => refusal.into_response(),
    };
    if let Some(origin) = page {
        share_with(origin, &mut response);
    }
    app.models.metrics.answered(path, response.status().as_u16());
    response
}
