//! `eval.plan`: Table 2.

use lam_agent::{Planner, RemoteConfig};
use lam_config::ConfigError;
use lam_inference::{Dtype, ModelDirectory};
use lam_pipeline::{InputCounts, InputSpec, Stage, StageContext};
use lam_signal::Failure;
use lam_store::{distinct_paths, file_name_of, read_task_plans};
use lam_types::{Phrasing, PlanSource, Split, TaskPlan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::few::{Kind, at_most};
use super::rows::TableRows;
use super::{check_endpoints, finish};
use crate::{Bootstrap, ChatJudge, MatcherJudge, PlanJudge, RemotePlanner, Tables, evaluate_plans, write_items};

/// Settings of `eval.plan`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PlanSettings {
    /// Test pairs at most; 0 for all. They are spread over all families and evolved pairs, by their shares.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    max_pairs: usize,
    /// Numbers that our models are asked in: `auto`, `float32` or `bfloat16`.
    dtype: Dtype,
    /// Endpoints with rows of their own.
    endpoints: Vec<RemoteConfig>,
    /// Judge model; without one a deterministic matcher compares.
    judge: Option<RemoteConfig>,
    /// Confidence intervals.
    bootstrap: Bootstrap,
}

pub(super) struct EvaluatePlans;

impl Stage for EvaluatePlans {
    type Settings = PlanSettings;

    fn kind(&self) -> &'static str {
        "eval.plan"
    }

    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn inputs(&self) -> &'static [InputSpec] {
        const INPUTS: [InputSpec; 3] =
            [InputSpec::any("models"), InputSpec::optional("adapter"), InputSpec::many("plans").of_tables()];
        &INPUTS
    }

    fn tells_names(&self, inputs: &InputCounts) -> bool {
        super::may_tell_models_by_place(inputs)
    }

    fn check(&self, settings: &PlanSettings, inputs: &InputCounts) -> Result<(), ConfigError> {
        super::one_model_under(inputs)?;
        check_endpoints(&settings.endpoints)?;
        settings.judge.as_ref().map_or(Ok(()), |judge| judge.check("judge"))
    }

    fn run(&self, settings: &PlanSettings, context: &StageContext<'_>) -> Result<Value, Failure> {
        let mut pairs = Vec::new();
        // A pair that counted twice would make intervals narrower than they are.
        for file in distinct_paths(&context.input_files("plans", "task_plans.parquet")) {
            pairs.extend(read_task_plans(&file)?);
        }
        pairs.retain(|pair| pair.split == Split::Test);
        // Evolved pairs are of two families each. Pairs are all worded as their sources word them.
        let kind = |pair: &TaskPlan| Kind {
            family: (pair.parent_id.is_none() && pair.source != PlanSource::Evolved).then(|| pair.family.clone()),
            phrasing: Phrasing::Seen,
        };
        let pairs = at_most(pairs, settings.max_pairs, context.seed, kind);
        let mut judge: Box<dyn PlanJudge + '_> = match &settings.judge {
            Some(judge) => Box::new(ChatJudge::new(judge.clone(), context.monitor())?),
            None => Box::new(MatcherJudge),
        };
        let rows = TableRows::of(context, &settings.endpoints)?;
        let mut tables = Tables::default();
        let mut row = |planner: &mut dyn Planner| -> Result<(), Failure> {
            let report = evaluate_plans(&pairs, planner, judge.as_mut(), &settings.bootstrap, &context.monitor())?;
            let name = planner.name();
            write_items(&context.output.join(format!("{}.plans.jsonl", file_name_of(&name))), &report.items)?;
            tables.planning.insert(name, report.row);
            Ok(())
        };
        for (directory, name) in &rows.models {
            let adapter = context.optional_input("adapter");
            row(&mut ModelDirectory::load(
                directory,
                adapter,
                context.model_name_of,
                (context.device, context.progress),
            )?
            .named(name.clone())
            .asked_in(settings.dtype)
            .planner()?)?;
        }
        for endpoint in &rows.endpoints {
            row(&mut RemotePlanner::new(endpoint.clone(), context.monitor())?)?;
        }
        finish(&tables, context.output)
    }
}
