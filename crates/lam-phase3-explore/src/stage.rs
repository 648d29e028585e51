//! The stage `phase3.explore`: its inputs and checks, our model as the policy that explores, LAM1 as the planner.

use std::path::Path;

use lam_agent::{Planner, Policy};
use lam_config::ConfigError;
use lam_inference::{ModelDirectory, PolicyOptions, Sampling};
use lam_pipeline::{InputCounts, InputSpec, Registry, Stage, StageContext};
use lam_signal::Failure;
use serde_json::Value;

use crate::way::{JOURNALS, Way};
use crate::{ExploreConfig, ExploreIo, Explorers, Procedures, explore};

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
            InputSpec::many("failures").of_tables(),
            InputSpec::any("explored").of_tables(),
            InputSpec::optional("planner"),
            InputSpec::any("plans").of_tables(),
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
        let plans = || Procedures::read(&context.input_files("plans", "task_plans.parquet"));
        let documentation = goes(Way::Documentation).then(plans).transpose()?;
        let load = |directory: &Path, adapter: Option<&Path>| {
            ModelDirectory::load(directory, adapter, context.model_name_of, (context.device, context.progress))
                .map(|model| model.asked_in(settings.dtype))
        };
        let model = match goes(Way::Tries) {
            true => Some(load(context.input("model")?, context.optional_input("adapter"))?),
            false => None,
        };
        let lam1 = context.optional_input("planner").filter(|_| goes(Way::Plans));
        let lam1 = lam1.map(|directory| load(directory, None)).transpose()?;
        let options = |model: &ModelDirectory| PolicyOptions {
            sampling: Sampling { temperature: settings.temperature, top_p: settings.top_p, ..Sampling::default() },
            first_attempt_greedy: true,
            max_new_tokens: settings.max_new_tokens,
            constrained: settings.constrained,
            logprobs: true,
            ..PolicyOptions::greedy(model.id().clone())
        };
        let mut policy = model.as_ref().map(|model| model.policy(app.as_ref(), options(model))).transpose()?;
        let mut planner = lam1.as_ref().map(ModelDirectory::planner).transpose()?;
        let mut explorers = Explorers {
            policy: policy.as_mut().map(|policy| policy as &mut dyn Policy),
            planner: planner.as_mut().map(|planner| planner as &mut dyn Planner),
            documentation,
        };
        Ok(explore(&settings, app.as_ref(), &mut explorers, &io)?)
    }
}
