//! The stages `phase4.reward` and `phase4.policy`: their inputs and checks, and the runs with what the runner hands
//! them.

use lam_config::ConfigError;
use lam_inference::open_model;
use lam_model::open_reward_model;
use lam_pipeline::{InputCounts, InputSpec, Registry, Stage, StageContext};
use lam_signal::Failure;
use lam_trainer::{TRAINING_WORK, check_adapter, check_arguments};
use serde_json::Value;

use crate::policy::{self, PolicyIo, ROLLOUTS_FILE};
use crate::reward::{self, RewardIo};
use crate::{PolicyConfig, RewardConfig};

/// Adds this crate's stages.
pub fn register(registry: Registry) -> Registry {
    registry.with(Reward).with(Policy).formerly("phase4.ppo", "phase4.policy")
}

struct Reward;

impl Stage for Reward {
    type Settings = RewardConfig;

    fn kind(&self) -> &'static str {
        "phase4.reward"
    }

    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn inputs(&self) -> &'static [InputSpec] {
        const INPUTS: [InputSpec; 3] =
            [InputSpec::one("model"), InputSpec::optional("adapter"), InputSpec::many("trajectories").of_tables()];
        &INPUTS
    }

    fn takes_checkpoint(&self) -> bool {
        true
    }

    fn work(&self) -> &'static [&'static str] {
        TRAINING_WORK
    }

    fn environment<'s>(&self, settings: &'s RewardConfig) -> Option<&'s str> {
        Some(&settings.environment)
    }

    fn check(&self, settings: &RewardConfig, _inputs: &InputCounts) -> Result<(), ConfigError> {
        check_adapter(&settings.lora)?;
        settings.refuse_meaningless()?;
        check_arguments(settings.train.check())
    }

    fn run(&self, settings: &RewardConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
        let app = context.open(&settings.environment)?;
        let train = settings.train.in_run(context.seed, context.device, context.resume);
        let settings = RewardConfig { train, ..settings.clone() };
        let model = open_model(context.input("model")?, context.optional_input("adapter"), context.progress)?;
        let io = RewardIo {
            model: &model,
            trajectories: context.input_list("trajectories"),
            functions: app.functions(),
            environment: app.environment(),
            output: context.output,
            seed: context.seed,
            progress: context.progress,
            cancel: context.cancel,
        };
        Ok(reward::run(&settings, &io)?)
    }
}

struct Policy;

impl Stage for Policy {
    type Settings = PolicyConfig;

    fn kind(&self) -> &'static str {
        "phase4.policy"
    }

    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn inputs(&self) -> &'static [InputSpec] {
        const INPUTS: [InputSpec; 6] = [
            InputSpec::one("model"),
            InputSpec::optional("adapter"),
            InputSpec::optional("reward"),
            InputSpec::any("failures").of_tables(),
            InputSpec::any("attempts").of_tables(),
            InputSpec::any("successes").of_tables(),
        ];
        &INPUTS
    }

    fn model_name(&self) -> Option<&'static str> {
        Some("LAM4")
    }

    fn takes_checkpoint(&self) -> bool {
        true
    }

    fn work(&self) -> &'static [&'static str] {
        const WORK: [&str; 2] = [TRAINING_WORK[0], ROLLOUTS_FILE];
        &WORK
    }

    fn environment<'s>(&self, settings: &'s PolicyConfig) -> Option<&'s str> {
        Some(&settings.environment)
    }

    fn check(&self, settings: &PolicyConfig, inputs: &InputCounts) -> Result<(), ConfigError> {
        check_adapter(&settings.lora)?;
        check_arguments(settings.train.check())?;
        settings.refuse_meaningless()?;
        settings.check_inputs(|input| inputs.of(input))
    }

    fn run(&self, settings: &PolicyConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
        let app = context.open(&settings.environment)?;
        let model = open_model(context.input("model")?, context.optional_input("adapter"), context.progress)?;
        let reward_model = context.optional_input("reward");
        reward_model.map(open_reward_model).transpose()?;
        let io = PolicyIo {
            model: &model,
            reward_model,
            failures: context.input_list("failures"),
            attempts: context.input_list("attempts"),
            successes: context.input_list("successes"),
            app: app.as_ref(),
            output: context.output,
            seed: context.seed,
            device: context.device,
            resume: context.resume,
            progress: context.progress,
            cancel: context.cancel,
        };
        Ok(policy::run(settings, &io)?)
    }
}
