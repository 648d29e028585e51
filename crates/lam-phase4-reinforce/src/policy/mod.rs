//! Phase 4b: the policy learns from tries, LAM3 to LAM4 (paper §4.4.2), by one of three methods over one training loop.

mod dev;
mod ppo;
mod prefer;
mod reject;
mod reward_model;
mod training;
mod tried;

use std::path::{Path, PathBuf};

use lam_cuda::DeviceChoice;
use lam_env::Application;
use lam_model::{Decoder, Device, ModelSource, Precision};
use lam_signal::{Cancel, Monitor, Progress};
use lam_trainer::{Identity, TrainingArguments, model_identity, note_adapter, settings_identity};
use serde_json::Value;

use crate::rollout::Rollout;
use crate::{Method, PolicyConfig, ReinforceError};

use dev::SUCCESS_RATE;
pub(crate) use ppo::ROLLOUTS_FILE;

/// What the stage reads and writes, and who watches it.
#[derive(Clone, Copy)]
pub struct PolicyIo<'a> {
    /// LAM3.
    pub model: &'a ModelSource,
    /// The reward model; PPO's alone.
    pub reward_model: Option<&'a Path>,
    /// Files of failed trajectories, for PPO.
    pub failures: &'a [PathBuf],
    /// Files of all tries, several a task, for the other methods and for anchors.
    pub attempts: &'a [PathBuf],
    /// Files of successes of another source at the same tasks; may be empty.
    pub successes: &'a [PathBuf],
    /// The application whose functions prompts name, and in which dev tasks are played; trajectories of others are not held
    /// to its functions.
    pub app: &'a dyn Application,
    /// Directory of LAM4.
    pub output: &'a Path,
    /// Seed of sampling, order, adapter and value head.
    pub seed: u64,
    /// Where models compute.
    pub device: DeviceChoice,
    /// The checkpoint from which training resumes, where one was named.
    pub resume: Option<&'a Path>,
    /// Progress sink.
    pub progress: &'a dyn Progress,
    /// Asks for a stop.
    pub cancel: &'a Cancel,
}

impl PolicyIo<'_> {
    /// Progress and cancellation of the work.
    fn monitor(&self) -> Monitor<'_> {
        Monitor { progress: self.progress, cancel: self.cancel }
    }
}

/// Trains LAM4 and returns the stage's metrics.
///
/// # Errors
/// Nothing to learn from, unreadable files, steps that must not be trained on, or training that stops.
pub fn run(config: &PolicyConfig, io: &PolicyIo<'_>) -> Result<Value, ReinforceError> {
    match config.method {
        Method::Ppo => ppo::run(config, io),
        Method::Rft => reject::run(config, io),
        Method::Dpo => prefer::run(config, io),
    }
}

/// LAM3 with what is trained of it.
fn policy_to_train(config: &PolicyConfig, io: &PolicyIo<'_>) -> Result<Decoder, ReinforceError> {
    let device = Device::open_for(io.device, io.model.config())?;
    let decoder = io.model.load_for(&device, &config.finetuning(), io.seed)?;
    note_adapter(io.model, &decoder, io.progress);
    Ok(decoder)
}

/// LAM3 as it answers and is measured: in the numbers in which it will be trained.
fn policy_at_start(config: &PolicyConfig, io: &PolicyIo<'_>) -> Result<Decoder, ReinforceError> {
    let device = Device::open_for(io.device, io.model.config())?;
    let mut policy = io.model.load_for(&device, &config.finetuning_of_start(), io.seed)?;
    if config.train.bf16 {
        policy.set_precision(Precision::Bf16)?;
    }
    policy.to_device(&device)?;
    Ok(policy)
}

/// The training arguments with what follows from the data: its longest text, and whether the model's window lets texts
/// share the rows of their states; and, with dev tasks, that their success decides what is kept and when it ends.
fn arguments(config: &PolicyConfig, decoder: &Decoder, longest: usize, io: &PolicyIo<'_>) -> TrainingArguments {
    let fits = decoder.config().window().is_none_or(|window| longest <= window);
    let share_prefixes = config.train.share_prefixes && fits;
    let arguments =
        TrainingArguments { max_length: longest, share_prefixes, ..config.train.in_run(io.seed, io.device, io.resume) };
    if config.dev.tasks == 0 {
        return arguments;
    }
    TrainingArguments {
        eval_on_start: true,
        eval_steps: config.dev.every,
        load_best_model_at_end: true,
        metric_for_best_model: SUCCESS_RATE.into(),
        greater_is_better: true,
        early_stopping_patience: config.dev.patience,
        ..arguments
    }
}

/// What a run is made from: model and settings; a method adds its own.
fn identity(config: &PolicyConfig, io: &PolicyIo<'_>) -> Result<Identity, ReinforceError> {
    let mut identity = model_identity(io.model)?;
    let settings = PolicyConfig { train: TrainingArguments::default(), ..config.clone() };
    identity.extend(settings_identity("policy", &settings));
    Ok(identity)
}

/// The hash of tokens to train on, which a run resumes only with the same.
fn data_hash<'r>(rollouts: impl Iterator<Item = &'r Rollout>) -> String {
    let mut bytes = Vec::new();
    for rollout in rollouts {
        bytes.extend(rollout.id.as_bytes());
        bytes.extend(rollout.input_ids.iter().flat_map(|id| id.to_le_bytes()));
        bytes.extend(rollout.prompt_length.to_le_bytes());
    }
    lam_store::hash_bytes(&bytes)
}
