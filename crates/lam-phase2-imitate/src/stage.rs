//! The stages `phase2` and `phase3.train`: the same run, from LAM1 to LAM2 and, on the enlarged set, from LAM2 to LAM3.

use lam_config::ConfigError;
use lam_inference::open_model;
use lam_pipeline::{InputCounts, InputSpec, Registry, Stage, StageContext};
use lam_signal::Failure;
use lam_trainer::{TRAINING_WORK, check_adapter, check_arguments, check_quantization, check_replay};
use serde_json::Value;

use crate::{ImitateConfig, ImitateIo};

/// Adds this crate's stages.
pub fn register(registry: Registry) -> Registry {
    registry
        .with(Imitate { kind: "phase2", model_name: "LAM2" })
        .with(Imitate { kind: "phase3.train", model_name: "LAM3" })
}

struct Imitate {
    kind: &'static str,
    model_name: &'static str,
}

impl Stage for Imitate {
    type Settings = ImitateConfig;

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn inputs(&self) -> &'static [InputSpec] {
        const INPUTS: [InputSpec; 4] = [
            InputSpec::one("model"),
            InputSpec::optional("adapter"),
            InputSpec::many("trajectories"),
            InputSpec::any("replay"),
        ];
        &INPUTS
    }

    fn model_name(&self) -> Option<&'static str> {
        Some(self.model_name)
    }

    fn takes_checkpoint(&self) -> bool {
        true
    }

    fn work(&self) -> &'static [&'static str] {
        TRAINING_WORK
    }

    fn environment<'s>(&self, settings: &'s ImitateConfig) -> Option<&'s str> {
        Some(&settings.environment)
    }

    fn check(&self, settings: &ImitateConfig, inputs: &InputCounts) -> Result<(), ConfigError> {
        check_adapter(&settings.lora)?;
        check_quantization(settings.quantization_bit)?;
        check_arguments(settings.train.check())?;
        check_replay(settings.replay_share, inputs.of("replay"))
    }

    fn run(&self, settings: &ImitateConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
        let app = context.open(&settings.environment)?;
        let train = settings.train.in_run(context.seed, context.device, context.resume);
        let settings = ImitateConfig { train, ..settings.clone() };
        let model = open_model(context.input("model")?, context.optional_input("adapter"), context.progress)?;
        let io = ImitateIo {
            model: &model,
            trajectories: context.input_list("trajectories"),
            replay: context.input_list("replay"),
            functions: app.functions(),
            environment: app.environment(),
            output: context.output,
            progress: context.progress,
            cancel: context.cancel,
        };
        crate::run(&settings, &io)
    }
}
