//! The evaluating stages, as the runner calls them: a row for every model, for the expert, for every endpoint.

use std::path::{Path, PathBuf};

use lam_agent::{Limits, Policy, PolicyChoice, RemoteConfig};
use lam_config::ConfigError;
use lam_eval::{
    Bootstrap, ChatJudge, DecisionEntry, MatcherJudge, PlanJudge, Planner, RemotePlanner, Tables, evaluate_online,
    evaluate_plans, evaluate_steps, held_out_tasks, write_items,
};
use lam_inference::PolicyOptions;
use lam_pipeline::StageContext;
use lam_signal::{Failure, Monitor};
use lam_store::{StoreError, read_task_plans, read_trajectories, write_trajectories};
use lam_types::Split;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::applications::{application, with_screenshots};
use super::models::Model;
use super::settings::{self, Settings};

/// File with the rows.
const TABLES_FILE: &str = "tables.json";
/// Directory with the pictures of the screens, by policy and task.
const SCREENSHOTS: &str = "screenshots";

/// Settings of `eval.plan`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlanSettings {
    /// Test pairs at most; 0 for all.
    max_pairs: usize,
    /// Endpoints with rows of their own.
    endpoints: Vec<RemoteConfig>,
    /// Judge model; without one a deterministic matcher compares.
    judge: Option<RemoteConfig>,
    /// Confidence intervals.
    bootstrap: Bootstrap,
}

/// Settings of `eval.step`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StepSettings {
    /// Environment whose functions are known.
    environment: String,
    /// Trajectories at most; 0 for all.
    max_trajectories: usize,
    /// Whether models are also measured without the decoding constraint.
    unconstrained: bool,
    /// Longest answer, in tokens.
    max_new_tokens: usize,
    /// Endpoints with rows of their own.
    endpoints: Vec<RemoteConfig>,
    /// Confidence intervals.
    bootstrap: Bootstrap,
}

impl Default for StepSettings {
    fn default() -> Self {
        Self {
            environment: "sim".into(),
            max_trajectories: 0,
            unconstrained: true,
            max_new_tokens: 256,
            endpoints: Vec::new(),
            bootstrap: Bootstrap::default(),
        }
    }
}

/// Settings of `eval.online`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OnlineSettings {
    /// Environment to act in.
    environment: String,
    /// Only these families of tasks; empty for all.
    families: Vec<String>,
    /// Held-out tasks in known wordings.
    seen: usize,
    /// Held-out tasks in wordings that no phase trained on.
    unseen: usize,
    /// Whether the scripted expert has a row.
    expert: bool,
    /// Longest answer, in tokens.
    max_new_tokens: usize,
    /// Whether answers are kept executable by the decoding constraint.
    constrained: bool,
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
            families: Vec::new(),
            seen: 200,
            unseen: 100,
            expert: true,
            max_new_tokens: 256,
            constrained: true,
            screenshots: false,
            endpoints: Vec::new(),
            limits: Limits::default(),
            bootstrap: Bootstrap::default(),
        }
    }
}

impl Settings for PlanSettings {
    fn check(&self) -> Result<(), ConfigError> {
        Ok(())
    }
}

impl Settings for StepSettings {
    fn check(&self) -> Result<(), ConfigError> {
        settings::environment(&self.environment)?;
        settings::at_least_one("max_new_tokens", self.max_new_tokens)
    }
}

impl Settings for OnlineSettings {
    fn check(&self) -> Result<(), ConfigError> {
        settings::environment(&self.environment)?;
        settings::at_least_one("max_new_tokens", self.max_new_tokens)?;
        settings::limits("limits", &self.limits)
    }
}

/// Table 2.
pub fn plan(config: &PlanSettings, context: &StageContext<'_>) -> Result<Value, Failure> {
    let mut pairs = Vec::new();
    for path in context.input_list("plans") {
        let file = if path.is_dir() { path.join("task_plans.parquet") } else { path.clone() };
        pairs.extend(read_task_plans(&file)?);
    }
    pairs.retain(|pair| pair.split == Split::Test);
    truncate(&mut pairs, config.max_pairs);
    let mut judge: Box<dyn PlanJudge> = match &config.judge {
        Some(judge) => Box::new(ChatJudge::new(judge.clone())?),
        None => Box::new(MatcherJudge),
    };
    let mut tables = Tables::default();
    let mut row = |planner: &mut dyn Planner| -> Result<(), Failure> {
        let report = evaluate_plans(&pairs, planner, judge.as_mut(), &config.bootstrap, &monitor(context))?;
        let name = planner.name();
        write_items(&context.output.join(format!("{name}.plans.jsonl")), &report.items)?;
        tables.planning.insert(name, report.row);
        Ok(())
    };
    for directory in context.input_list("models") {
        let model = Model::load(directory)?;
        row(&mut model.planner()?)?;
    }
    for endpoint in &config.endpoints {
        row(&mut RemotePlanner::new(endpoint.clone())?)?;
    }
    finish(&tables, context.output)
}

/// Table 3.
pub fn step(config: &StepSettings, context: &StageContext<'_>) -> Result<Value, Failure> {
    let app = application(&config.environment)?;
    let mut trajectories = Vec::new();
    for path in context.input_list("trajectories") {
        trajectories.extend(read_trajectories(path)?);
    }
    trajectories.retain(lam_types::Trajectory::succeeded);
    truncate(&mut trajectories, config.max_trajectories);
    let measure = |policy: &mut dyn Policy, file: String| {
        let report = evaluate_steps(&trajectories, app.functions(), policy, &config.bootstrap, &monitor(context));
        let report = report?;
        write_items(&context.output.join(file), &report.items)?;
        Ok::<_, Failure>(report.row)
    };
    let mut tables = Tables::default();
    for directory in context.input_list("models") {
        let model = Model::load(directory)?;
        let name = model.id().name.clone();
        let options =
            PolicyOptions { max_new_tokens: config.max_new_tokens, ..PolicyOptions::greedy(model.id().clone()) };
        let ask = |options| model.policy(app.as_ref(), options);
        let row = measure(&mut ask(options.clone())?, format!("{name}.steps.jsonl"))?;
        let unconstrained = if config.unconstrained {
            let free = PolicyOptions { constrained: false, ..options };
            Some(measure(&mut ask(free)?, format!("{name}.steps.unconstrained.jsonl"))?)
        } else {
            None
        };
        tables.decision_making.insert(name, DecisionEntry { row, unconstrained });
    }
    for choice in others(false, &config.endpoints) {
        let mut policy = choice.open(app.as_ref())?;
        let name = policy.id().name;
        let row = measure(policy.as_mut(), format!("{name}.steps.jsonl"))?;
        tables.decision_making.insert(name, DecisionEntry { row, unconstrained: None });
    }
    finish(&tables, context.output)
}

/// Table 4.
pub fn online(config: &OnlineSettings, context: &StageContext<'_>) -> Result<Value, Failure> {
    let app = application(&config.environment)?;
    let tasks =
        held_out_tasks(app.as_ref(), &config.families, (config.seen, config.unseen), context.seed, monitor(context))?;
    let limits = Limits { seed: context.seed, ..config.limits.clone() };
    let mut tables = Tables::default();
    let mut row = |policy: &mut dyn Policy| -> Result<(), Failure> {
        let name = policy.id().name;
        let pictures = config.screenshots.then(|| context.output.join(SCREENSHOTS).join(&name));
        let app = with_screenshots(&config.environment, pictures.as_deref())?;
        let journal = context.output.join(format!("{name}.journal.jsonl"));
        let setting = (&limits, &config.bootstrap, Some(journal.as_path()));
        let report = evaluate_online(app.as_ref(), &tasks, policy, setting, &monitor(context))?;
        write_trajectories(&context.output.join(format!("{name}.parquet")), &report.trajectories)?;
        std::fs::remove_file(&journal).map_err(StoreError::io("remove", &journal))?;
        tables.online.insert(name, report.row);
        Ok(())
    };
    for directory in context.input_list("models") {
        let model = Model::load(directory)?;
        let options = PolicyOptions {
            max_new_tokens: config.max_new_tokens,
            constrained: config.constrained,
            ..PolicyOptions::greedy(model.id().clone())
        };
        row(&mut model.policy(app.as_ref(), options)?)?;
    }
    for choice in others(config.expert, &config.endpoints) {
        row(choice.open(app.as_ref())?.as_mut())?;
    }
    finish(&tables, context.output)
}

/// The rows that need no model of ours.
fn others(expert: bool, endpoints: &[RemoteConfig]) -> Vec<PolicyChoice> {
    let expert = expert.then_some(PolicyChoice::Scripted);
    expert.into_iter().chain(endpoints.iter().map(|config| PolicyChoice::Remote(Box::new(config.clone())))).collect()
}

fn monitor<'a>(context: &'a StageContext<'_>) -> Monitor<'a> {
    Monitor { progress: context.progress, cancel: context.cancel }
}

fn finish(tables: &Tables, output: &Path) -> Result<Value, Failure> {
    let file: PathBuf = output.join(TABLES_FILE);
    tables.write(&file)?;
    Ok(serde_json::json!(tables))
}

fn truncate<T>(rows: &mut Vec<T>, most: usize) {
    if most > 0 {
        rows.truncate(most);
    }
}
