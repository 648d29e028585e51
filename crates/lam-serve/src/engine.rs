//! One thread that owns a generator: tokens go back over one channel a request. A request whose receiver is gone gives
//! its slot back. Knows no HTTP and no text.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Instant;

use lam_inference::{Finished, GenerationRequest, Generator, InferenceError, PartialAnswer, RequestId, StopReason};
use lam_model::AdapterId;
use lam_signal::Failure;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::UnboundedSender;

use crate::metrics::{Metrics, Share};
use crate::model_thread::ModelThread;

/// A generator, and the adapters that its requests may name.
pub type Loaded = (Generator<'static>, Vec<AdapterId>);

/// A token of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The token.
    pub token: u32,
    /// log p under the model; NaN where none was asked for.
    pub logprob: f32,
    /// The most probable tokens at its place.
    pub top: Vec<(u32, f32)>,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Event {
    /// Its next tokens.
    Written(Vec<Written>),
    /// It is answered.
    Done(StopReason),
    /// It cannot be answered.
    Failed(String),
}

/// One answer to be made.
pub struct Job {
    /// What is asked of the generator.
    pub request: GenerationRequest,
    /// Its number among the answers of one channel.
    pub choice: usize,
    /// Where its events go, with that number.
    pub events: UnboundedSender<(usize, Event)>,
    /// Set once the answer is whole without the rest, which a string has ended.
    pub enough: Arc<AtomicBool>,
    /// When the request arrived.
    pub arrived: Instant,
    /// The places of its request, which are not free while it is on its way to the engine: so the channel holds no more
    /// than there are places.
    pub places: Arc<OwnedSemaphorePermit>,
}

/// The thread of a generator.
pub type Engine = ModelThread<Job>;

impl Engine {
    /// Starts the thread, which loads the model itself; as many requests as `capacity` may be answered or wait.
    ///
    /// # Errors
    /// What loading says, or a system without threads.
    pub fn start(
        capacity: usize,
        metrics: Arc<Metrics>,
        load: impl FnOnce() -> Result<Loaded, Failure> + Send + 'static,
    ) -> Result<(Self, Vec<AdapterId>), Failure> {
        Self::open(capacity, move |jobs, told| {
            let (generator, adapters) = load()?;
            if told(adapters) {
                let share = Share::of(Arc::clone(&metrics));
                Work { generator, asked: BTreeMap::new(), metrics, share }.run(jobs);
            }
            Ok(())
        })
    }
}

struct Work {
    generator: Generator<'static>,
    asked: BTreeMap<RequestId, Asked>,
    metrics: Arc<Metrics>,
    share: Share,
}

/// A request that the generator has.
struct Asked {
    choice: usize,
    events: UnboundedSender<(usize, Event)>,
    enough: Arc<AtomicBool>,
    wants_logprobs: bool,
    arrived: Instant,
    /// Tokens that were told.
    told: usize,
    last: Instant,
}

impl Asked {
    fn tell(&self, event: Event) {
        // Nobody there to hear it: the next round finds that out.
        let _ = self.events.send((self.choice, event));
    }
}

impl Work {
    fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            if self.generator.is_idle() {
                self.count();
                match jobs.recv() {
                    Ok(job) => self.accept(job),
                    Err(_) => return,
                }
            }
            while let Ok(job) = jobs.try_recv() {
                self.accept(job);
            }
            self.drop_unwanted();
            self.count();
            match self.generator.step_each() {
                Ok(finished) => self.tell_all(finished),
                Err(error) => self.fail_all(&error),
            }
        }
    }

    fn accept(&mut self, Job { request, choice, events, enough, arrived, places }: Job) {
        // From here on whoever waits for the answer holds them.
        drop(places);
        let (wants_logprobs, prompt) = (request.logprobs, request.prompt.len());
        match self.generator.submit(request) {
            Ok(id) => {
                self.metrics.prompt_tokens.fetch_add(prompt as u64, Ordering::Relaxed);
                let asked = Asked { choice, events, enough, wants_logprobs, arrived, told: 0, last: arrived };
                self.asked.insert(id, asked);
            }
            // As for `Asked::tell`.
            Err(error) => drop(events.send((choice, Event::Failed(error.to_string())))),
        }
    }

    /// Ends the answers of which nobody wants more: abandoned ones, and those that are whole by now.
    fn drop_unwanted(&mut self) {
        let Self { generator, asked, metrics, .. } = self;
        asked.retain(|id, asked| {
            // In this order: whoever has enough says so before it goes.
            let is_abandoned = asked.events.is_closed();
            let is_whole = asked.enough.load(Ordering::Acquire);
            if is_whole || is_abandoned {
                generator.cancel(*id);
            }
            if is_abandoned && !is_whole {
                metrics.abandoned.fetch_add(1, Ordering::Relaxed);
            }
            !(is_whole || is_abandoned)
        });
    }

    fn tell_all(&mut self, finished: Vec<Finished>) {
        let now = Instant::now();
        for (id, partial) in self.generator.answering() {
            if let Some(asked) = self.asked.get_mut(&id) {
                tell_new(asked, partial, now, &self.metrics);
            }
        }
        for (id, completion) in finished {
            let Some(mut asked) = self.asked.remove(&id) else { continue };
            match completion {
                Ok(completion) => {
                    tell_new(&mut asked, completion.as_partial(), now, &self.metrics);
                    asked.tell(Event::Done(completion.stop));
                }
                Err(error) => asked.tell(Event::Failed(error.to_string())),
            }
        }
    }

    /// The model failed: nothing that it was reading can go on.
    fn fail_all(&mut self, error: &InferenceError) {
        for (id, asked) in std::mem::take(&mut self.asked) {
            self.generator.cancel(id);
            asked.tell(Event::Failed(error.to_string()));
        }
    }

    fn count(&mut self) {
        let waiting = self.generator.waiting();
        self.share.tell(self.asked.len().saturating_sub(waiting), waiting);
    }
}

/// Tells the tokens that were not told yet. Where log-probabilities are wanted, a token without one waits for it.
fn tell_new(asked: &mut Asked, answer: PartialAnswer<'_>, now: Instant, metrics: &Metrics) {
    let ready = if asked.wants_logprobs { answer.logprobs.len() } else { answer.tokens.len() };
    if ready <= asked.told {
        return;
    }
    let written = |place: usize| Written {
        token: answer.tokens[place],
        logprob: answer.logprobs.get(place).copied().unwrap_or(f32::NAN),
        top: answer.top_logprobs.get(place).cloned().unwrap_or_default(),
    };
    let count = ready - asked.told;
    asked.tell(Event::Written((asked.told..ready).map(written).collect()));
    metrics.answer_tokens.fetch_add(count as u64, Ordering::Relaxed);
    match asked.told {
        0 => metrics.first_token.observe(now - asked.arrived, 1),
        _ => metrics.between_tokens.observe((now - asked.last) / count as u32, count as u64),
    }
    (asked.told, asked.last) = (ready, now);
}
