//! The answers to one request in the making: events of the engine become text, and an end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use futures_util::future::{Either, select};
use lam_inference::StopReason;
use lam_prompt::Renderer;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, timeout_at};

use crate::engine::{Engine, Event, Job, Written};
use crate::prepare::Prepared;
use crate::refusal::Refusal;
use crate::text::AnswerText;

/// How far the server is on its way to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Everything is answered.
    Open,
    /// Nothing new is answered.
    Draining,
    /// What is still in the making is cut off.
    Cut,
}

/// What a request's answers need beside the requests to the generator.
pub struct Surroundings {
    /// The model's words.
    pub renderer: Arc<Renderer>,
    /// What its template writes before an answer; nothing before what continues a text.
    pub lead: Arc<str>,
    /// Strings that end an answer.
    pub stop: Arc<[String]>,
    /// When the request arrived.
    pub arrived: std::time::Instant,
    /// How long its answers may take.
    pub patience: Duration,
    /// The server's own way to its end.
    pub phase: watch::Receiver<Phase>,
    /// The places that its answers take.
    pub places: OwnedSemaphorePermit,
}

/// The next piece of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Number of the answer.
    pub choice: usize,
    /// Text that became certain.
    pub text: String,
    /// Tokens that came.
    pub written: Vec<Written>,
    /// Why it is the last one, in OpenAI's words.
    pub finish: Option<&'static str>,
}

/// All answers to one request. Dropped, they are not made any further.
pub struct Answering {
    events: UnboundedReceiver<(usize, Event)>,
    choices: Vec<Choice>,
    deadline: Instant,
    patience: Duration,
    phase: watch::Receiver<Phase>,
    tokens: usize,
    stop_tokens: Vec<u32>,
    _places: OwnedSemaphorePermit,
}

struct Choice {
    text: AnswerText,
    enough: Arc<AtomicBool>,
    is_done: bool,
}

impl Answering {
    /// Hands the requests to the engine.
    ///
    /// # Errors
    /// An engine that has ended.
    pub fn start(prepared: Prepared, engine: &Engine, around: Surroundings) -> Result<Self, Refusal> {
        let (sender, events) = unbounded_channel();
        let mut choices = Vec::new();
        for (choice, request) in prepared.requests.into_iter().enumerate() {
            let Surroundings { renderer, lead, stop, .. } = &around;
            let text =
                AnswerText::new(Arc::clone(renderer), Arc::clone(lead), Arc::clone(stop), prepared.question.clone());
            let enough = Arc::new(AtomicBool::new(false));
            let (events, arrived) = (sender.clone(), around.arrived);
            if !engine.submit(Job { request, choice, events, enough: Arc::clone(&enough), arrived }) {
                return Err(ended());
            }
            choices.push(Choice { text, enough, is_done: false });
        }
        let deadline = Instant::from_std(around.arrived) + around.patience;
        let (patience, phase, _places) = (around.patience, around.phase, around.places);
        let stop_tokens = around.renderer.stop_tokens().to_vec();
        Ok(Self { events, choices, deadline, patience, phase, tokens: 0, stop_tokens, _places })
    }

    /// Number of answers.
    pub fn choices(&self) -> usize {
        self.choices.len()
    }

    /// Tokens of all answers so far.
    pub fn tokens(&self) -> usize {
        self.tokens
    }

    /// The next piece; nothing once all answers are whole. Where this is dropped while it waits, nothing is lost.
    ///
    /// # Errors
    /// An answer that cannot be made, too long a time, or a server that stops.
    pub async fn next(&mut self) -> Result<Option<Piece>, Refusal> {
        while !self.choices.iter().all(|choice| choice.is_done) {
            let (choice, event) = self.event().await?;
            if let Some(piece) = self.take(choice, event)? {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    async fn event(&mut self) -> Result<(usize, Event), Refusal> {
        let Self { events, phase, deadline, patience, .. } = self;
        let next = pin!(events.recv());
        // Where nobody can say it any more, the server has ended.
        let cut = pin!(async move { drop(phase.wait_for(|phase| *phase == Phase::Cut).await.map(drop)) });
        let event = match timeout_at(*deadline, select(next, cut)).await {
            Ok(Either::Left((event, _))) => event,
            Ok(Either::Right(_)) => return Err(Refusal::stopping()),
            Err(_) => {
                let message = format!("the answer took longer than {} s", patience.as_secs());
                return Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, message).code("timeout"));
            }
        };
        event.ok_or_else(ended)
    }

    fn take(&mut self, number: usize, event: Event) -> Result<Option<Piece>, Refusal> {
        let choice = &mut self.choices[number];
        if choice.is_done {
            return Ok(None);
        }
        let (mut text, mut taken, mut finish) = (String::new(), Vec::new(), None);
        match event {
            Event::Written(written) => {
                for written in written {
                    text += &choice.text.push(written.token);
                    self.tokens += 1;
                    // The token that ends an answer is counted and is no part of its text.
                    if !self.stop_tokens.contains(&written.token) {
                        taken.push(written);
                    }
                    if choice.text.is_ended() {
                        choice.enough.store(true, Ordering::Release);
                        finish = Some("stop");
                        break;
                    }
                }
            }
            Event::Done(stop) => {
                text += &choice.text.finish();
                finish = Some(match stop {
                    StopReason::MaxNewTokens => "length",
                    _ => "stop",
                });
            }
            Event::Failed(reason) => return Err(Refusal::failed(reason)),
        }
        choice.is_done = finish.is_some();
        Ok(Some(Piece { choice: number, text, written: taken, finish }))
    }
}

fn ended() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the engine of this model has ended; the server is to be started again",
    )
    .code("engine_ended")
}
