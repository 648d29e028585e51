//! The same figures for machines: `report.json`.

use serde_json::{Map, Value, json};

use crate::run::{Run, StageRecord};
use crate::tables::{Tables, rows_json};

/// How many items a model was trained on.
#[derive(Debug, PartialEq)]
pub struct TrainingSize {
    /// Name as in the paper's Table 1.
    pub model: &'static str,
    /// Its stage, where several of the run make a model of this name; else "".
    pub stage: String,
    /// By which method, for LAM4; else "".
    pub method: String,
    /// Number of items.
    pub count: u64,
    /// What is counted.
    pub unit: &'static str,
}

/// For each model: words of its stages' names and kinds, and the metrics that may hold its data size, best first.
/// Metrics joined by + are added up; the unit is what people call them.
const SIZES: [Size; 4] = [
    ("LAM1", &["lam1", "phase1"], &[("task_plans", "tasks"), ("examples", "tasks")]),
    ("LAM2", &["lam2", "phase2"], &[("trajectories", "trajectories"), ("examples", "steps")]),
    (
        "LAM3",
        &["lam3", "phase3"],
        &[("trajectories", "trajectories"), ("successes", "successes"), ("examples", "steps")],
    ),
    (
        "Reward model",
        &["reward"],
        &[("trajectories", "trajectories"), ("steps_of_successes+steps_of_failures", "steps")],
    ),
];

/// The same of LAM4, by the method that its stage names.
const SIZES_OF_LAM4: [(&str, &[(&str, &str)]); 3] = [
    ("ppo", &[("failures", "trajectories"), ("rollouts", "sampled answers")]),
    ("rft", &[("successes", "trajectories"), ("examples", "steps")]),
    ("dpo", &[("pairs", "pairs of calls"), ("examples", "texts")]),
];

/// Model; words of its stages; metrics with their units.
type Size = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

/// Table 1 of this run, as far as the stages' metrics tell.
pub fn training_sizes(run: &Run) -> Vec<TrainingSize> {
    SIZES.iter().filter_map(|size| training_size(run, *size)).chain(sizes_of_lam4(run)).collect()
}

impl TrainingSize {
    /// Name in tables: with the stage where one does not say which.
    pub fn name(&self) -> String {
        if self.stage.is_empty() { self.model.to_owned() } else { format!("{} ({})", self.model, self.stage) }
    }
}

/// One for each stage that makes a LAM4; a stage that names no method learns by PPO.
fn sizes_of_lam4(run: &Run) -> Vec<TrainingSize> {
    let is_its = |stage: &&StageRecord| {
        let text = format!("{} {}", stage.name, stage.kind).to_lowercase();
        (text.contains("lam4") || text.contains("phase4")) && !text.contains("reward")
    };
    let size = |stage: &StageRecord| {
        let method = stage.config["method"].as_str().unwrap_or("ppo");
        let (_, metrics) = SIZES_OF_LAM4.iter().find(|(known, _)| *known == method)?;
        let (count, unit) = metrics.iter().find_map(|(key, unit)| Some((find(&stage.metrics, key)?, *unit)))?;
        Some(TrainingSize { model: "LAM4", stage: stage.name.clone(), method: method.to_owned(), count, unit })
    };
    let mut sizes: Vec<TrainingSize> = run.stages.iter().filter(is_its).filter_map(size).collect();
    // As in the other tables: by name, whichever was trained first.
    sizes.sort_by(|one, other| one.stage.cmp(&other.stage));
    if let [one] = sizes.as_mut_slice() {
        one.stage.clear();
    }
    sizes
}

fn training_size(run: &Run, (model, words, metrics): Size) -> Option<TrainingSize> {
    let is_its = |stage: &&StageRecord| {
        let text = format!("{} {}", stage.name, stage.kind).to_lowercase();
        words.iter().any(|word| text.contains(word))
    };
    let stages: Vec<&StageRecord> = run.stages.iter().filter(is_its).collect();
    metrics.iter().find_map(|(keys, unit)| {
        let count = stages
            .iter()
            .find_map(|stage| keys.split('+').map(|key| find(&stage.metrics, key)).sum::<Option<u64>>())?;
        Some(TrainingSize { model, stage: String::new(), method: String::new(), count, unit })
    })
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
    let reused = run.stages.iter().filter_map(|stage| Some((stage.name.clone(), stage.reused_from.clone()?.into())));
    let reused: Map<String, Value> = reused.collect();
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
        "state": run.state,
        "seeds": run.seeds,
        "tables": tables,
        "by_seed": by_seed,
        "families": run.families,
        "coverage": run.coverage,
        "ablations": run.ablations,
        "durations_s": durations,
        "total_s": run.total_seconds(),
        "reused": reused,
        "missing": missing(run),
        "stale": run.stale.iter().map(|stage| json!({ "stage": stage.name, "changed": stage.input })).collect::<Vec<_>>(),
    })
}

/// Tables 2 to 4 as `report.json` has them.
pub fn tables_json(tables: &Tables) -> Map<String, Value> {
    let json =
        [("planning", &tables.planning), ("decision_making", &tables.decision_making), ("online", &tables.online)];
    json.into_iter().map(|(name, rows)| (name.to_owned(), rows_json(rows))).collect()
}

fn training_data(run: &Run) -> Value {
    let models: Map<String, Value> = training_sizes(run)
        .into_iter()
        .map(|size| {
            let mut json = json!({ "count": size.count, "unit": size.unit });
            if !size.method.is_empty() {
                json["method"] = size.method.as_str().into();
            }
            (size.name(), json)
        })
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
        ("trajectories", run.episodes.is_empty()),
    ];
    parts.into_iter().filter(|(_, is_missing)| *is_missing).map(|(name, _)| name).collect()
}
