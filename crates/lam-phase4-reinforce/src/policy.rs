//! Phase 4b: offline PPO on the failures, LAM3 to LAM4 (paper §4.4.2).

use std::path::{Path, PathBuf};

use lam_model::{Decoder, Finetuning, ScalarHead};
use lam_prompt::Renderer;
use lam_store::{Cancel, Progress, read_trajectories};
use lam_trainer::{
    Identity, SchedulerType, TRAINING_DIRECTORY, TrainRun, TrainingArguments, train, write_model,
};
use lam_types::{FunctionSpec, Split};
use serde_json::{Value, json};

use crate::{PpoConfig, PpoModule, ReinforceError, Rollout, RolloutMaker, RolloutOrder, RolloutSource};

const ROLLOUTS_FILE: &str = "rollouts.json";

/// What the stage reads and writes, and who watches it.
#[derive(Clone, Copy)]
pub struct PolicyIo<'a> {
    /// LAM3.
    pub model: &'a Path,
    /// The reward model.
    pub reward_model: &'a Path,
    /// Files of failed trajectories.
    pub failures: &'a [PathBuf],
    /// The functions that prompts name.
    pub functions: &'a [FunctionSpec],
    /// Directory of LAM4.
    pub output: &'a Path,
    /// Seed of sampling, order, adapter and value head.
    pub seed: u64,
    /// Hears of every step.
    pub progress: &'a dyn Progress,
    /// Asks for a stop.
    pub cancel: &'a Cancel,
}

/// Trains LAM4 and returns the stage's metrics.
///
/// # Errors
/// No failure to learn from, unreadable files, or training that stops.
pub fn run(config: &PpoConfig, io: &PolicyIo<'_>) -> Result<Value, ReinforceError> {
    let rollouts = rollouts(config, io)?;
    let (count, mean) = (rollouts.len(), rollouts.iter().map(|rollout| f64::from(rollout.reward())).sum::<f64>());
    let spread = spread_within_states(&rollouts);
    let decoder = Decoder::load(io.model, &Finetuning::Lora(config.lora.clone()), io.seed)?;
    let value_head = ScalarHead::new(decoder.config().hidden_size, io.seed)?;
    let order = RolloutOrder::new(rollouts, config.num_train_epochs, config.batch_size, io.seed);
    let mut source = RolloutSource::new(&order, config.num_ppo_epochs, config.mini_batch_size, io.seed);
    let arguments = TrainingArguments {
        learning_rate: config.learning_rate,
        lr_scheduler_type: SchedulerType::Linear,
        warmup_ratio: 0.0,
        max_steps: source.steps(),
        max_grad_norm: config.max_grad_norm,
        seed: io.seed,
        ..TrainingArguments::default()
    };
    let identity = Identity::from([
        ("model".into(), lam_store::hash_path(io.model)?),
        ("reward_model".into(), lam_store::hash_path(io.reward_model)?),
        ("config".into(), format!("{config:?}")),
    ]);
    let mut module = PpoModule::new(decoder, value_head, config, &order);
    let training = io.output.join(TRAINING_DIRECTORY);
    let run = TrainRun {
        arguments: &arguments,
        output: &training,
        identity: &identity,
        progress: io.progress,
        cancel: io.cancel,
    };
    let outcome = train(&mut module, &mut source, &[], &run)?;
    write_model(module.into_decoder(), io.model, io.output)?;
    Ok(json!({
        "rollouts": count,
        "mean_reward": mean / count as f64,
        "reward_spread_within_states": spread,
        "global_step": outcome.global_step,
        "kl": outcome.last("objective/kl"),
        "clip_fraction": outcome.last("policy/clipfrac_avg"),
        "scores": outcome.last("objective/scores"),
    }))
}

/// The rollouts on disk, or new ones from LAM3 and the reward model.
fn rollouts(config: &PpoConfig, io: &PolicyIo<'_>) -> Result<Vec<Rollout>, ReinforceError> {
    let mut failures = Vec::new();
    for file in io.failures {
        failures.extend(read_trajectories(file)?);
    }
    failures.retain(|trajectory| !trajectory.succeeded() && trajectory.task.split == Split::Train);
    if failures.is_empty() {
        let hint = "phase 4 learns from phase 3's failures; give it exploration's failure.parquet";
        return Err(ReinforceError::Nothing { files: io.failures.to_vec(), what: "failed trajectory", hint });
    }
    let policy = Decoder::load(io.model, &Finetuning::Frozen, io.seed)?;
    let (reward_model, head) = Decoder::load_reward_model(io.reward_model)?;
    let renderer = Renderer::load(io.model)?;
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

/// Mean difference between the best and the worst reward among the answers to one state: what PPO can learn from.
fn spread_within_states(rollouts: &[Rollout]) -> f64 {
    let mut states: std::collections::BTreeMap<&[u32], (f32, f32)> = std::collections::BTreeMap::new();
    for rollout in rollouts {
        let reward = rollout.reward();
        let (worst, best) = states.entry(&rollout.prompt_ids).or_insert((reward, reward));
        (*worst, *best) = (worst.min(reward), best.max(reward));
    }
    states.values().map(|(worst, best)| f64::from(best - worst)).sum::<f64>() / states.len().max(1) as f64
}
