//! Offline PPO on LAM3's answers at the states of failures, scored by the reward model.

use std::collections::BTreeMap;
use std::path::Path;

use lam_data::{CheckConfig, SoundRows};
use lam_model::{Decoder, Device, ScalarHead};
use lam_prompt::Renderer;
use lam_types::{Split, Trajectory};
use serde_json::{Value, json};

use super::dev::DevTasks;
use super::reward_model::reward_model;
use super::training::{Trained, Training};
use super::tried::Tried;
use super::{PolicyIo, arguments, identity, policy_at_start, policy_to_train};
use crate::maker::disagreeing;
use crate::{PolicyConfig, PpoModule, ReinforceError, Rollout, RolloutBuffer, RolloutLoader, RolloutMaker};

/// The rollouts, kept for a resumed run.
pub(crate) const ROLLOUTS_FILE: &str = "rollouts.jsonl";

/// Trains LAM4 and returns the stage's metrics.
///
/// # Errors
/// No failure to learn from, unreadable files, steps that must not be trained on, or training that stops.
pub fn run(config: &PolicyConfig, io: &PolicyIo<'_>) -> Result<Value, ReinforceError> {
    let reward_model = reward_model(io)?;
    let tried = config.imitates().then(|| Tried::read(config, io)).transpose()?;
    let (anchors, imitated) = tried.as_ref().map(Tried::imitated).transpose()?.unzip();
    let failures = failures(config, io)?;
    let learned = failures.iter().map(|one| one.task.task_id.as_str());
    let learned = learned.chain(tried.iter().flat_map(Tried::task_ids));
    let dev = DevTasks::draw(&config.dev, (io.app, io.seed), io.monitor(), learned)?;
    let asked = rollouts(config, io, (&failures, reward_model))?;
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
    let decoder = policy_to_train(config, io)?;
    let value_head = ScalarHead::new(decoder.config().hidden_size, io.seed)?;
    let buffer = RolloutBuffer::new(rollouts, config.batch_size, config.train.num_train_epochs.ceil() as u64, io.seed)
        .with_anchors(anchors.unwrap_or_default());
    let mut loader = RolloutLoader::new(&buffer, config.num_ppo_epochs, config.mini_batch_size, io.seed);
    let arguments = arguments(config, &decoder, buffer.longest(), io);
    let mut identity = identity(config, io)?;
    identity.insert("reward_model".into(), lam_store::hash_path(reward_model)?);
    let module = PpoModule::new(decoder, value_head, config, &buffer);
    let training = Training { config, io, arguments, identity, dev };
    let Trained { outcome, dev } = training.run(module, &mut loader, PpoModule::into_decoder)?;
    Ok(json!({
        "states_asked": found.states,
        "reward_spread_of_states_asked": found.spread,
        "states": signal.states,
        "rollouts": count,
        "mean_reward": signal.mean_reward,
        "reward_spread_within_states": signal.spread,
        "lead_of_preferred_call": signal.lead,
        "imitated": imitated,
        "global_step": outcome.global_step,
        "kl": outcome.last("objective/kl"),
        "clip_fraction": outcome.last("policy/clipfrac_avg"),
        "scores": outcome.last("objective/scores"),
        "dev": dev,
    }))
}

/// The failures at whose states LAM3 is asked.
fn failures(config: &PolicyConfig, io: &PolicyIo<'_>) -> Result<Vec<Trajectory>, ReinforceError> {
    let (functions, environment) = (io.app.functions(), Some(io.app.environment()));
    let check = CheckConfig { functions, environment, ..CheckConfig::default() };
    let rows = SoundRows { check, skip_bad: config.skip_bad, progress: io.progress };
    let is_learned =
        |one: &Trajectory| !one.succeeded() && one.environment_error.is_none() && one.task.split == Split::Train;
    let mut failures = rows.trajectories(io.failures, is_learned)?;
    failures.retain(is_learned);
    if failures.is_empty() {
        let hint = "phase 4 learns from phase 3's failures; give it exploration's failure.parquet";
        return Err(ReinforceError::Nothing { files: io.failures.to_vec(), what: "failed trajectory", hint });
    }
    Ok(failures)
}

/// The rollouts on disk, or new ones from LAM3 and the reward model.
fn rollouts(
    config: &PolicyConfig,
    io: &PolicyIo<'_>,
    (failures, directory): (&[Trajectory], &Path),
) -> Result<Vec<Rollout>, ReinforceError> {
    let policy = policy_at_start(config, io)?;
    let device = Device::open_for(io.device, &lam_model::open_reward_model(directory)?)?;
    let (mut reward_model, head) = Decoder::load_reward_model_for(&device, directory)?;
    reward_model.to_device(&device)?;
    let renderer = Renderer::load(io.model.tokenizer_directory())?;
    let maker = RolloutMaker {
        config,
        policy: &policy,
        reward_model: (&reward_model, &head),
        renderer: &renderer,
        functions: io.app.functions(),
        seed: io.seed,
        progress: io.progress,
        cancel: io.cancel,
    };
    std::fs::create_dir_all(io.output).map_err(lam_store::StoreError::io("create directory", io.output))?;
    maker.load_or_make(&io.output.join(ROLLOUTS_FILE), failures)
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
