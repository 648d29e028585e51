//! `eval.online`: Table 4.

use std::path::{Path, PathBuf};

use lam_agent::{HeldOut, Limits, Policy, RemoteConfig};
use lam_config::ConfigError;
use lam_inference::{Dtype, ModelDirectory, PolicyOptions, Sampling};
use lam_pipeline::{InputCounts, InputSpec, Stage, StageContext};
use lam_signal::Failure;
use lam_store::{file_name_of, write_trajectories};
use lam_types::{PolicyId, Split};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rows::TableRows;
use super::{check_endpoints, finish};
use crate::{Bootstrap, Tables, attempt_tasks, evaluate_online};

/// Directory with the pictures of the screens, by policy and task.
const SCREENSHOTS: &str = "screenshots";

/// What the files of a model's sampled tries are called, behind its name.
const SAMPLED: &str = ".sampled";

/// Settings of `eval.online`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OnlineSettings {
    /// Environment to act in.
    environment: String,
    /// The set that tasks are drawn from: `test` for figures that are reported, `validation` for choices between
    /// settings or models, so that the test set stays unused. Each has texts and numbers that training never saw.
    split: Split,
    /// Only these families of tasks; empty for all. Fewer tasks than families are spread over all of them.
    families: Vec<String>,
    /// Tasks in known wordings.
    #[schemars(range(min = 0, max = 1_000_000))]
    seen: usize,
    /// Tasks in wordings that no phase trained on: those kept for the set.
    #[schemars(range(min = 0, max = 1_000_000))]
    unseen: usize,
    /// Tries a task of each model of ours with answers sampled at temperature 1, beside the greedy one: what a model
    /// does when it does not always take its most probable answer. Costs so many evaluations more; 0 for none.
    #[schemars(range(min = 0, max = 10_000))]
    samples: u32,
    /// Whether the environment's own expert has a row, where there is one.
    expert: bool,
    /// Longest answer, in tokens.
    #[schemars(range(min = 1, max = 1_000_000))]
    max_new_tokens: usize,
    /// Whether answers are kept executable by the decoding constraint.
    constrained: bool,
    /// Numbers that our models are asked in: `auto`, `float32` or `bfloat16`.
    dtype: Dtype,
    /// Whether pictures of the screen before and after each step are kept (desktop applications).
    screenshots: bool,
    /// Endpoints with rows of their own.
    endpoints: Vec<RemoteConfig>,
    /// Where episodes end.
    limits: Limits,
    /// Confidence intervals.
    bootstrap: Bootstrap,
}

impl Default for OnlineSettings {
    fn default() -> Self {
        Self {
            environment: "sim".into(),
            split: Split::Test,
            families: Vec::new(),
            seen: 200,
            unseen: 100,
            samples: 0,
            expert: true,
            max_new_tokens: 256,
            constrained: true,
            dtype: Dtype::default(),
            screenshots: false,
            endpoints: Vec::new(),
            limits: Limits::default(),
            bootstrap: Bootstrap::default(),
        }
    }
}

pub(super) struct EvaluateOnline;

impl Stage for EvaluateOnline {
    type Settings = OnlineSettings;

    fn kind(&self) -> &'static str {
        "eval.online"
    }

    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn inputs(&self) -> &'static [InputSpec] {
        const INPUTS: [InputSpec; 2] = [InputSpec::any("models"), InputSpec::optional("adapter")];
        &INPUTS
    }

    fn environment<'s>(&self, settings: &'s OnlineSettings) -> Option<&'s str> {
        Some(&settings.environment)
    }

    fn tells_names(&self, inputs: &InputCounts) -> bool {
        super::may_tell_models_by_place(inputs)
    }

    fn check(&self, settings: &OnlineSettings, inputs: &InputCounts) -> Result<(), ConfigError> {
        super::one_model_under(inputs)?;
        check_endpoints(&settings.endpoints)?;
        if settings.split == Split::Train {
            let reason = "a model is not measured on what it was trained on";
            return Err(ConfigError::value("split", "train", reason, "`test`, or `validation` for choices"));
        }
        Ok(())
    }

    fn run(&self, settings: &OnlineSettings, context: &StageContext<'_>) -> Result<Value, Failure> {
        let app = context.open(&settings.environment)?;
        let wanted = HeldOut {
            split: settings.split,
            families: &settings.families,
            seen: settings.seen,
            unseen: settings.unseen,
            seed: context.seed,
        };
        let tasks = wanted.draw(app.as_ref(), context.monitor())?;
        let limits = Limits { seed: context.seed, ..settings.limits.clone() };
        let rows = TableRows::of(context, &settings.endpoints)?;
        let mut tables = Tables::default();
        let mut row = |policy: &mut dyn Policy| -> Result<(), Failure> {
            let name = policy.id().name;
            let file = file_name_of(&name);
            let pictures = settings.screenshots.then(|| context.output.join(SCREENSHOTS).join(&file));
            let app = context.environments.open_with(&settings.environment, pictures.as_deref())?;
            let journal = journal_of(context.output, &name, "");
            let setting = (&limits, &settings.bootstrap, Some(journal.as_path()));
            let report = evaluate_online(app.as_ref(), &tasks, policy, setting, &context.monitor())?;
            write_trajectories(&context.output.join(format!("{file}.parquet")), &report.trajectories)?;
            tables.online.insert(name, report.row);
            Ok(())
        };
        let mut sampled = Vec::new();
        for (directory, name) in &rows.models {
            let adapter = context.optional_input("adapter");
            let model =
                ModelDirectory::load(directory, adapter, context.model_name_of, (context.device, context.progress))?;
            let model = model.named(name.clone()).asked_in(settings.dtype);
            let options = PolicyOptions {
                max_new_tokens: settings.max_new_tokens,
                constrained: settings.constrained,
                ..PolicyOptions::greedy(model.id().clone())
            };
            row(&mut model.policy(app.as_ref(), options.clone())?)?;
            if settings.samples > 0 {
                let sampling = Sampling { temperature: 1.0, ..Sampling::default() };
                // A name of its own: where trajectories are looked up by who acted, these are not the greedy ones.
                let id = PolicyId { name: format!("{name}, sampled"), ..options.id.clone() };
                let mut policy = model.policy(app.as_ref(), PolicyOptions { sampling, id, ..options })?;
                let journal = journal_of(context.output, name, SAMPLED);
                let (asked, setting) = ((&*tasks, settings.samples), (&limits, Some(journal.as_path())));
                let tries = attempt_tasks(app.as_ref(), asked, &mut policy, setting, &context.monitor())?;
                let file = format!("{}{SAMPLED}.parquet", file_name_of(name));
                write_trajectories(&context.output.join(file), &tries)?;
                sampled.push((name.clone(), tries));
            }
        }
        let has_expert = app.expert().is_some();
        if settings.expert && !has_expert {
            context.progress.note(&format!("no row of an expert: environment `{}` has none", app.environment()));
        }
        for choice in rows.others(settings.expert && has_expert) {
            row(choice.open(app.as_ref(), context.monitor())?.as_mut())?;
        }
        for (name, tries) in &sampled {
            let row = tables.online.get_mut(name).expect("a model that sampled has a row");
            row.set_sampled(tries, &settings.bootstrap);
        }
        let figures = finish(&tables, context.output)?;
        // Not before: until the last row is there, they are what a killed stage knows of the rows that are done.
        for name in tables.online.keys() {
            lam_store::remove_file(&journal_of(context.output, name, ""))?;
            lam_store::remove_file(&journal_of(context.output, name, SAMPLED))?;
        }
        Ok(figures)
    }
}

/// Where a row's episodes are kept while the stage is under way; `part` is what its files are called behind its name.
fn journal_of(output: &Path, name: &str, part: &str) -> PathBuf {
    output.join(format!("{}{part}.journal.jsonl", file_name_of(name)))
}
