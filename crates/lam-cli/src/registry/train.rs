//! The training stages, as the runner calls them.

use std::path::Path;

use lam_base::{BaseConfig, BaseError, BaseIo};
use lam_config::ConfigError;
use lam_env::Application;
use lam_hub::HubError;
use lam_inference::{PolicyOptions, Sampling};
use lam_model::ModelError;
use lam_phase1_pretrain::{PretrainConfig, PretrainError, PretrainIo};
use lam_phase2_imitate::{ImitateConfig, ImitateError, ImitateIo};
use lam_phase3_explore::{ExploreConfig, ExploreError, ExploreIo};
use lam_phase4_reinforce::{PpoConfig, ReinforceError, RewardConfig, policy, reward};
use lam_pipeline::{StageContext, StageError};
use lam_signal::Monitor;
use lam_trainer::{TrainerError, TrainingArguments};
use serde_json::Value;

use super::applications::application;
use super::collect::agent;
use super::hub::{self, Named};
use super::models::{Model, check_directory};
use crate::failure;

/// The base model.
pub fn base(config: &BaseConfig, context: &StageContext<'_>) -> Result<Value, StageError> {
    let app = open(&config.environment)?;
    let named = config.model_name_or_path.as_deref().map(|name| pretrained(name, context)).transpose()?;
    let directory = named.as_ref().map(|named| named.directory.display().to_string());
    let config = BaseConfig { model_name_or_path: directory, train: seeded(&config.train, context), ..config.clone() };
    let io = BaseIo {
        app: app.as_ref(),
        output: context.output,
        seed: context.seed,
        progress: context.progress,
        cancel: context.cancel,
    };
    let mut metrics = lam_base::run(&config, &io).map_err(|error| match error {
        BaseError::Trainer(error) => training(error),
        BaseError::Store(error) => error.into(),
        BaseError::Config { key, value, reason } => refused(key, &value, &reason),
        other => StageError::data(other),
    })?;
    if let Some(Named { origin: Some(origin), .. }) = named {
        metrics["pretrained"] = origin;
    }
    Ok(metrics)
}

/// The pretrained model of this name, fetched from the hub where it is no directory.
fn pretrained(name: &str, context: &StageContext<'_>) -> Result<Named, StageError> {
    let monitor = Monitor { progress: context.progress, cancel: context.cancel };
    hub::named(name, monitor).map_err(|error| match (failure::hub(&error), error) {
        (_, HubError::Cancelled) => StageError::Cancelled,
        (_, HubError::Store(error)) => error.into(),
        (1, error) => StageError::runtime(error),
        (_, error) => StageError::data(error),
    })
}

/// LAM1.
pub fn phase1(config: &PretrainConfig, context: &StageContext<'_>) -> Result<Value, StageError> {
    let config = PretrainConfig { train: seeded(&config.train, context), ..config.clone() };
    let plans = files(context.input_list("plans"), "task_plans.parquet");
    let io = PretrainIo {
        model: start(context)?,
        plans: &plans,
        replay: context.input_list("replay"),
        output: context.output,
        progress: context.progress,
        cancel: context.cancel,
    };
    lam_phase1_pretrain::run(&config, &io).map_err(|error| match error {
        PretrainError::Trainer(error) => training(error),
        PretrainError::Store(error) => error.into(),
        other => StageError::data(other),
    })
}

/// LAM2, and LAM3 on the enlarged set.
pub fn imitate(config: &ImitateConfig, context: &StageContext<'_>) -> Result<Value, StageError> {
    let app = open(&config.environment)?;
    let config = ImitateConfig { train: seeded(&config.train, context), ..config.clone() };
    let io = ImitateIo {
        model: start(context)?,
        trajectories: context.input_list("trajectories"),
        replay: context.input_list("replay"),
        functions: app.functions(),
        output: context.output,
        progress: context.progress,
        cancel: context.cancel,
    };
    lam_phase2_imitate::run(&config, &io).map_err(|error| match error {
        ImitateError::Trainer(error) => training(error),
        ImitateError::Store(error) => error.into(),
        other => StageError::data(other),
    })
}

/// Attempts at the expert's failures.
pub fn explore(config: &ExploreConfig, context: &StageContext<'_>) -> Result<Value, StageError> {
    let app = open(&config.environment)?;
    let model = Model::load(context.input("model")?).map_err(StageError::data)?;
    let options = PolicyOptions {
        sampling: Sampling { temperature: config.temperature, top_p: config.top_p, ..Sampling::default() },
        first_attempt_greedy: true,
        max_new_tokens: config.max_new_tokens,
        constrained: config.constrained,
        logprobs: true,
        ..PolicyOptions::greedy(model.id().clone())
    };
    let mut config = config.clone();
    config.limits.seed = context.seed;
    let io = ExploreIo {
        failures: context.input_list("failures"),
        output: context.output,
        progress: context.progress,
        cancel: context.cancel,
    };
    let mut policy = model.policy(app.as_ref(), options).map_err(StageError::runtime)?;
    lam_phase3_explore::explore(&config, app.as_ref(), &mut policy, &io).map_err(|error| match error {
        ExploreError::Agent(error) => agent(error),
        ExploreError::Store(error) => error.into(),
        other => StageError::data(other),
    })
}

/// The reward model.
pub fn reward(config: &RewardConfig, context: &StageContext<'_>) -> Result<Value, StageError> {
    let app = open(&config.environment)?;
    let config = RewardConfig { train: seeded(&config.train, context), ..config.clone() };
    let io = reward::RewardIo {
        model: start(context)?,
        trajectories: context.input_list("trajectories"),
        functions: app.functions(),
        output: context.output,
        seed: context.seed,
        progress: context.progress,
        cancel: context.cancel,
    };
    reward::run(&config, &io).map_err(reinforcing)
}

/// LAM4.
pub fn ppo(config: &PpoConfig, context: &StageContext<'_>) -> Result<Value, StageError> {
    let app = open(&config.environment)?;
    let io = policy::PolicyIo {
        model: start(context)?,
        reward_model: context.input("reward")?,
        failures: context.input_list("failures"),
        functions: app.functions(),
        output: context.output,
        seed: context.seed,
        progress: context.progress,
        cancel: context.cancel,
    };
    policy::run(config, &io).map_err(reinforcing)
}

fn open(environment: &str) -> Result<Box<dyn Application>, StageError> {
    application(environment).map_err(StageError::data)
}

/// The model that a stage starts from, once its tokenizer is known to belong to it.
fn start<'a>(context: &'a StageContext<'_>) -> Result<&'a Path, StageError> {
    let directory = context.input("model")?;
    check_directory(directory).map_err(StageError::data)?;
    Ok(directory)
}

/// The arguments with the stage's seed.
fn seeded(arguments: &TrainingArguments, context: &StageContext<'_>) -> TrainingArguments {
    TrainingArguments { seed: context.seed, ..arguments.clone() }
}

/// A stage's directory stands for the file in it that it is known for.
fn files(paths: &[std::path::PathBuf], name: &str) -> Vec<std::path::PathBuf> {
    paths.iter().map(|path| if path.is_dir() { path.join(name) } else { path.clone() }).collect()
}

fn reinforcing(error: ReinforceError) -> StageError {
    match error {
        ReinforceError::Cancelled => StageError::Cancelled,
        ReinforceError::Trainer(error) => training(error),
        ReinforceError::Store(error) => error.into(),
        ReinforceError::Model(error) => model(error),
        ReinforceError::Nothing { .. } | ReinforceError::Prompt(_) => StageError::data(error),
        other => StageError::runtime(other),
    }
}

fn training(error: TrainerError) -> StageError {
    match error {
        TrainerError::Cancelled { .. } => StageError::Cancelled,
        TrainerError::ResumeMismatch { .. } => StageError::Resume(error.to_string()),
        TrainerError::Sample { .. } | TrainerError::NoSamples => StageError::data(error),
        TrainerError::Arguments { key, value, reason } => refused(key, &value, &reason),
        TrainerError::Memory { .. } => StageError::Budget(error.to_string()),
        TrainerError::Model(error) => model(error),
        TrainerError::Store(error) => error.into(),
        other => StageError::runtime(other),
    }
}

/// A value of the configuration that cannot be used.
fn refused(key: &str, value: &str, reason: &str) -> StageError {
    ConfigError::value(key, format!("= {value}: {reason}"), "").into()
}

/// A model whose files or batches do not fit is data; a tensor library that fails is not.
fn model(error: ModelError) -> StageError {
    match error {
        ModelError::Tensor(_) => StageError::runtime(error),
        other => StageError::data(other),
    }
}
