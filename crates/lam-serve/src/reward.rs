//! Reward models: one thread each scores answers, a text at a time, so that a score has the same bits in any company.
//! Knows no HTTP.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

use lam_cuda::DeviceChoice;
use lam_inference::reward_scores;
use lam_model::{Decoder, Device, ScalarHead, open_reward_model};
use lam_prompt::Renderer;
use lam_signal::Failure;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::metrics::{Metrics, Share};
use crate::model_thread::ModelThread;

/// Texts to be scored.
pub struct ScoreJob {
    /// Their tokens.
    pub texts: Vec<Vec<u32>>,
    /// Where the scores go, or why there are none.
    pub scores: oneshot::Sender<Result<Vec<f32>, String>>,
    /// Its place, free once it is done.
    pub place: OwnedSemaphorePermit,
}

/// A reward model that is served.
pub struct RewardModel {
    /// The name under which it is asked for.
    pub name: String,
    /// Its words.
    pub renderer: Arc<Renderer>,
    /// Who scores.
    pub engine: ModelThread<ScoreJob>,
    /// Most tokens of a prompt and its answer together.
    pub context: usize,
    /// Rows of the embedding: tokens from here on mean nothing.
    pub vocabulary: usize,
}

impl RewardModel {
    /// Loads the reward model in a directory, for so many requests that are answered or wait, and so many tokens.
    ///
    /// # Errors
    /// Files that are missing or damaged, or a system without threads.
    pub fn load(
        name: String,
        directory: &Path,
        (places, max_context): (usize, usize),
        (device, metrics): (DeviceChoice, &Arc<Metrics>),
    ) -> Result<Self, Failure> {
        let config = open_reward_model(directory)?;
        let renderer = Renderer::load(directory)?;
        let limits = (config.max_position_embeddings.min(max_context), config.vocab_size);
        let directory = directory.to_owned();
        let load = move || {
            let device = Device::open_for(device, &config)?;
            Ok(Decoder::load_reward_model_for(&device, &directory)?)
        };
        Self::new((name, renderer), limits, (places, metrics), load)
    }

    /// A reward model that `load` brings; `limits` are its [`RewardModel::context`] and [`RewardModel::vocabulary`].
    ///
    /// # Errors
    /// What loading says, or a system without threads.
    pub fn new(
        (name, renderer): (String, Renderer),
        (context, vocabulary): (usize, usize),
        (places, metrics): (usize, &Arc<Metrics>),
        load: impl FnOnce() -> Result<(Decoder, ScalarHead), Failure> + Send + 'static,
    ) -> Result<Self, Failure> {
        let metrics = Arc::clone(metrics);
        let (engine, ()) = ModelThread::open(places, move |jobs, told| {
            let model = load()?;
            if told(()) {
                let share = Share::of(Arc::clone(&metrics));
                Work { model, asked: VecDeque::new(), metrics, share }.run(jobs);
            }
            Ok(())
        })?;
        let renderer = Arc::new(renderer.with_longest_prompt(context));
        Ok(Self { name, renderer, engine, context, vocabulary })
    }
}

struct Work {
    model: (Decoder, ScalarHead),
    asked: VecDeque<Asked>,
    metrics: Arc<Metrics>,
    share: Share,
}

/// A job, and the scores that there are.
struct Asked {
    job: ScoreJob,
    done: Vec<f32>,
}

impl Work {
    /// Scores a text of each job in turn, so that a long job holds up no short one.
    fn run(mut self, jobs: &Receiver<ScoreJob>) {
        loop {
            if self.asked.is_empty() {
                self.share.tell(0, 0);
                match jobs.recv() {
                    Ok(job) => self.accept(job),
                    Err(_) => return,
                }
            }
            while let Ok(job) = jobs.try_recv() {
                self.accept(job);
            }
            self.share.tell(self.asked.len(), 0);
            if let Some(asked) = self.asked.pop_front() {
                self.advance(asked);
            }
        }
    }

    fn accept(&mut self, job: ScoreJob) {
        let done = Vec::with_capacity(job.texts.len());
        self.asked.push_back(Asked { job, done });
    }

    fn advance(&mut self, mut asked: Asked) {
        if asked.job.scores.is_closed() {
            self.metrics.abandoned.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if let Some(text) = asked.job.texts.get(asked.done.len()) {
            let (decoder, head) = &self.model;
            match reward_scores(decoder, head, &[text]).map(|scores| scores.first().copied().unwrap_or(f32::NAN)) {
                Ok(score) if score.is_finite() => {
                    self.metrics.prompt_tokens.fetch_add(text.len() as u64, Ordering::Relaxed);
                    self.metrics.scored.fetch_add(1, Ordering::Relaxed);
                    asked.done.push(score);
                }
                Ok(_) => return asked.tell(Err("the model's score is not finite".to_owned())),
                Err(error) => return asked.tell(Err(error.to_string())),
            }
        }
        if asked.done.len() < asked.job.texts.len() {
            self.asked.push_back(asked);
        } else {
            let done = std::mem::take(&mut asked.done);
            asked.tell(Ok(done));
        }
    }
}

impl Asked {
    /// Tells what came of it; its place is free before.
    fn tell(self, scores: Result<Vec<f32>, String>) {
        drop(self.job.place);
        // Nobody there to hear it: nothing is lost.
        let _ = self.job.scores.send(scores);
    }
}
