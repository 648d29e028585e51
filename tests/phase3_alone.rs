//! Phase 3 by its own command: every setting of exploration in its file, a further round, and inputs that do not fit.

use std::path::Path;

use lam_phase3_explore::ExploreConfig;
use lam_store::{read_task_plans, write_task_plans};
use serde_json::Value;

use crate::support::{Place, trained};

/// Every key of `[explore]`.
const EXPLORE: &str = r#"[explore]
environment = "sim"
ways = ["tries", "plans", "documentation"]
skip_tasks = 1
max_tasks = 6
attempts = 2
temperature = 0.9
top_p = 0.95
max_new_tokens = 48
constrained = true
dtype = "auto"
successes_per_task = 2
failures_per_task = 1
failures_of_solved_tasks = true
min_new_share = 0.01
limits = { max_steps = 4, parallel = 4 }
[train.train]
max_steps = 1
"#;

/// The command over the miniature's LAM2 and its expert's trajectories.
fn phase3(file: &str, output: &str) -> Vec<String> {
    let (model, expert) = (trained().stage("lam2"), trained().stage("expert"));
    let data = ["success", "failure"].map(|kind| format!("{expert}/expert_{kind}.parquet"));
    let [success, failure] = &data;
    let args = ["phase3", "-c", file, "--model", &model, "--data", success, "--data", failure, "--output-dir", output];
    args.map(str::to_owned).to_vec()
}

fn words(args: &[String]) -> Vec<&str> {
    args.iter().map(String::as_str).collect()
}

fn metrics(place: &Place, stage: &str) -> Value {
    let text = std::fs::read_to_string(place.path("runs").join(stage).join("manifest.json")).expect("a manifest");
    serde_json::from_str::<Value>(&text).expect("JSON")["metrics"].clone()
}

/// The file with whose plans and which pairs are followed.
fn with_inputs(plans: &str) -> String {
    format!("{EXPLORE}[inputs]\nplanner = {:?}\nplans = [{plans:?}]\n", trained().stage("lam1"))
}

#[test]
fn every_setting_of_exploration_stands_in_the_file_or_behind_set() {
    let place = Place::new("phase3-alone");
    let table: toml::Table = EXPLORE.parse().expect("TOML");
    let Value::Object(known) = serde_json::to_value(ExploreConfig::default()).expect("plain data") else {
        panic!("settings are a table")
    };
    let written = table["explore"].as_table().expect("a table");
    assert!(known.keys().all(|key| written.contains_key(key)), "{:?}", known.keys());
    place.write("three.toml", &with_inputs(&trained().stage("plans")));
    let command = phase3("three.toml", "runs/three");
    place.succeed(&[words(&command), vec!["--set", "explore.max_tasks=5"]].concat());
    let told = metrics(&place, "three/explore");
    assert_eq!(told["tasks"], 5);
    let ways: Vec<&str> = told["ways"].as_array().expect("ways").iter().filter_map(|way| way["way"].as_str()).collect();
    assert_eq!(ways, ["tries", "plans", "plans", "documentation", "documentation"], "{told:#}");
    assert!(place.path("runs/three/lam3/model.safetensors").is_file());
}

#[test]
fn a_further_round_passes_the_model_of_the_last_one_on() {
    let place = Place::new("phase3-round");
    let (explored, previous) = (trained().stage("explore"), trained().stage("lam3"));
    let round = "[explore]\nmax_tasks = 24\nattempts = 1\nmax_new_tokens = 96\nmin_new_share = 1.0\n\
                 limits = { max_steps = 1, parallel = 8 }\n[train.train]\nmax_steps = 1\n";
    place.write("three.toml", &format!("{round}[inputs]\nexplored = [{explored:?}]\nprevious = {previous:?}\n"));
    place.succeed(&words(&phase3("three.toml", "runs/three")));
    assert!(metrics(&place, "three/explore")["tasks_solved_before"].as_u64() > Some(0));
    let weights = |folder: &Path| std::fs::read(folder.join("model.safetensors")).expect("a model");
    assert!(weights(&place.path("runs/three/lam3")) == weights(previous.as_ref()), "it is passed on");
    place.write("three.toml", &format!("{round}[inputs]\nprevious = {previous:?}\n"));
    let alone = ["three.toml: `inputs.previous` means nothing without `inputs.explored`", "hint: "];
    place.refuse(&words(&phase3("three.toml", "runs/four")), 2, &alone);
    place.write("two.toml", &format!("[inputs]\nplanner = {previous:?}\n"));
    let mut phase2 = phase3("two.toml", "runs/two");
    "phase2".clone_into(&mut phase2[0]);
    place.refuse(
        &words(&phase2),
        2,
        &["two.toml: `inputs.planner` means nothing in phase 2", "phase 3 alone explores"],
    );
}

#[test]
fn plans_of_another_application_are_refused() {
    let place = Place::new("phase3-other-plans");
    let file = format!("{}/task_plans.parquet", trained().stage("plans"));
    let mut pairs = read_task_plans(Path::new(&file)).expect("pairs");
    pairs.iter_mut().for_each(|pair| "gimp".clone_into(&mut pair.application));
    write_task_plans(&place.path("plans.parquet"), &pairs).expect("writable");
    place.write("three.toml", &with_inputs("plans.parquet"));
    let refused = ["plans.parquet: hold ", "none about `sim`, `word` (they are about `gimp`)", "hint: "];
    place.refuse(&words(&phase3("three.toml", "runs/three")), 3, &refused);
}
