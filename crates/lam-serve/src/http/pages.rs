//! What is told without a model: the models, health, figures, and the page for people.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use lam_http_server::html;
use serde_json::{Value, json};

use super::App;
use crate::model::ServedModel;
use crate::refusal::{Refusal, json_body};
use crate::reward::RewardModel;

const PAGE: &str = include_str!("page.html");

/// The page for people.
pub async fn page() -> Response {
    html(PAGE)
}

/// Whether every engine goes on.
pub async fn health(State(app): State<Arc<App>>) -> Response {
    let served = app.models.served.iter().map(|model| (&model.name, model.engine.is_alive()));
    let mut all = served.chain(app.models.rewards.iter().map(|model| (&model.name, model.engine.is_alive())));
    match all.find(|(_, is_alive)| !is_alive) {
        None => json_body(&json!({"status": "ok"})),
        Some((name, _)) => {
            let message = format!("the engine of `{name}` has ended");
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, message).code("engine_ended").into_response()
        }
    }
}

/// Figures for Prometheus.
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, app.models.metrics.text()).into_response()
}

/// All models.
pub async fn models(State(app): State<Arc<App>>) -> Response {
    let served = app.models.served.iter().map(|model| outline(&app, model));
    let data: Vec<Value> = served.chain(app.models.rewards.iter().map(|model| reward_outline(&app, model))).collect();
    json_body(&json!({"object": "list", "data": data}))
}

/// One model.
pub async fn model(
    State(app): State<Arc<App>>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let Path(name) = name.map_err(|rejection| Refusal::new(rejection.status(), rejection).code("unknown_url"))?;
    let reward = app.models.rewards.iter().find(|model| model.name == name);
    Ok(json_body(&match reward {
        Some(model) => reward_outline(&app, model),
        None => outline(&app, app.find(&name)?),
    }))
}

fn outline(app: &App, model: &ServedModel) -> Value {
    let kind = if model.adapter.is_some() { "adapter" } else { "decoder" };
    described(app, (&model.name, kind), model.parent.as_deref(), model.context)
}

fn reward_outline(app: &App, model: &RewardModel) -> Value {
    described(app, (&model.name, "reward"), None, model.context)
}

fn described(app: &App, (name, kind): (&str, &str), parent: Option<&str>, context: usize) -> Value {
    json!({
        "id": name,
        "object": "model",
        "created": app.started,
        "owned_by": "lam-train",
        "kind": kind,
        "parent": parent,
        "max_model_len": context,
    })
}

/// A path that is none.
pub async fn nothing(uri: Uri) -> Refusal {
    let message = format!("`{}` is no path of this server; `/v1/chat/completions` and `/v1/models` are", uri.path());
    Refusal::new(StatusCode::NOT_FOUND, message).code("unknown_url")
}

/// A path that is asked otherwise.
pub async fn other_method(uri: Uri) -> Refusal {
    let message = format!("`{}` takes another method: POST for completions and rewards, GET for all else", uri.path());
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message).code("method_not_allowed")
}
