//! The answers to one request in the making: events of the engine become text, and an end.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::http::StatusCode;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use lam_inference::StopReason;
use lam_prompt::Renderer;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, timeout_at};

use crate::calls::{AnswerCalls, CallPiece, Calls, Told};
use crate::engine::{Engine, Event, Job, Written};
use crate::prepare::Prepared;
use crate::refusal::Refusal;
use crate::text::AnswerText;

/// Least time between two pieces of an answer: nobody reads faster, and small models make a token in far less.
const BETWEEN_PIECES: Duration = Duration::from_millis(5);

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
    /// Whether its answers are sent as they come.
    pub is_streamed: bool,
    /// When the request arrived.
    pub arrived: std::time::Instant,
    /// How long its answers are waited for.
    pub limit: Limit,
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
    /// Pieces of calls that became certain.
    pub calls: Vec<CallPiece>,
    /// Tokens that came.
    pub written: Vec<Written>,
    /// Why it is the last one, in OpenAI's words.
    pub finish: Option<&'static str>,
}

/// How long work for a request is waited for: until its answers are due, or until the server cuts off what is in the
/// making.
pub struct Limit {
    deadline: Instant,
    patience: Duration,
    phase: watch::Receiver<Phase>,
}

impl Limit {
    /// For a request that arrived then, and whose answers may take that long.
    pub fn new(arrived: std::time::Instant, patience: Duration, phase: watch::Receiver<Phase>) -> Self {
        Self { deadline: Instant::from_std(arrived) + patience, patience, phase }
    }

    /// What comes of the work.
    ///
    /// # Errors
    /// Too long a time, or a server that stops; also where the work is done by then, as it always is for a client that
    /// takes an answer more slowly than it is made.
    pub async fn wait<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Refusal> {
        let Self { deadline, patience, phase } = self;
        let late = || {
            let message = format!("the answer took longer than {} s", patience.as_secs());
            Refusal::new(StatusCode::GATEWAY_TIMEOUT, message).code("timeout")
        };
        if Instant::now() >= *deadline {
            return Err(late());
        }
        if *phase.borrow() == Phase::Cut {
            return Err(Refusal::stopping());
        }
        let mut work = pin!(work);
        // For what is there already, no clock has to be set.
        if let Some(done) = work.as_mut().now_or_never() {
            return Ok(done);
        }
        // Where nobody can say it any more, the server has ended.
        let cut = pin!(async move { drop(phase.wait_for(|phase| *phase == Phase::Cut).await.map(drop)) });
        match timeout_at(*deadline, select(cut, work)).await {
            Ok(Either::Left(_)) => Err(Refusal::stopping()),
            Ok(Either::Right((done, _))) => Ok(done),
            Err(_) => Err(late()),
        }
    }
}

/// All answers to one request. Dropped, they are not made any further.
pub struct Answering {
    /// Nothing once no more is to come: whoever still has to be told the end holds no place for it.
    making: Option<Making>,
    choices: Vec<Choice>,
    /// Answers that needed no model.
    ready: VecDeque<Piece>,
    limit: Limit,
    tokens: usize,
    stop_tokens: Vec<u32>,
    /// The field that asks for their form.
    form_field: Option<&'static str>,
}

/// What there is while answers are in the making. Dropped, the places are free before the engine sees that nobody
/// listens.
struct Making {
    _places: Arc<OwnedSemaphorePermit>,
    events: UnboundedReceiver<(usize, Event)>,
}

struct Choice {
    text: AnswerText,
    calls: AnswerCalls,
    enough: Arc<AtomicBool>,
    is_done: bool,
}

impl Answering {
    /// Hands the requests to the engine, if there are any.
    ///
    /// # Errors
    /// An engine that has ended.
    pub fn start(prepared: Prepared, engine: &Engine, around: Surroundings) -> Result<Self, Refusal> {
        let (sender, events) = unbounded_channel();
        let told_every = told_every(&prepared, &around);
        let places = Arc::new(around.places);
        let mut choices = Vec::new();
        for (choice, request) in prepared.requests.into_iter().enumerate() {
            let (renderer, lead, stop) = (&around.renderer, &around.lead, &around.stop);
            let text =
                AnswerText::new(Arc::clone(renderer), Arc::clone(lead), Arc::clone(stop), prepared.question.clone());
            let text = text.showing(Arc::clone(&prepared.shown));
            let calls = AnswerCalls::new(prepared.calls.clone());
            let enough = Arc::new(AtomicBool::new(false));
            let (events, arrived, places) = (sender.clone(), around.arrived, Arc::clone(&places));
            let job = Job { request, choice, events, enough: Arc::clone(&enough), told_every, arrived, places };
            if !engine.submit(job) {
                return Err(ended());
            }
            choices.push(Choice { text, calls, enough, is_done: false });
        }

        let whole =
            |(choice, text)| Piece { choice, text, calls: Vec::new(), written: Vec::new(), finish: Some("stop") };
        let ready: VecDeque<Piece> = prepared.ready.into_iter().enumerate().map(whole).collect();
        let making = ready.is_empty().then_some(Making { _places: places, events });
        let stop_tokens = around.renderer.stop_tokens().to_vec();
        let (limit, form_field) = (around.limit, prepared.form_field);
        Ok(Self { making, choices, ready, limit, tokens: 0, stop_tokens, form_field })
    }

    /// Number of answers, before the first of them is taken.
    pub fn choices(&self) -> usize {
        self.choices.len() + self.ready.len()
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
        if let Some(piece) = self.ready.pop_front() {
            return Ok(Some(piece));
        }
        let next = self.piece().await;
        if !matches!(next, Ok(Some(_))) || self.choices.iter().all(|choice| choice.is_done) {
            self.making = None;
        }
        next
    }

    async fn piece(&mut self) -> Result<Option<Piece>, Refusal> {
        while let Some(Making { events, .. }) = &mut self.making {
            let (choice, event) = self.limit.wait(events.recv()).await?.ok_or_else(ended)?;
            if let Some(piece) = self.take(choice, event)? {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }

    fn take(&mut self, number: usize, event: Event) -> Result<Option<Piece>, Refusal> {
        let choice = &mut self.choices[number];
        if choice.is_done {
            return Ok(None);
        }
        let (mut told, mut taken, mut finish) = (Told::default(), Vec::new(), None);
        match event {
            // Token by token: where a string or a call ends the answer, those behind it are no part of it and not counted,
            // however many were told together.
            Event::Written(written) => {
                for written in written {
                    told.add(choice.calls.push(choice.text.push(written.token)));
                    self.tokens += 1;
                    // The token that ends an answer is counted and is no part of its text.
                    if !self.stop_tokens.contains(&written.token) {
                        taken.push(written);
                    }
                    if choice.text.is_stopped() || choice.calls.is_full() {
                        choice.enough.store(true, Ordering::Release);
                        finish = Some("stop");
                        break;
                    }
                }
            }
            Event::Done(stop) => {
                told.add(choice.calls.push(choice.text.finish()));
                finish = Some(match stop {
                    StopReason::MaxNewTokens if !choice.text.is_stopped() => "length",
                    _ => "stop",
                });
            }
            // A form that was asked for and leads nowhere is the client's, as is one that cannot be compiled.
            Event::Failed { reason, is_of_form } => {
                return Err(match self.form_field.filter(|_| is_of_form) {
                    Some(field) => Refusal::of_field(field, reason).code("unsupported_schema"),
                    None => Refusal::failed(reason),
                });
            }
        }
        if finish.is_some() {
            told.add(choice.calls.finish());
        }
        if finish.is_some() && choice.calls.has_whole_calls() {
            finish = finish.map(|reason| if reason == "stop" { "tool_calls" } else { reason });
        }
        choice.is_done = finish.is_some();
        Ok(Some(Piece { choice: number, text: told.text, calls: told.calls, written: taken, finish }))
    }
}

/// How often the engine tells an answer's tokens: where nothing is made of them before the end, with the end alone.
fn told_every(prepared: &Prepared, around: &Surroundings) -> Option<Duration> {
    // An answer in another form than the model's is made of all its tokens, and an action's call of all its text.
    let is_translated = prepared.question.is_some();
    let is_text_held = is_translated || matches!(prepared.calls, Calls::Action(_));
    let wants_logprobs = prepared.requests.iter().any(|request| request.logprobs);
    let is_shown = around.is_streamed && (!is_text_held || wants_logprobs);
    // A string, or a call, may end it before the model does.
    let may_end = !is_translated && (!around.stop.is_empty() || matches!(prepared.calls, Calls::Written(_)));
    (is_shown || may_end).then_some(BETWEEN_PIECES)
}

/// The thread of a model has ended.
pub fn ended() -> Refusal {
    Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "the engine of this model has ended; the server is to be started again",
    )
    .code("engine_ended")
}

#[cfg(test)]
mod tests {
    use lam_prompt::{CallReader, Tokenizer, TokenizerConfig};
    use tokio::runtime::Builder;
    use tokio::sync::Semaphore;
    use tokio::sync::mpsc::UnboundedSender;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Answers in the making, and what stands around them.
    struct Scene {
        renderer: Arc<Renderer>,
        answering: Answering,
        places: Arc<Semaphore>,
        engine: UnboundedSender<(usize, Event)>,
        server: watch::Sender<Phase>,
    }

    impl Scene {
        fn new(patience: Duration, choices: usize) -> Self {
            let config = TokenizerConfig { vocab_size: 300, labels: 0, words: Vec::new() };
            let renderer = Arc::new(Renderer::new(Tokenizer::train(&["a"], &config).unwrap()).unwrap());
            let places = Arc::new(Semaphore::new(choices));
            let taken = Arc::clone(&places).try_acquire_many_owned(u32::try_from(choices).unwrap()).unwrap();
            let choice = |_| Choice {
                text: AnswerText::new(Arc::clone(&renderer), Arc::default(), Arc::default(), None),
                calls: AnswerCalls::new(Calls::None),
                enough: Arc::default(),
                is_done: false,
            };
            let choices = (0..choices).map(choice).collect();
            let ((engine, events), (server, phase)) = (unbounded_channel(), watch::channel(Phase::Open));
            let limit = Limit::new(std::time::Instant::now(), patience, phase);
            let making = Some(Making { _places: Arc::new(taken), events });
            let ready = VecDeque::new();
            let (stop_tokens, form_field) = (Vec::new(), None);
            let answering = Answering { making, choices, ready, limit, tokens: 0, stop_tokens, form_field };
            Self { renderer, answering, places, engine, server }
        }

        /// Writes a text as the engine does, told at once; how many tokens that is.
        fn write(&self, text: &str) -> usize {
            let tokens = self.renderer.tokenizer().encode(text);
            let written = tokens.into_iter().map(|token| Written { token, logprob: f32::NAN, top: Vec::new() });
            let written: Vec<_> = written.collect();
            let count = written.len();
            self.engine.send((0, Event::Written(written))).unwrap();
            count
        }

        fn next(&mut self) -> Result<Option<Piece>, Refusal> {
            Builder::new_current_thread().enable_time().build().unwrap().block_on(self.answering.next())
        }

        /// Free places, and whether the engine sees that somebody listens.
        fn state(&self) -> (usize, bool) {
            (self.places.available_permits(), !self.engine.is_closed())
        }
    }

    #[test]
    fn places_are_free_once_all_answers_are_whole_and_no_earlier() {
        let mut scene = Scene::new(MINUTE, 2);
        for choice in [1, 0] {
            assert_eq!(scene.state(), (0, true));
            scene.engine.send((choice, Event::Done(StopReason::MaxNewTokens))).unwrap();
            let piece = scene.next().unwrap().unwrap();
            assert_eq!((piece.choice, piece.finish), (choice, Some("length")));
        }
        assert_eq!(scene.state(), (2, false), "before the end is told");
        assert_eq!(scene.next(), Ok(None));
    }

    #[test]
    fn a_call_that_a_model_writes_is_told_as_one_and_may_end_the_answer() {
        let call = "<tool_call>{\"name\": \"go\", \"arguments\": {\"to\": 1}}</tool_call>";
        for (most, is_over) in [(9, false), (1, true)] {
            let mut scene = Scene::new(MINUTE, 1);
            let reader = CallReader::new(["go".to_owned()], most, false);
            let choice = &mut scene.answering.choices[0];
            choice.calls = AnswerCalls::new(Calls::Written(reader));
            let enough = Arc::clone(&choice.enough);
            for text in ["So. ", call] {
                scene.write(text);
            }
            let (said, called) = (scene.next().unwrap().unwrap(), scene.next().unwrap().unwrap());
            assert_eq!((said.text.as_str(), said.calls.len()), ("So.", 0));
            let [begin, arguments] = called.calls.as_slice() else { panic!("{called:?}") };
            let name = begin.head.as_ref().map(|[_, name]| name.as_str());
            assert_eq!((begin.index, name, arguments.index), (0, Some("go"), 0));
            assert_eq!((arguments.arguments.as_str(), &arguments.head), ("{\"to\": 1}", &None));
            assert_eq!((called.finish, enough.load(Ordering::Acquire)), (is_over.then_some("tool_calls"), is_over));
            if !is_over {
                scene.engine.send((0, Event::Done(StopReason::StopToken))).unwrap();
                assert_eq!(scene.next().unwrap().unwrap().finish, Some("tool_calls"));
            }
            assert_eq!(scene.next(), Ok(None));
        }
    }

    #[test]
    fn a_string_that_ends_an_answer_in_a_call_leaves_no_whole_call() {
        let call = "<tool_call>\n{\"name\": \"go\", \"arguments\": {\"to\": 1}}\n</tool_call>";
        for (stop, arguments, finish) in
            [("\"to", "{", "stop"), ("}", "{\"to\": 1", "stop"), ("\n</tool", "{\"to\": 1}", "tool_calls")]
        {
            let mut scene = Scene::new(MINUTE, 1);
            let stop: Arc<[String]> = Arc::new([stop.to_owned()]);
            let choice = &mut scene.answering.choices[0];
            choice.text = AnswerText::new(Arc::clone(&scene.renderer), Arc::default(), stop, None);
            choice.calls = AnswerCalls::new(Calls::Written(CallReader::new(["go".to_owned()], 9, true)));
            scene.write(call);
            let piece = scene.next().unwrap().unwrap();
            let told: String = piece.calls.iter().map(|piece| piece.arguments.as_str()).collect();
            assert_eq!((told.as_str(), piece.finish), (arguments, Some(finish)));
        }
    }

    #[test]
    fn tokens_behind_the_call_that_ends_an_answer_are_no_part_of_it() {
        let call = "<tool_call>\n{\"name\": \"go\", \"arguments\": {\"to\": 1}}\n</tool_call>";
        let answer = |text: &str| {
            let mut scene = Scene::new(MINUTE, 1);
            let reader = CallReader::new(["go".to_owned()], 1, true);
            scene.answering.choices[0].calls = AnswerCalls::new(Calls::Written(reader));
            let told = scene.write(text);
            (scene.next().unwrap().unwrap(), scene.answering.tokens(), told)
        };
        // The engine goes on until it hears that it is enough.
        let ((piece, tokens, _), (_, alone, whole)) = (answer(&format!("{call} and more")), answer(call));
        assert_eq!((piece.finish, piece.text.as_str()), (Some("tool_calls"), ""));
        assert_eq!((tokens, piece.written.len(), alone), (whole, whole, whole));
        let [begin, arguments] = piece.calls.as_slice() else { panic!("{:?}", piece.calls) };
        assert!(begin.head.is_some() && arguments.head.is_none());
        assert_eq!(arguments.arguments, "{\"to\": 1}", "told as one, whatever tokens it is made of");
    }

    #[test]
    fn time_and_server_end_an_answer_of_which_there_is_always_more_to_take() {
        let mut late = Scene::new(Duration::ZERO, 1);
        late.engine.send((0, Event::Written(Vec::new()))).unwrap();
        assert_eq!(late.next().unwrap_err().code, Some("timeout"));
        assert_eq!(late.state(), (1, false));
        let mut cut = Scene::new(MINUTE, 1);
        for _ in 0..2 {
            cut.engine.send((0, Event::Written(Vec::new()))).unwrap();
        }
        assert!(cut.next().unwrap().is_some());
        cut.server.send_replace(Phase::Cut);
        assert_eq!(cut.next(), Err(Refusal::stopping()));
        assert_eq!(cut.state(), (1, false));
    }
}
