//! The stage `phase3.explore`: its inputs and checks, our model as the policy that explores, LAM1 as the planner.

use lam_agent::Planner;
use lam_config::ConfigError;
use lam_inference::{ModelDirectory, PolicyOptions, Sampling};
use lam_pipeline::{InputCounts, InputSpec, Registry, Stage, StageContext};
use lam_signal::Failure;
use serde_json::Value;

use crate::way::{JOURNALS, Way};
use crate::{ExploreConfig, ExploreIo, Explorers, Procedures, explore, training_pairs};

/// Adds this crate's stage.
pub fn register(registry: Registry) -> Registry {
    registry.with(Explore)
}

struct Explore;

impl Stage for Explore {
    type Settings = ExploreConfig;

    fn kind(&self) -> &'static str {
        "phase3.explore"
    }

    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn inputs(&self) -> &'static [InputSpec] {
        const INPUTS: [InputSpec; 6] = [
            InputSpec::one("model"),
            InputSpec::optional("adapter"),
            InputSpec::many("failures"),
            InputSpec::any("explored"),
            InputSpec::optional("planner"),
            InputSpec::any("plans"),
        ];
        &INPUTS
    }

    fn work(&self) -> &'static [&'static str] {
        &JOURNALS
    }

    fn environment<'s>(&self, settings: &'s ExploreConfig) -> Option<&'s str> {
        Some(&settings.environment)
    }

    fn check(&self, settings: &ExploreConfig, inputs: &InputCounts) -> Result<(), ConfigError> {
        settings.check(inputs)
    }

    fn run(&self, settings: &ExploreConfig, context: &StageContext<'_>) -> Result<Value, Failure> {
        let app = context.open(&settings.environment)?;
        let adapter = context.optional_input("adapter");
        let model = ModelDirectory::load(
            context.input("model")?,
            adapter,
            context.model_name_of,
            (context.device, context.progress),
        )?;
        let options = PolicyOptions {
            sampling: Sampling { temperature: settings.temperature, top_p: settings.top_p, ..Sampling::default() },
            first_attempt_greedy: true,
            max_new_tokens: settings.max_new_tokens,
            constrained: settings.constrained,
            logprobs: true,
            ..PolicyOptions::greedy(model.id().clone())
        };
        let mut settings = settings.clone();
        settings.limits.seed = context.seed;
        let io = ExploreIo {
            failures: context.input_list("failures"),
            explored: context.input_list("explored"),
            output: context.output,
            progress: context.progress,
            cancel: context.cancel,
        };
        let goes = |way: Way| settings.ways.contains(&way);
        let load = |directory| {
            ModelDirectory::load(directory, None, context.model_name_of, (context.device, context.progress))
        };
        let lam1 = context.optional_input("planner").filter(|_| goes(Way::Plans)).map(load).transpose()?;
        let mut planner = lam1.as_ref().map(ModelDirectory::planner).transpose()?;
        let mut policy = model.policy(app.as_ref(), options)?;
        let documentation = match goes(Way::Documentation) {
            true => {
                let files = context.input_files("plans", "task_plans.parquet");
                Some(Procedures::new(training_pairs(&files, app.environment())?))
            }
            false => None,
        };
        let mut explorers = Explorers {
            policy: Some(&mut policy),
            planner: planner.as_mut().map(|planner| planner as &mut dyn Planner),
            documentation,
        };
        Ok(explore(&settings, app.as_ref(), &mut explorers, &io)?)
    }
}
