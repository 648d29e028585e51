//! One thread that owns a generator: tokens go back over one channel a request. A request whose receiver is gone gives
//! its slot back. Knows no HTTP and no text.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

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
    Failed {
        /// Why.
        reason: String,
        /// Whether it is the answer's form that cannot be kept to.
        is_of_form: bool,
    },
}

impl Event {
    fn failed(error: &InferenceError) -> Self {
        let is_of_form = matches!(error, InferenceError::DeadEnd { .. });
        Self::Failed { reason: error.to_string(), is_of_form }
    }
}

/// One answer to be made.
pub struct Job {
    /// What is asked of the generator.
    pub request: GenerationRequest,
    /// Its number among the answers of one channel.
    pub choice: usize,
    /// Where its events go, with that number.
    pub events: UnboundedSender<(usize, Event)>,
    /// Set once the answer is whole without the rest: a string or a call has ended it.
    pub enough: Arc<AtomicBool>,
    /// Least time between two tellings of its tokens, the first of which is at once; where it is `None`, all are told
    /// with the end. Each telling wakes a thread, which takes longer than a small model takes for a token.
    pub told_every: Option<Duration>,
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
    told_every: Option<Duration>,
    /// Tokens that were counted, and when the last of them came.
    counted: usize,
    last: Instant,
    /// Tokens that were told, and when that was.
    told: usize,
    told_at: Instant,
}

impl Asked {
    /// One of whose answer nothing has come yet, and nothing is told before the end.
    fn new(choice: usize, events: UnboundedSender<(usize, Event)>, arrived: Instant) -> Self {
        Self {
            choice,
            events,
            enough: Arc::default(),
            wants_logprobs: false,
            arrived,
            told_every: None,
            counted: 0,
            last: arrived,
            told: 0,
            told_at: arrived,
        }
    }

    /// Counts what came of its answer since the last step, and tells it if it is due. Of a whole answer, all is.
    fn follow(&mut self, answer: PartialAnswer<'_>, is_whole: bool, now: Instant, metrics: &Metrics) {
        self.count_new(answer, now, metrics);
        if is_whole || self.is_due(now) {
            self.tell_new(answer, now);
        }
    }

    /// Tokens that can be told. Where log-probabilities are wanted, a token without one waits for it.
    fn ready(&self, answer: PartialAnswer<'_>) -> usize {
        if self.wants_logprobs { answer.logprobs.len() } else { answer.tokens.len() }
    }

    /// Counts the tokens that came since the last step.
    fn count_new(&mut self, answer: PartialAnswer<'_>, now: Instant, metrics: &Metrics) {
        let count = self.ready(answer).saturating_sub(self.counted);
        if count == 0 {
            return;
        }
        metrics.answer_tokens.fetch_add(count as u64, Ordering::Relaxed);
        match self.counted {
            0 => {
                metrics.first_token.observe(now - self.arrived, 1);
                // Those that a form left no choice about come with it.
                metrics.between_tokens.observe(Duration::ZERO, count as u64 - 1);
            }
            _ => metrics.between_tokens.observe((now - self.last) / count as u32, count as u64),
        }
        (self.counted, self.last) = (self.counted + count, now);
    }

    /// Whether tokens are told now, and not together with later ones.
    fn is_due(&self, now: Instant) -> bool {
        self.told_every.is_some_and(|every| self.told == 0 || now - self.told_at >= every)
    }

    /// Tells the tokens that were not told yet.
    fn tell_new(&mut self, answer: PartialAnswer<'_>, now: Instant) {
        let ready = self.ready(answer);
        if ready <= self.told {
            return;
        }
        let written = |place: usize| Written {
            token: answer.tokens[place],
            logprob: answer.logprobs.get(place).copied().unwrap_or(f32::NAN),
            top: answer.top_logprobs.get(place).cloned().unwrap_or_default(),
        };
        self.tell(Event::Written((self.told..ready).map(written).collect()));
        (self.told, self.told_at) = (ready, now);
    }

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

    fn accept(&mut self, Job { request, choice, events, enough, told_every, arrived, places }: Job) {
        // From here on whoever waits for the answer holds them.
        drop(places);
        let (wants_logprobs, prompt) = (request.logprobs, request.prompt.len());
        match self.generator.submit(request) {
            Ok(id) => {
                self.metrics.prompt_tokens.fetch_add(prompt as u64, Ordering::Relaxed);
                let asked = Asked { enough, wants_logprobs, told_every, ..Asked::new(choice, events, arrived) };
                self.asked.insert(id, asked);
            }
            // As for `Asked::tell`.
            Err(error) => drop(events.send((choice, Event::failed(&error)))),
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
                asked.follow(partial, false, now, &self.metrics);
            }
        }
        for (id, completion) in finished {
            let Some(mut asked) = self.asked.remove(&id) else { continue };
            match completion {
                Ok(completion) => {
                    asked.follow(completion.as_partial(), true, now, &self.metrics);
                    asked.tell(Event::Done(completion.stop));
                }
                Err(error) => asked.tell(Event::failed(&error)),
            }
        }
    }

    /// The model failed: nothing that it was reading can go on.
    fn fail_all(&mut self, error: &InferenceError) {
        for (id, asked) in std::mem::take(&mut self.asked) {
            self.generator.cancel(id);
            asked.tell(Event::failed(error));
        }
    }

    fn count(&mut self) {
        let waiting = self.generator.waiting();
        self.share.tell(self.asked.len().saturating_sub(waiting), waiting);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;

    const STEP: Duration = Duration::from_millis(1);

    /// The tokens of each telling of an answer that gets one token a step, for so many steps, and what was counted.
    fn told(told_every: Option<Duration>, steps: u32) -> (Vec<Vec<u32>>, u64) {
        let (events, mut heard) = unbounded_channel();
        let (arrived, metrics, tokens) = (Instant::now(), Metrics::default(), (0..steps).collect::<Vec<_>>());
        let mut asked = Asked { told_every, ..Asked::new(0, events, arrived) };
        let partial = |step: u32| PartialAnswer { tokens: &tokens[..step as usize], logprobs: &[], top_logprobs: &[] };
        for step in 1..=steps {
            asked.follow(partial(step), false, arrived + STEP * step, &metrics);
        }
        asked.follow(partial(steps), true, arrived + STEP * steps, &metrics);
        drop(asked);
        (tokens_of(&mut heard), metrics.answer_tokens.load(Ordering::Relaxed))
    }

    fn tokens_of(heard: &mut UnboundedReceiver<(usize, Event)>) -> Vec<Vec<u32>> {
        let tokens = |(_, event)| match event {
            Event::Written(written) => written.into_iter().map(|written| written.token).collect(),
            other => panic!("{other:?}"),
        };
        std::iter::from_fn(|| heard.try_recv().ok()).map(tokens).collect()
    }

    #[test]
    fn tokens_are_told_together_where_steps_are_short_and_each_is_counted() {
        let parts = |parts: &[std::ops::Range<u32>]| -> Vec<Vec<u32>> {
            parts.iter().map(|part| part.clone().collect()).collect()
        };
        assert_eq!(told(Some(4 * STEP), 11), (parts(&[0..1, 1..5, 5..9, 9..11]), 11), "the first at once");
        assert_eq!(told(Some(STEP), 3), (parts(&[0..1, 1..2, 2..3]), 3), "no later than steps of that length");
        assert_eq!(told(None, 11), (vec![Vec::from_iter(0..11)], 11), "all with the end");
    }

    #[test]
    fn every_token_but_an_answers_first_is_timed_also_where_several_come_at_once() {
        let (events, _heard) = unbounded_channel();
        let (arrived, metrics, tokens) = (Instant::now(), Metrics::default(), (0..9).collect::<Vec<_>>());
        let mut asked = Asked::new(0, events, arrived);
        for (step, count) in [(1, 4), (2, 5), (3, 9)] {
            let partial = PartialAnswer { tokens: &tokens[..count], logprobs: &[], top_logprobs: &[] };
            asked.follow(partial, count == 9, arrived + STEP * step, &metrics);
        }
        let text = metrics.text();
        for line in [
            "lam_serve_generation_tokens_total 9",
            "lam_serve_time_to_first_token_seconds_count 1",
            "lam_serve_inter_token_seconds_count 8",
            "lam_serve_inter_token_seconds_sum 0.002",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
