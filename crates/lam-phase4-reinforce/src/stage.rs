//! The stages `phase4.reward` and `phase4.ppo`: their inputs and checks, and the runs with what the runner hands them.

use lam_config::ConfigError;
use lam_inference::check_model;
use lam_pipeline::settings::{at_least_one, not_negative, share_left_out, within};
use lam_pipeline::{InputCounts, InputSpec, Registry, Stage, StageContext};
use lam_signal::Failure;
use lam_trainer::{TRAINING_WORK, TrainingArguments, check_adapter, check_arguments};
use serde_json::Value;

use crate::policy::{self, PolicyIo, ROLLOUTS_FILE};
use crate::reward::{self, RewardIo};
use crate::{PpoConfig, RewardConfig};

/// Above it every token is as probable as any other.
const MOST_TEMPERATURE: f64 = 100.0;

/// Adds this crate's stages.
pub fn register(registry: Registry) -> Registry {
    registry.with(Reward).with(Ppo)
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
        const INPUTS: [InputSpec; 2] = [InputSpec::one("model"), InputSpec::many("trajectories")];
        &INPUTS
    }

    fn work(&self) -> &'static [&'static str] {
        TRAINING_WORK
    }

    fn environment<'s>(&self, settings: &'s RewardConfig) -> Option<&'s str> {
        Some(&settings.environment)
    }

    fn check(&self, settings: &RewardConfig, _inputs: &InputCounts) -> Result<(), ConfigError> {
        check_adapter(&settings.lora)?;
        share_left_out("validation_share", settings.validation_share)?;
        share_left_out("contrast_share", settings.contrast_share)?;
        check_arguments(settings.train.check())
    }

    fn run(&self, settings: &RewardConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
        let app = context.open(&settings.environment)?;
        let train = TrainingArguments { seed: context.seed, ..settings.train.clone() };
        let settings = RewardConfig { train, ..settings.clone() };
        let model = context.input("model")?;
        check_model(model, context.progress)?;
        let io = RewardIo {
            model,
            trajectories: context.input_list("trajectories"),
            functions: app.functions(),
            output: context.output,
            seed: context.seed,
            progress: context.progress,
            cancel: context.cancel,
        };
        Ok(reward::run(&settings, &io)?)
    }
}

struct Ppo;

impl Stage for Ppo {
    type Settings = PpoConfig;

    fn kind(&self) -> &'static str {
        "phase4.ppo"
    }

    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn inputs(&self) -> &'static [InputSpec] {
        const INPUTS: [InputSpec; 3] = [InputSpec::one("model"), InputSpec::one("reward"), InputSpec::many("failures")];
        &INPUTS
    }

    fn model_name(&self) -> Option<&'static str> {
        Some("LAM4")
    }

    fn work(&self) -> &'static [&'static str] {
        const WORK: [&str; 2] = [TRAINING_WORK[0], ROLLOUTS_FILE];
        &WORK
    }

    fn environment<'s>(&self, settings: &'s PpoConfig) -> Option<&'s str> {
        Some(&settings.environment)
    }

    fn check(&self, settings: &PpoConfig, _inputs: &InputCounts) -> Result<(), ConfigError> {
        check_adapter(&settings.lora)?;
        let counts = [
            ("samples_per_state", settings.samples_per_state),
            ("min_distinct_calls", settings.min_distinct_calls),
            ("response_length", settings.response_length),
            ("num_ppo_epochs", settings.num_ppo_epochs),
            ("batch_size", settings.batch_size),
            ("mini_batch_size", settings.mini_batch_size),
        ];
        counts.into_iter().try_for_each(|(key, value)| at_least_one(key, value))?;
        let numbers = [
            ("cliprange", settings.cliprange),
            ("cliprange_value", settings.cliprange_value),
            ("vf_coef", settings.vf_coef),
            ("init_kl_coef", settings.init_kl_coef),
        ];
        numbers.into_iter().try_for_each(|(key, value)| not_negative(key, value))?;
        for (key, value) in [("target_kl", settings.target_kl), ("kl_horizon", settings.kl_horizon)] {
            within(key, value, f64::MIN_POSITIVE..=f64::MAX, "a number above 0")?;
        }
        let temperature = f64::from(settings.temperature);
        within("temperature", temperature, f64::MIN_POSITIVE..=MOST_TEMPERATURE, "above 0 and at most 100")?;
        within("gamma", settings.gamma, 0.0..=1.0, "from 0 to 1")?;
        within("lam", settings.lam, 0.0..=1.0, "from 0 to 1")?;
        check_arguments(settings.train.check())?;
        settings.refuse_meaningless()
    }

    fn run(&self, settings: &PpoConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
        let app = context.open(&settings.environment)?;
        let model = context.input("model")?;
        check_model(model, context.progress)?;
        let io = PolicyIo {
            model,
            reward_model: context.input("reward")?,
            failures: context.input_list("failures"),
            functions: app.functions(),
            output: context.output,
            seed: context.seed,
            progress: context.progress,
            cancel: context.cancel,
        };
        Ok(policy::run(settings, &io)?)
    }
}
