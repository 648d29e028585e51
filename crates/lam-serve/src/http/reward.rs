//! `/v1/rewards`: answers scored by a reward model, as phase 4 scores them.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Response;
use lam_inference::normalized_reward;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::App;
use super::answer::{Timer, busy};
use super::arrival::read_json;
use super::background::in_background;
use crate::answering::{Limit, ended};
use crate::ask::read_rewards;
use crate::prepare::prepare_rewards;
use crate::refusal::{Refusal, json_body};
use crate::reward::ScoreJob;

/// Scores of answers.
pub async fn rewards(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    let arrived = Instant::now();
    let settings = &app.settings;
    let body = read_json(request, settings.max_body_bytes, settings.client_timeout).await?;
    let ask = read_rewards(&body)?;
    drop(body);
    app.log_unknown("/v1/rewards", &ask.unknown);
    let model = app.find_reward(&ask.model)?;
    let (engine, metrics) = (model.engine.clone(), &app.models.metrics);
    let place = engine.reserve(1).ok_or_else(|| busy(engine.capacity(), metrics))?;
    let (own, name, answers) = (Arc::clone(&app), ask.model.clone(), ask.answers);
    let work = in_background(place, move || prepare_rewards(&answers, own.find_reward(&name)?));
    let mut limit = Limit::new(arrived, settings.answer_timeout, app.phase.clone());
    let (texts, place) = limit.wait(work).await??;
    let texts = texts?;
    // As for the other paths: only what is answered is timed.
    let _timer = Timer { metrics: Arc::clone(metrics), arrived };
    let tokens: usize = texts.iter().map(Vec::len).sum();
    let (scores, scored) = oneshot::channel();
    if !engine.submit(ScoreJob { texts, scores, place }) {
        return Err(ended());
    }
    let scores = limit.wait(scored).await?.map_err(|_| ended())?.map_err(Refusal::failed)?;
    Ok(json_body(&answer(&ask.model, &scores, tokens)))
}

/// The scores, in the order of the answers: as they are, and as the rewards that they are.
fn answer(model: &str, scores: &[f32], tokens: usize) -> Value {
    let entry = |(index, score): (usize, &f32)| {
        let reward = normalized_reward(*score);
        json!({"object": "reward", "index": index, "score": score, "reward": reward})
    };
    let data: Vec<Value> = scores.iter().enumerate().map(entry).collect();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    json!({"object": "list", "model": model, "data": data, "usage": usage})
}
