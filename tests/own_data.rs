//! Recordings of one's own: imported, and trained on over a model that phase 2 makes from nothing.

use serde_json::{Value, json};

use crate::support::Place;

const IMPORTED: &str = "runs/manual/import/trajectories.parquet";

/// Two recordings of a step each, in GUI-360's form.
fn record(place: &Place) {
    std::fs::create_dir(place.path("recordings")).expect("the target directory is writable");
    for (name, amount) in [("one", "120"), ("two", "155")] {
        let step = json!({
            "control_infos": {"uia_controls_info": [{"label": "1", "control_text": "Amount", "control_type": "Edit"}]},
            "action": {"function": "set_edit_text", "args": {"text": amount}, "control_label": "1"},
            "status": "OVERALL_FINISH",
        });
        let line = json!({
            "execution_id": name, "app_domain": "invoices", "request": format!("Set the amount to {amount}"),
            "step_id": 1, "evaluation": {"complete": "yes"}, "step": step,
        });
        place.write(&format!("recordings/{name}.jsonl"), &format!("{line}\n"));
    }
}

#[test]
fn phase_2_makes_its_model_where_the_configuration_says_how() {
    let place = Place::new("own-data");
    record(&place);
    place.succeed(&["data", "import", "gui360", "recordings"]);
    let phase2 = ["phase2", "-c", "own-data", "--data", IMPORTED];
    let short = ["base.documentation_entries=10", "base.replay_examples=8", "base.train.max_tokens=3000"];
    let shorter = ["base.train.warmup_steps=0", "train.max_tokens=1000", "train.warmup_steps=0"];
    let sets = short.iter().chain(&shorter).flat_map(|set| ["--set", *set]);
    place.succeed(&phase2.into_iter().chain(sets).collect::<Vec<_>>());
    for stage in ["base", "lam2"] {
        assert!(place.path("runs/manual").join(stage).join("model.safetensors").is_file(), "{stage}");
    }
    let manifest = std::fs::read_to_string(place.path("runs/manual/lam2/manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["metrics"]["trajectories"], 2, "{manifest:#}");
}

#[test]
fn a_model_is_made_only_where_nothing_else_says_which() {
    let place = Place::new("own-data-refused");
    place.refuse(&["phase2", "-c", "own-data"], 2, &["own-data: no `data` given", "hint: add --data PATH"]);
    let over_nothing = ["phase2", "-c", "own-data", "--data", IMPORTED, "--adapter", "adapter"];
    place.refuse(&over_nothing, 2, &["own-data: no `model` given", "hint: add --model DIR"]);
    place.refuse(&["phase2", "-c", "phase2", "--data", IMPORTED], 2, &["phase2: no `model` given"]);
}

#[test]
fn records_that_were_not_imported_are_refused_before_a_model_is_made() {
    let place = Place::new("own-data-raw");
    record(&place);
    place.write("raw.jsonl", "{}\n");
    place.write("empty.parquet", "");
    for data in ["recordings", "raw.jsonl", "empty.parquet"] {
        let words = [data, "is no table", "hint: `lam-train data import FORMAT PATH`"];
        place.refuse(&["phase2", "-c", "own-data", "--data", data], 2, &words);
        assert!(!place.path("runs").exists(), "{data}");
    }
}
