//! The stages `phase2` and `phase3.train`: the same run, from LAM1 to LAM2 and, on the enlarged set, from LAM2 to LAM3.
//! Of several rounds of exploration, one that was not worth its cost is not trained on.

use lam_config::ConfigError;
use lam_inference::open_model;
use lam_pipeline::{InputCounts, InputSpec, Registry, Stage, StageContext};
use lam_signal::Failure;
use lam_trainer::{TRAINING_WORK, check_adapter, check_arguments, check_quantization, check_replay};
use serde_json::Value;

use crate::pass_on::{fruitless_round, pass_on};
use crate::{ImitateConfig, ImitateIo};

/// Adds this crate's stages.
pub fn register(registry: Registry) -> Registry {
    registry.with(Imitate { kind: "phase2", model_name: "LAM2", inputs: &OF_BOTH }).with(Imitate {
        kind: "phase3.train",
        model_name: "LAM3",
        inputs: &OF_PHASE_3,
    })
}

/// What both read.
const OF_BOTH: [InputSpec; 4] = [
    InputSpec::one("model"),
    InputSpec::optional("adapter"),
    InputSpec::many("trajectories").of_tables(),
    InputSpec::any("replay").of_tables(),
];
/// And the round of exploration that is trained on, with the model that is passed on if that was not worth its cost.
const OF_PHASE_3: [InputSpec; 6] =
    [OF_BOTH[0], OF_BOTH[1], OF_BOTH[2], OF_BOTH[3], InputSpec::optional("round"), InputSpec::optional("previous")];

struct Imitate {
    kind: &'static str,
    model_name: &'static str,
    inputs: &'static [InputSpec],
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
        self.inputs
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
        check_replay(settings.replay_share, inputs.of("replay"))?;
        check_round(inputs)
    }

    fn run(&self, settings: &ImitateConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
        if let (Some(round), Some(previous)) = (context.optional_input("round"), context.optional_input("previous"))
            && let Some(fruitless) = fruitless_round(round)?
        {
            return pass_on(previous, &fruitless, context.output, context.progress);
        }
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

/// Refuses a round without a model to pass on, and a model to pass on without a round.
fn check_round(inputs: &InputCounts) -> Result<(), ConfigError> {
    let hint = "`round` is the directory of the exploration that is trained on, `previous` the model that is passed on \
                if it was not worth its cost: name both, or neither";
    match (inputs.of("round"), inputs.of("previous")) {
        (1, 0) => Err(ConfigError::refused("round", "the input `round` needs the input `previous` beside it", hint)),
        (0, 1) => Err(ConfigError::refused("previous", "the input `previous` needs the input `round` beside it", hint)),
        _ => Ok(()),
    }
}
