//! The stage `phase1`: its inputs and checks, and the run with what the runner hands it.

use lam_config::ConfigError;
use lam_inference::open_model;
use lam_pipeline::{InputCounts, InputSpec, Registry, Stage, StageContext};
use lam_signal::Failure;
use lam_trainer::{TRAINING_WORK, check_adapter, check_arguments, check_quantization, check_replay};
use serde_json::Value;

use crate::{PretrainConfig, PretrainIo};

/// Adds this crate's stage.
pub fn register(registry: Registry) -> Registry {
    registry.with(Phase1)
}

struct Phase1;

impl Stage for Phase1 {
    type Settings = PretrainConfig;

    fn kind(&self) -> &'static str {
        "phase1"
    }

    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn inputs(&self) -> &'static [InputSpec] {
        const INPUTS: [InputSpec; 4] = [
            InputSpec::one("model"),
            InputSpec::optional("adapter"),
            InputSpec::many("plans").of_tables(),
            InputSpec::any("replay").of_tables(),
        ];
        &INPUTS
    }

    fn model_name(&self) -> Option<&'static str> {
        Some("LAM1")
    }

    fn takes_checkpoint(&self) -> bool {
        true
    }

    fn work(&self) -> &'static [&'static str] {
        TRAINING_WORK
    }

    fn check(&self, settings: &PretrainConfig, inputs: &InputCounts) -> Result<(), ConfigError> {
        check_adapter(&settings.lora)?;
        check_quantization(settings.quantization_bit)?;
        check_arguments(settings.train.check())?;
        check_replay(settings.replay_share, inputs.of("replay"))
    }

    fn run(&self, settings: &PretrainConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
        let train = settings.train.in_run(context.seed, context.device, context.resume);
        let settings = PretrainConfig { train, ..settings.clone() };
        let model = open_model(context.input("model")?, context.optional_input("adapter"), context.progress)?;
        let plans = context.input_files("plans", "task_plans.parquet");
        let io = PretrainIo {
            model: &model,
            plans: &plans,
            replay: context.input_list("replay"),
            output: context.output,
            progress: context.progress,
            cancel: context.cancel,
        };
        crate::run(&settings, &io)
    }
}
