//! The whole pipeline in miniature: what it leaves behind, that a second run finds it all done, and that the same
//! seed makes the same models.

use serde_json::Value;

use crate::support::{Place, RUN, contents, same_bytes, trained};

const STAGES: [&str; 14] = [
    "plans",
    "expert",
    "expert-test",
    "base",
    "lam1",
    "lam2",
    "explore",
    "lam3",
    "reward",
    "lam4",
    "eval-plan",
    "eval-step",
    "eval-online",
    "export",
];
const MODELS: [&str; 5] = ["base", "LAM1", "LAM2", "LAM3", "LAM4"];

fn json(path: &str) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

#[test]
fn every_stage_leaves_its_result() {
    let place = trained();
    for stage in STAGES {
        let manifest = json(&format!("{}/manifest.json", place.stage(stage)));
        assert_eq!(manifest["stage"], stage);
        assert_eq!(manifest["seed"], 7);
    }
    let models = ["base", "lam1", "lam2", "lam3", "lam4", "export/merged"];
    for model in models {
        for file in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
            let path = format!("{}/{file}", place.stage(model));
            assert!(std::path::Path::new(&path).is_file(), "{path} is missing");
        }
    }
    let adapter =
        ["adapter/adapter_config.json", "adapter/adapter_model.safetensors", "adapter/base/model.safetensors"];
    for file in adapter.into_iter().chain(["reward/model.safetensors", "gguf/LAM4-F16.gguf", "gguf/Modelfile"]) {
        let path = format!("{}/{file}", place.stage("export"));
        assert!(std::path::Path::new(&path).is_file(), "{path} is missing");
    }
}

/// Weights, checkpoints, tables, reports: nothing in them is a secret, and a colleague may go on from them.
#[cfg(unix)]
#[test]
fn whoever_reads_one_file_of_a_run_reads_all() {
    use std::os::unix::fs::PermissionsExt;
    let place = trained();
    place.write("plain", "x");
    let mode = |path: &std::path::Path| path.metadata().expect("it is there").permissions().mode() & 0o777;
    let run = place.path("runs/miniature");
    for (name, _) in contents(&run) {
        assert_eq!(mode(&run.join(&name)), mode(&place.path("plain")), "{name}");
    }
}

#[test]
fn every_phase_changes_the_model() {
    let place = trained();
    let weights = |stage: &str| std::fs::read(format!("{}/model.safetensors", place.stage(stage))).expect("readable");
    for (before, after) in [("base", "lam1"), ("lam1", "lam2"), ("lam2", "lam3"), ("lam3", "lam4")] {
        assert!(weights(before) != weights(after), "{after} is {before}");
    }
}

#[test]
fn the_report_has_the_papers_tables() {
    let place = trained();
    let page = std::fs::read_to_string(place.stage("report.html")).expect("report.html exists");
    assert!(page.contains("LAM4") && !page.contains("<script src="));
    let report = json(&place.stage("report.json"));
    assert_eq!(report["seeds"], serde_json::json!([7]));
    let tables = &report["tables"];
    assert!(tables["training_data"].is_object(), "tables.training_data is missing");
    for model in ["base", "LAM1"] {
        figures(&tables["planning"][model], &["tsr", "step_precision", "step_recall"], &["tasks"]);
    }
    for model in MODELS {
        let percent = ["object_acc", "operation_acc", "status_acc", "argument_acc", "ssr", "tsr"];
        figures(&tables["decision_making"][model], &percent, &["tasks", "steps"]);
    }
    for model in MODELS.into_iter().chain(["expert"]) {
        let measured = ["tsr", "completion_time_s", "completion_steps", "step_latency_s", "invalid_action_rate"];
        figures(&tables["online"][model], &measured, &["tasks", "environment_errors"]);
    }
    for stage in STAGES {
        assert!(report["durations_s"][stage].is_number(), "durations_s.{stage} is missing");
    }
}

/// A row has these figures with their intervals, and these counts.
#[track_caller]
fn figures(row: &Value, figures: &[&str], counts: &[&str]) {
    for name in figures {
        assert!(row[name].get("ci95").is_some(), "{name} has no ci95 in {row}");
    }
    for name in counts {
        assert!(row[name].is_u64(), "{name} is not a count in {row}");
    }
}

#[test]
fn lam4_comes_from_documentation_and_from_the_expert() {
    let place = trained();
    let text = place.succeed(&["lineage", &place.stage("lam4")]).stdout;
    for origin in ["miniature/plans (plans", "miniature/expert/expert_success.parquet", "miniature/reward", "seed 7"] {
        assert!(text.contains(origin), "no {origin} in:\n{text}");
    }
}

#[test]
fn a_second_run_is_cached_says_so_and_writes_nowhere_else() {
    let place = trained();
    let finished = place.succeed(&RUN);
    assert!(finished.stdout.contains("miniature: 0 ran, 14 cached"), "{}", finished.stdout);
    for stage in STAGES {
        assert!(finished.stderr.contains(&format!("{stage}: cached, nothing changed")), "{}", finished.stderr);
    }
    let names = |below: &str| {
        let entries = std::fs::read_dir(place.path(below)).expect("the folder exists");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("readable entry").file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("."), ["home", "miniature.toml", "model.json", "runs", "tmp"]);
    assert_eq!(names("runs"), [".cache", "miniature"]);
    assert!(names("home").is_empty() && names("tmp").is_empty());
}

#[test]
fn the_same_seed_makes_the_same_bytes_with_other_threads() {
    let again = Place::new("miniature-again");
    again.succeed(&["run", "miniature.toml", "--runs-dir", "runs", "--threads", "1"]);
    for stage in ["plans", "expert", "base", "lam1", "lam2", "explore", "lam3", "reward", "lam4"] {
        same_bytes(trained().stage(stage).as_ref(), again.stage(stage).as_ref());
    }
}

#[test]
fn another_seed_makes_another_model() {
    let other = Place::new("miniature-other-seed");
    other.succeed(&["run", "miniature.toml", "--runs-dir", "runs", "--set", "seed=8", "--until", "base"]);
    let file = "model.safetensors";
    let read = |place: &Place| std::fs::read(format!("{}/{file}", place.stage("base"))).expect("readable");
    assert!(read(&other) != read(trained()));
}
