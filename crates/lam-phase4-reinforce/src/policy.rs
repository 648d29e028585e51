//! Phase 4b: offline PPO on the failures, LAM3 to LAM4 (paper §4.4.2).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lam_cuda::DeviceChoice;
use lam_data::{CheckConfig, SoundRows};
use lam_model::{Decoder, Device, Finetuning, ModelSource, Precision, ScalarHead};
use lam_prompt::Renderer;
use lam_signal::{Cancel, Progress};
use lam_trainer::{
    FinetuningType, TRAINING_DIRECTORY, TrainRun, TrainingArguments, model_identity, note_adapter, settings_identity,
    train, write_model,
};
use lam_types::{FunctionSpec, Split, Trajectory};
use serde_json::{Value, json};

use crate::rollout::disagreeing;
use crate::{PpoConfig, PpoModule, ReinforceError, Rollout, RolloutBuffer, RolloutLoader, RolloutMaker};

/// The rollouts, kept for a resumed run.
pub(crate) const ROLLOUTS_FILE: &str = "rollouts.jsonl";

/// What the stage reads and writes, and who watches it.
#[derive(Clone, Copy)]
pub struct PolicyIo<'a> {
    /// LAM3.
    pub model: &'a ModelSource,
    /// The reward model.
    pub reward_model: &'a Path,
    /// Files of failed trajectories.
    pub failures: &'a [PathBuf],
    /// The functions that prompts name.
    pub functions: &'a [FunctionSpec],
    /// The environment that has them; trajectories of others are not held to them.
    pub environment: &'a str,
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

/// Trains LAM4 and returns the stage's metrics.
///
/// # Errors
/// No failure to learn from, unreadable files, steps that must not be trained on, or training that stops.
pub fn run(config: &PpoConfig, io: &PolicyIo<'_>) -> Result<Value, ReinforceError> {
    let asked = rollouts(config, io)?;
    let found = Signal::of(&asked);
    let rollouts = disagreeing(asked, config.min_distinct_calls);
    if rollouts.is_empty() {
        let hint = "sample more answers a state, at a higher temperature, or lower `min_distinct_calls`";
        return Err(ReinforceError::Nothing {
            files: io.failures.to_vec(),
            what: "state with different answers",
            hint,
        });
    }
    let (count, signal) = (rollouts.len(), Signal::of(&rollouts));
    let device = Device::open_for(io.device, io.model.config())?;
    let decoder = io.model.load_for(&device, &config.finetuning(), io.seed)?;
    note_adapter(io.model, &decoder, io.progress);
    let value_head = ScalarHead::new(decoder.config().hidden_size, io.seed)?;
    let buffer = RolloutBuffer::new(rollouts, config.batch_size, config.train.num_train_epochs.ceil() as u64, io.seed);
    let mut loader = RolloutLoader::new(&buffer, config.num_ppo_epochs, config.mini_batch_size, io.seed);
    let arguments = arguments(config, &decoder, buffer.longest(), io);
    let mut identity = model_identity(io.model)?;
    identity.insert("reward_model".into(), lam_store::hash_path(io.reward_model)?);
    identity.extend(settings_identity("ppo", &PpoConfig { train: TrainingArguments::default(), ..config.clone() }));
    let mut module = PpoModule::new(decoder, value_head, config, &buffer);
    let training = io.output.join(TRAINING_DIRECTORY);
    let run = TrainRun {
        arguments: &arguments,
        output: &training,
        identity: &identity,
        progress: io.progress,
        cancel: io.cancel,
    };
    let outcome = train(&mut module, &mut loader, &[], &run)?;
    write_model(module.into_decoder(), config.train.save_dtype, (io.model.tokenizer_directory(), io.output))?;
    Ok(json!({
        "states_asked": found.states,
        "reward_spread_of_states_asked": found.spread,
        "states": signal.states,
        "rollouts": count,
        "mean_reward": signal.mean_reward,
        "reward_spread_within_states": signal.spread,
        "lead_of_preferred_call": signal.lead,
        "global_step": outcome.global_step,
        "kl": outcome.last("objective/kl"),
        "clip_fraction": outcome.last("policy/clipfrac_avg"),
        "scores": outcome.last("objective/scores"),
    }))
}

/// The training arguments with what follows from the rollouts: the longest one, and whether the model's window lets them
/// share the rows of their states.
fn arguments(config: &PpoConfig, decoder: &Decoder, longest: usize, io: &PolicyIo<'_>) -> TrainingArguments {
    let fits = decoder.config().window().is_none_or(|window| longest <= window);
    let share_prefixes = config.train.share_prefixes && fits;
    TrainingArguments { max_length: longest, share_prefixes, ..config.train.in_run(io.seed, io.device, io.resume) }
}

/// How LAM3 is loaded to answer: over a quantised base as it is trained, with an adapter that does nothing yet or the one
/// that is trained further.
fn sampling(config: &PpoConfig) -> Finetuning {
    match config.finetuning_type {
        FinetuningType::Qlora => config.finetuning(),
        FinetuningType::Lora | FinetuningType::Full => Finetuning::Frozen,
    }
}

/// The rollouts on disk, or new ones from LAM3 and the reward model.
fn rollouts(config: &PpoConfig, io: &PolicyIo<'_>) -> Result<Vec<Rollout>, ReinforceError> {
    let check = CheckConfig { functions: io.functions, environment: Some(io.environment), ..CheckConfig::default() };
    let rows = SoundRows { check, skip_bad: config.skip_bad, progress: io.progress };
    let is_learned =
        |one: &Trajectory| !one.succeeded() && one.environment_error.is_none() && one.task.split == Split::Train;
    let mut failures = rows.trajectories(io.failures, is_learned)?;
    failures.retain(is_learned);
    if failures.is_empty() {
        let hint = "phase 4 learns from phase 3's failures; give it exploration's failure.parquet";
        return Err(ReinforceError::Nothing { files: io.failures.to_vec(), what: "failed trajectory", hint });
    }
    let device = Device::open_for(io.device, io.model.config())?;
    let mut policy = io.model.load_for(&device, &sampling(config), io.seed)?;
    if config.train.bf16 {
        policy.set_precision(Precision::Bf16)?;
    }
    policy.to_device(&device)?;
    let device = Device::open_for(io.device, &lam_model::open_reward_model(io.reward_model)?)?;
    let (mut reward_model, head) = Decoder::load_reward_model_for(&device, io.reward_model)?;
    reward_model.to_device(&device)?;
    let renderer = Renderer::load(io.model.tokenizer_directory())?;
    let maker = RolloutMaker {
        config,
        policy: &policy,
        reward_model: (&reward_model, &head),
        renderer: &renderer,
        functions: io.functions,
        seed: io.seed,
        progress: io.progress,
        cancel: io.cancel,
    };
    std::fs::create_dir_all(io.output).map_err(lam_store::StoreError::io("create directory", io.output))?;
    maker.load_or_make(&io.output.join(ROLLOUTS_FILE), &failures)
}

/// What rollouts offer to learn from, means over states.
struct Signal {
    states: usize,
    mean_reward: f64,
    /// Best minus worst reward of a state's answers.
    spread: f64,
    /// Lead of the call with the best mean reward over the mean of its state: what always choosing it would gain in
    /// the reward model's eyes. The mean over answers that make one call takes out what their wording adds.
    lead: f64,
}

impl Signal {
    fn of(rollouts: &[Rollout]) -> Self {
        let mut states: BTreeMap<&[u32], Vec<&Rollout>> = BTreeMap::new();
        for rollout in rollouts {
            states.entry(rollout.prompt_ids()).or_default().push(rollout);
        }
        let mean = |of: &dyn Fn(&[&Rollout]) -> f64| {
            states.values().map(|answers| of(answers)).sum::<f64>() / states.len().max(1) as f64
        };
        Self {
            states: states.len(),
            mean_reward: mean(&mean_reward),
            spread: mean(&spread),
            lead: mean(&advantage_of_preferred_call),
        }
    }
}

fn mean_reward(answers: &[&Rollout]) -> f64 {
    answers.iter().map(|answer| f64::from(answer.reward)).sum::<f64>() / answers.len() as f64
}

fn spread(answers: &[&Rollout]) -> f64 {
    let rewards = || answers.iter().map(|answer| f64::from(answer.reward));
    rewards().fold(f64::MIN, f64::max) - rewards().fold(f64::MAX, f64::min)
}

fn advantage_of_preferred_call(answers: &[&Rollout]) -> f64 {
    let mut calls: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for answer in answers {
        let (sum, count) = calls.entry(&answer.call).or_default();
        (*sum, *count) = (*sum + f64::from(answer.advantage_of_call), *count + 1.0);
    }
    calls.values().map(|(sum, count)| sum / count).fold(f64::MIN, f64::max)
}
