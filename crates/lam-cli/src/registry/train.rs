//! The training stages, as the runner calls them.

use std::path::Path;

use lam_base::{BaseConfig, BaseIo};
use lam_env::Application;
use lam_inference::{PolicyOptions, Sampling};
use lam_phase1_pretrain::{PretrainConfig, PretrainIo};
use lam_phase2_imitate::{ImitateConfig, ImitateIo};
use lam_phase3_explore::{ExploreConfig, ExploreIo};
use lam_phase4_reinforce::{PpoConfig, RewardConfig, policy, reward};
use lam_pipeline::StageContext;
use lam_signal::{Failure, Monitor};
use lam_trainer::TrainingArguments;
use serde_json::Value;

use super::applications::application;
use super::hub::{self, Named};
use super::models::{Model, check_directory};

/// The base model.
pub fn base(config: &BaseConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
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
    let mut metrics = lam_base::run(&config, &io)?;
    if let Some(Named { origin: Some(origin), .. }) = named {
        metrics["pretrained"] = origin;
    }
    Ok(metrics)
}

/// The pretrained model of this name, fetched from the hub where it is no directory.
fn pretrained(name: &str, context: &StageContext<'_>) -> Result<Named, Failure> {
    let monitor = Monitor { progress: context.progress, cancel: context.cancel };
    Ok(hub::named(name, monitor)?)
}

/// LAM1.
pub fn phase1(config: &PretrainConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
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
    Ok(lam_phase1_pretrain::run(&config, &io)?)
}

/// LAM2, and LAM3 on the enlarged set.
pub fn imitate(config: &ImitateConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
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
    Ok(lam_phase2_imitate::run(&config, &io)?)
}

/// Attempts at the expert's failures.
pub fn explore(config: &ExploreConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
    let app = open(&config.environment)?;
    let model = Model::load(context.input("model")?)?;
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
    let mut policy = model.policy(app.as_ref(), options)?;
    Ok(lam_phase3_explore::explore(&config, app.as_ref(), &mut policy, &io)?)
}

/// The reward model.
pub fn reward(config: &RewardConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
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
    Ok(reward::run(&config, &io)?)
}

/// LAM4.
pub fn ppo(config: &PpoConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
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
    Ok(policy::run(config, &io)?)
}

fn open(environment: &str) -> Result<Box<dyn Application>, Failure> {
    application(environment)
}

/// The model that a stage starts from, once its tokenizer is known to belong to it.
fn start<'a>(context: &'a StageContext<'_>) -> Result<&'a Path, Failure> {
    let directory = context.input("model")?;
    check_directory(directory)?;
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
