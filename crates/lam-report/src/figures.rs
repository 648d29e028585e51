//! The same figures for machines: `report.json`.

use serde_json::{Map, Value, json};

use crate::run::Run;
use crate::tables::{Tables, rows_json};

/// How many items a model was trained on.
#[derive(Debug, PartialEq)]
pub struct TrainingSize {
    /// Name as in the paper's Table 1.
    pub model: &'static str,
    /// Number of items.
    pub count: u64,
    /// What is counted.
    pub unit: String,
}

/// For each model: words that its stage's kind contains, and the metrics that hold its data size, best first.
const SIZES: [(&str, &[&str], &[&str]); 5] = [
    ("LAM1", &["phase1", "pretrain"], &["task_plans", "tasks", "plans", "pairs", "train_examples", "examples"]),
    ("LAM2", &["phase2", "imitate"], &["trajectories", "train_trajectories", "train_examples", "examples", "steps"]),
    ("LAM3", &["phase3", "explore"], &["trajectories", "train_trajectories", "train_examples", "examples", "steps"]),
    ("Reward model", &["phase4", "reward"], &["reward_trajectories", "trajectories", "reward_examples", "examples"]),
    (
        "LAM4",
        &["phase4", "ppo", "reinforce"],
        &["failures", "failure_trajectories", "ppo_trajectories", "states", "prompts"],
    ),
];

/// Table 1 of this run, as far as the stages' metrics tell.
pub fn training_sizes(run: &Run) -> Vec<TrainingSize> {
    SIZES.iter().filter_map(|(model, kinds, keys)| training_size(run, model, kinds, keys)).collect()
}

fn training_size(run: &Run, model: &'static str, kinds: &[&str], keys: &[&str]) -> Option<TrainingSize> {
    let stages = run.stages.iter().filter(|stage| kinds.iter().any(|kind| stage.kind.contains(kind)));
    let mut found = stages.flat_map(|stage| keys.iter().filter_map(|key| Some((*key, find(&stage.metrics, key)?))));
    let (key, count) = found.next()?;
    Some(TrainingSize { model, count, unit: key.replace('_', " ") })
}

/// The first whole number under this key, at any depth.
fn find(json: &Value, key: &str) -> Option<u64> {
    let object = json.as_object()?;
    object.get(key).and_then(Value::as_u64).or_else(|| object.values().find_map(|inner| find(inner, key)))
}

/// The whole of `report.json`.
pub fn report_json(run: &Run) -> Value {
    let durations: Map<String, Value> =
        run.stages.iter().map(|stage| (stage.name.clone(), stage.duration_s.into())).collect();
    let mut tables = tables_json(&run.tables);
    tables.insert("training_data".to_owned(), training_data(run));
    let by_seed: Vec<Value> = run
        .seeds
        .iter()
        .zip(&run.tables_by_seed)
        .map(|(seed, tables)| json!({ "seed": seed, "tables": tables_json(tables) }))
        .collect();
    json!({
        "format_version": 1,
        "pipeline": run.name,
        "command": run.command,
        "seeds": run.seeds,
        "tables": tables,
        "by_seed": by_seed,
        "durations_s": durations,
        "total_s": run.total_seconds(),
        "missing": missing(run),
    })
}

fn tables_json(tables: &Tables) -> Map<String, Value> {
    let json =
        [("planning", &tables.planning), ("decision_making", &tables.decision_making), ("online", &tables.online)];
    json.into_iter().map(|(name, rows)| (name.to_owned(), rows_json(rows))).collect()
}

fn training_data(run: &Run) -> Value {
    let models: Map<String, Value> = training_sizes(run)
        .into_iter()
        .map(|size| (size.model.to_owned(), json!({ "count": size.count, "unit": size.unit })))
        .collect();
    let files: Vec<Value> = run
        .data
        .iter()
        .map(|file| {
            let counts: Map<String, Value> =
                file.counts.iter().map(|(what, count)| (what.clone(), (*count).into())).collect();
            json!({ "stage": file.stage, "file": file.name, "counts": counts })
        })
        .collect();
    json!({ "models": models, "files": files })
}

/// Parts that this run does not hold.
pub fn missing(run: &Run) -> Vec<&'static str> {
    let parts = [
        ("planning", run.tables.planning.is_empty()),
        ("decision_making", run.tables.decision_making.is_empty()),
        ("online", run.tables.online.is_empty()),
        ("training metrics", run.curves.is_empty()),
        ("trajectories", run.trajectories.is_empty()),
    ];
    parts.into_iter().filter(|(_, is_missing)| *is_missing).map(|(name, _)| name).collect()
}
