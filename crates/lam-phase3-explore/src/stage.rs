//! The stage `phase3.explore`: its inputs and checks, and our model as the policy that explores.

use lam_inference::{ModelDirectory, PolicyOptions, Sampling};
use lam_pipeline::{InputSpec, Registry, Stage, StageContext};
use lam_signal::Failure;
use serde_json::Value;

use crate::explore::JOURNAL_FILE;
use crate::{ExploreConfig, ExploreIo, explore};

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
        const INPUTS: [InputSpec; 3] =
            [InputSpec::one("model"), InputSpec::optional("adapter"), InputSpec::many("failures")];
        &INPUTS
    }

    fn work(&self) -> &'static [&'static str] {
        &[JOURNAL_FILE]
    }

    fn environment<'s>(&self, settings: &'s ExploreConfig) -> Option<&'s str> {
        Some(&settings.environment)
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
            output: context.output,
            progress: context.progress,
            cancel: context.cancel,
        };
        Ok(explore(&settings, app.as_ref(), &mut model.policy(app.as_ref(), options)?, &io)?)
    }
}
