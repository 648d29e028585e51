//! `/v1/chat/completions` and `/v1/completions`: from a request to its answer, whole or as a stream of events.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream::unfold;
use serde_json::Value;
use tokio::time::{self, timeout_at};

use super::arrival::read_json;
use super::background::in_background;
use super::{App, ServerSettings, seconds_since_1970};
use crate::answering::{Answering, Limit, Surroundings};
use crate::ask::{Ask, Asked, read_chat, read_completion};
use crate::bodies::{Head, Whole, usage};
use crate::metrics::Metrics;
use crate::prepare::{KnownForms, prepare};
use crate::refusal::{Refusal, json_body};
use crate::text::Offsets;

/// How often a stream without news shows that it is there, so that nobody on the way takes it for dead.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// A conversation.
pub async fn chat(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    answer(app, request, "/v1/chat/completions", read_chat).await
}

/// Texts to be continued.
pub async fn completion(State(app): State<Arc<App>>, request: Request) -> Result<Response, Refusal> {
    answer(app, request, "/v1/completions", read_completion).await
}

async fn answer(
    app: Arc<App>,
    request: Request,
    path: &'static str,
    read: fn(&Value) -> Result<Ask, Refusal>,
) -> Result<Response, Refusal> {
    let arrived = Instant::now();
    let settings = &app.settings;
    let body = read_json(request, settings.max_body_bytes, settings.client_timeout).await?;
    let ask = Arc::new(read(&body)?);
    drop(body);
    app.log_unknown(path, &ask.unknown);
    let answering = start(&app, &ask, arrived).await?;
    // Only what is answered is timed: from refusals nobody can tell when there will be a place.
    let timer = Timer { metrics: Arc::clone(&app.models.metrics), arrived };
    let renderer = Arc::clone(&app.find(&ask.model)?.renderer);
    let is_chat = matches!(ask.asked, Asked::Chat(_));
    let head = Head {
        is_chat,
        id: name(is_chat),
        created: seconds_since_1970(),
        model: ask.model.clone(),
        logprobs: ask.logprobs.is_some(),
        include_usage: ask.include_usage,
        renderer,
    };
    match ask.stream {
        true => Ok(stream(answering, head, timer)),
        false => whole(answering, &head).await,
    }
}

/// Prompts, places, and the engine's start.
async fn start(app: &Arc<App>, ask: &Arc<Ask>, arrived: Instant) -> Result<Started, Refusal> {
    let model = app.find(&ask.model)?;
    let prompts = if let Asked::Texts(texts) = &ask.asked { texts.len() } else { 1 };
    let answers = prompts.saturating_mul(ask.choices);
    if answers > model.engine.capacity() {
        let message = format!("{answers} answers are asked for, at most {} at once can be", model.engine.capacity());
        return Err(Refusal::of_field(if ask.choices > 1 { "n" } else { "prompt" }, message));
    }
    let places = model.engine.reserve(answers).ok_or_else(|| busy(model.engine.capacity(), &app.models.metrics))?;
    let (own, asked, seed) = (Arc::clone(app), Arc::clone(ask), rand::random());
    let work = in_background(places, move || {
        let model = own.find(&asked.model)?;
        let ServerSettings { executable, application, .. } = &own.settings;
        prepare(&asked, model, KnownForms { executable: *executable, application: application.as_deref() }, seed)
    });
    let mut limit = Limit::new(arrived, app.settings.answer_timeout, app.phase.clone());
    let (prepared, places) = limit.wait(work).await??;
    let prepared = prepared?;
    if let Some(left_out) = prepared.left_out {
        app.log_once(format!("`{}` has no place in its form for {left_out}, which change nothing", model.name));
    }
    let prompt_tokens = prepared.prompt_tokens;
    let lead = if matches!(ask.asked, Asked::Chat(_)) { model.renderer.answer_lead() } else { "" };
    let around = Surroundings {
        renderer: Arc::clone(&model.renderer),
        lead: lead.into(),
        stop: ask.stop.clone().into(),
        is_streamed: ask.stream,
        arrived,
        limit,
        places,
    };
    Ok(Started { answering: Answering::start(prepared, &model.engine, around)?, prompt_tokens })
}

struct Started {
    answering: Answering,
    prompt_tokens: usize,
}

/// As many requests as there are places for.
pub fn busy(places: usize, metrics: &Metrics) -> Refusal {
    let message = format!("{places} requests are answered or wait already; ask again later");
    let seconds = metrics.request.mean().unwrap_or(1.0).ceil().clamp(1.0, 60.0);
    let refusal = Refusal::new(StatusCode::TOO_MANY_REQUESTS, message).code("queue_full");
    Refusal { retry_after: Some(seconds as u64), ..refusal }
}

/// A name for an answer, another one each time.
fn name(is_chat: bool) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{}-{:016x}{number:08x}", if is_chat { "chatcmpl" } else { "cmpl" }, rand::random::<u64>())
}

/// Counts a request's time when it ends.
pub struct Timer {
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
    /// When the request arrived.
    pub arrived: Instant,
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.metrics.request.observe(self.arrived.elapsed(), 1);
    }
}

async fn whole(Started { mut answering, prompt_tokens }: Started, head: &Head) -> Result<Response, Refusal> {
    let mut answers: Vec<Whole> = (0..answering.choices()).map(|_| Whole::default()).collect();
    while let Some(piece) = answering.next().await? {
        answers[piece.choice].take(piece);
    }
    Ok(json_body(&head.whole(answers, usage(prompt_tokens, answering.tokens()))))
}

/// A stream of events on its way.
struct Stream {
    started: Started,
    head: Head,
    /// Where the next token of each answer begins.
    offsets: Vec<Offsets>,
    has_begun: bool,
    is_over: bool,
    _timer: Timer,
}

fn stream(started: Started, head: Head, timer: Timer) -> Response {
    let offsets = (0..started.answering.choices()).map(|_| Offsets::default()).collect();
    let stream = Stream { started, head, offsets, has_begun: false, is_over: false, _timer: timer };
    let pieces = unfold(stream, |mut stream| async move {
        let text = stream.next().await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), stream))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

impl Stream {
    /// The next events.
    async fn next(&mut self) -> Option<String> {
        if self.is_over {
            return None;
        }
        if !std::mem::replace(&mut self.has_begun, true) && self.head.is_chat {
            return Some((0..self.offsets.len()).map(|choice| event(&self.head.opening(choice))).collect());
        }
        // Pieces that tell nothing are no news.
        let until = time::Instant::now() + SIGN_OF_LIFE;
        loop {
            match timeout_at(until, self.started.answering.next()).await {
                Err(_) => return Some(": the answer is in the making\n\n".to_owned()),
                Ok(Ok(Some(piece))) => {
                    let tells = !piece.text.is_empty() || !piece.calls.is_empty() || piece.finish.is_some();
                    if tells || (self.head.logprobs && !piece.written.is_empty()) {
                        let offsets = &mut self.offsets[piece.choice];
                        return Some(self.head.piece(&piece, offsets).iter().map(event).collect());
                    }
                }
                Ok(Ok(None)) => {
                    self.is_over = true;
                    let usage = usage(self.started.prompt_tokens, self.started.answering.tokens());
                    let last = if self.head.include_usage { event(&self.head.last(usage)) } else { String::new() };
                    return Some(last + "data: [DONE]\n\n");
                }
                Ok(Err(refusal)) => {
                    self.is_over = true;
                    return Some(event(&refusal.body()));
                }
            }
        }
    }
}

fn event(value: &Value) -> String {
    format!("data: {value}\n\n")
}
