//! `eval.step`: Table 3.

use lam_agent::{Policy, RemoteConfig};
use lam_config::ConfigError;
use lam_inference::{Dtype, ModelDirectory, PolicyOptions};
use lam_pipeline::{InputCounts, InputSpec, Stage, StageContext};
use lam_signal::{Failure, Progress};
use lam_store::{distinct_paths, file_name_of, read_trajectories};
use lam_types::{Split, Trajectory};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::few::{Kind, at_most};
use super::rows::TableRows;
use super::{check_endpoints, finish};
use crate::{Bootstrap, DecisionEntry, EvalError, Tables, evaluate_steps, write_items};

/// Settings of `eval.step`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct StepSettings {
    /// Environment whose functions are known.
    environment: String,
    /// Trajectories at most; 0 for all. They are spread over all families, by their shares.
    #[schemars(range(min = 0, max = 1_000_000_000))]
    max_trajectories: usize,
    /// Whether trajectories of the training set count, too. They tell what a model knows by heart, if it was trained on
    /// them, and the rows say that they are among them. Imported recordings are of the training set unless they lie
    /// below a folder called `test`.
    allow_train: bool,
    /// Whether models are also measured without the decoding constraint.
    unconstrained: bool,
    /// Numbers that our models are asked in: `auto`, `float32` or `bfloat16`.
    dtype: Dtype,
    /// Longest answer, in tokens.
    #[schemars(range(min = 1, max = 1_000_000))]
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
            allow_train: false,
            unconstrained: true,
            dtype: Dtype::default(),
            max_new_tokens: 256,
            endpoints: Vec::new(),
            bootstrap: Bootstrap::default(),
        }
    }
}

pub(super) struct EvaluateSteps;

impl Stage for EvaluateSteps {
    type Settings = StepSettings;

    fn kind(&self) -> &'static str {
        "eval.step"
    }

    fn crate_name(&self) -> &'static str {
        env!("CARGO_PKG_NAME")
    }

    fn inputs(&self) -> &'static [InputSpec] {
        const INPUTS: [InputSpec; 3] =
            [InputSpec::any("models"), InputSpec::optional("adapter"), InputSpec::many("trajectories").of_tables()];
        &INPUTS
    }

    fn environment<'s>(&self, settings: &'s StepSettings) -> Option<&'s str> {
        Some(&settings.environment)
    }

    fn tells_names(&self, inputs: &InputCounts) -> bool {
        super::may_tell_models_by_place(inputs)
    }

    fn check(&self, settings: &StepSettings, inputs: &InputCounts) -> Result<(), ConfigError> {
        super::one_model_under(inputs)?;
        check_endpoints(&settings.endpoints)
    }

    fn run(&self, settings: &StepSettings, context: &StageContext<'_>) -> Result<Value, Failure> {
        let app = context.open(&settings.environment)?;
        let mut trajectories = Vec::new();
        // A trajectory that counted twice would make intervals narrower than they are.
        for path in distinct_paths(context.input_list("trajectories")) {
            trajectories.extend(read_trajectories(&path)?);
        }
        trajectories.retain(Trajectory::succeeded);
        let trajectories = held_out(trajectories, settings.allow_train, context.progress)?;
        let most = settings.max_trajectories;
        let kind = |one: &Trajectory| Kind { family: Some(one.task.family.clone()), phrasing: one.task.phrasing };
        let trajectories = at_most(trajectories, most, context.seed, kind);
        let set = set_of(&trajectories);
        let (functions, bootstrap, monitor) = (app.functions(), &settings.bootstrap, context.monitor());
        let measure = |policy: &mut dyn Policy, file: String| {
            let report = evaluate_steps(&trajectories, functions, policy, bootstrap, &monitor)?;
            write_items(&context.output.join(file), &report.items)?;
            Ok::<_, Failure>(report.row)
        };
        let rows = TableRows::of(context, &settings.endpoints)?;
        let mut tables = Tables::default();
        for (directory, name) in &rows.models {
            let adapter = context.optional_input("adapter");
            let model =
                ModelDirectory::load(directory, adapter, context.model_name_of, (context.device, context.progress))?;
            let model = model.named(name.clone()).asked_in(settings.dtype);
            let file = file_name_of(name);
            let options =
                PolicyOptions { max_new_tokens: settings.max_new_tokens, ..PolicyOptions::greedy(model.id().clone()) };
            let free = PolicyOptions { constrained: false, ..options.clone() };
            let ask = |options| model.policy(app.as_ref(), options);
            let row = measure(&mut ask(options)?, format!("{file}.steps.jsonl"))?;
            let unconstrained = match settings.unconstrained {
                true => Some(measure(&mut ask(free)?, format!("{file}.steps.unconstrained.jsonl"))?),
                false => None,
            };
            tables.decision_making.insert(format!("{name}{set}"), DecisionEntry { row, unconstrained });
        }
        for choice in rows.others(false) {
            let mut policy = choice.open(app.as_ref(), context.monitor())?;
            let name = policy.id().name;
            let row = measure(policy.as_mut(), format!("{}.steps.jsonl", file_name_of(&name)))?;
            tables.decision_making.insert(format!("{name}{set}"), DecisionEntry { row, unconstrained: None });
        }
        finish(&tables, context.output)
    }
}

fn is_of_training(trajectory: &Trajectory) -> bool {
    trajectory.task.split == Split::Train
}

/// The trajectories without those of the training set, unless these are allowed.
fn held_out(
    mut trajectories: Vec<Trajectory>,
    allow_train: bool,
    progress: &dyn Progress,
) -> Result<Vec<Trajectory>, EvalError> {
    let (all, trained) = (trajectories.len(), trajectories.iter().filter(|one| is_of_training(one)).count());
    if allow_train || trained == 0 {
        return Ok(trajectories);
    }
    if trained == all {
        return Err(EvalError::OnlyTraining(all));
    }
    let why = "left out: they are of the training set (`allow_train = true` counts them, too)";
    progress.note(&format!("{trained} of {all} trajectories {why}"));
    trajectories.retain(|one| !is_of_training(one));
    Ok(trajectories)
}

/// What a row is called behind its model's name: "" for one without a trajectory of the training set.
fn set_of(trajectories: &[Trajectory]) -> &'static str {
    match trajectories.iter().filter(|one| is_of_training(one)).count() {
        0 => "",
        trained if trained == trajectories.len() => ", on the training set",
        _ => ", on the training set, too",
    }
}
