//! Files and models that cannot be used: exit code 3, the file, the row, the value, a hint; never a panic.

use std::path::Path;

use lam_store::{read_task_plans, read_trajectories, write_task_plans, write_trajectories};
use lam_types::{Complete, Split, Trajectory};

use crate::support::{Place, RUN, trained};

/// Settings for a phase on a few tokens.
const PHASE: &str = "[train]\nmax_tokens = 600\nmax_tokens_per_batch = 512\n";

/// The expert's successes, changed and written to `changed.parquet`.
fn changed(place: &Place, change: impl Fn(&mut Trajectory)) -> String {
    let file = format!("{}/expert_success.parquet", trained().stage("expert"));
    let mut trajectories = read_trajectories(Path::new(&file)).expect("the expert's successes");
    trajectories.truncate(3);
    change(&mut trajectories[1]);
    write_trajectories(&place.path("changed.parquet"), &trajectories).expect("writable");
    "changed.parquet".to_owned()
}

#[test]
fn a_damaged_table_is_named() {
    let place = Place::new("damaged");
    let whole = std::fs::read(format!("{}/expert_success.parquet", trained().stage("expert"))).expect("readable");
    std::fs::write(place.path("cut.parquet"), &whole[..whole.len() / 2]).expect("writable");
    place.write("phase2.toml", PHASE);
    let words = ["cut.parquet: damaged", "hint: "];
    place.refuse(&["data", "check", "cut.parquet"], 3, &words);
    let model = trained().stage("lam1");
    let phase = ["phase2", "-c", "phase2.toml", "--model", &model, "--data", "cut.parquet", "--output-dir", "runs/cut"];
    place.refuse(&phase, 3, &words);
    let plans = format!("{}/task_plans.parquet", trained().stage("plans"));
    let phase = ["phase2", "-c", "phase2.toml", "--model", &model, "--data", &plans, "--output-dir", "runs/kind"];
    place.refuse(&phase, 3, &["task_plans.parquet", "`task_plan` rows, not `trajectory` rows", "hint: "]);
}

#[test]
fn a_step_that_cannot_be_carried_out_is_found() {
    let place = Place::new("unsound");
    let found = |file: &str, words: &[&str]| {
        let finished = place.run(&["data", "check", file]);
        assert_eq!(finished.code, 3, "{}", finished.stdout);
        for word in words.iter().chain(&["changed.parquet"]) {
            assert!(finished.stdout.contains(word), "no `{word}` in:\n{}", finished.stdout);
        }
    };
    let file = changed(&place, |trajectory| trajectory.steps[0].action.function = "fly_away".into());
    found(&file, &["fly_away", "unknown_function"]);
    let file = changed(&place, |trajectory| trajectory.steps[0].action.control_label = "999".into());
    found(&file, &["999", "unknown_label"]);
    let untouched = changed(&place, |_| {});
    place.succeed(&["data", "check", &untouched]);
}

#[test]
fn training_refuses_what_the_check_finds_or_leaves_it_out() {
    let place = Place::new("unsound-training");
    place.write("phase2.toml", PHASE);
    place.write("phase4.toml", &format!("[reward]\n{}", PHASE.replace("[train]", "[reward.train]")));
    let model = trained().stage("lam1");
    let phase = |number: &'static str, file: &'static str| {
        let config = if number == "phase2" { "phase2.toml" } else { "phase4.toml" };
        vec![number, "-c", config, "--model", &model, "--data", file, "--output-dir", "runs/two"]
    };
    type Unsound = (fn(&mut Trajectory), &'static str);
    let unsound: [Unsound; 3] = [
        (|one| one.steps[0].action.function = "fly_away".into(), "function `fly_away`"),
        (|one| one.steps[0].action.control_label = "999".into(), "control_label `999`"),
        (|one| one.steps[0].action.control_name = "Moon".into(), "control_name `Moon`"),
    ];
    for (change, words) in unsound {
        changed(&place, |one| {
            one.steps[0].action.control_label = one.steps[0].state.observation.controls[0].label.clone();
            one.steps[0].action.control_name = one.steps[0].state.observation.controls[0].control_text.clone();
            change(one);
        });
        let words = ["changed.parquet:", words, "must not be trained on", "hint: `lam-train data check`", "--skip-bad"];
        place.refuse(&phase("phase2", "changed.parquet"), 3, &words);
        place.refuse(&phase("phase4", "changed.parquet"), 3, &words);
    }
    let skipped = place.succeed(&[&*phase("phase2", "changed.parquet"), &["--skip-bad"]].concat());
    assert!(
        skipped.stderr.contains("left out 1 of 3 that must not be trained on (wrong_name 1)"),
        "{}",
        skipped.stderr
    );
}

#[test]
fn ppo_refuses_failures_that_the_check_finds() {
    let place = Place::new("unsound-failures");
    changed(&place, |one| {
        (one.verdict.complete, one.task.split) = (Complete::No, Split::Train);
        one.steps[0].action.function = "fly_away".into();
    });
    let (model, reward) = (trained().stage("lam3"), trained().stage("reward"));
    place.write(
        "ppo.toml",
        &format!(
            "name = \"reinforced\"\n[[stage]]\nname = \"lam4\"\nkind = \"phase4.policy\"\n[stage.inputs]\n\
             model = {model:?}\nreward = {reward:?}\nfailures = \"changed.parquet\"\n"
        ),
    );
    place.refuse(
        &["run", "ppo.toml", "--runs-dir", "runs"],
        3,
        &["changed.parquet:", "function `fly_away`", "must not be trained on"],
    );
}

#[test]
fn an_example_with_nothing_to_train_is_refused() {
    let place = Place::new("nothing-to-train");
    let file = format!("{}/task_plans.parquet", trained().stage("plans"));
    let mut pairs = read_task_plans(Path::new(&file)).expect("pairs");
    pairs.truncate(4);
    pairs[2].plan = Vec::new();
    let id = pairs[2].task_id.clone();
    write_task_plans(&place.path("empty.parquet"), &pairs).expect("writable");
    let checked = place.run(&["data", "check", "empty.parquet"]);
    assert_eq!(checked.code, 3, "{}", checked.stdout);
    assert!(checked.stdout.contains("nothing_to_train") && checked.stdout.contains(&id), "{}", checked.stdout);
    place.write("phase1.toml", PHASE);
    let model = trained().stage("base");
    let phase =
        ["phase1", "-c", "phase1.toml", "--model", &model, "--data", "empty.parquet", "--output-dir", "runs/one"];
    place.refuse(&phase, 3, &[&id, "hint: "]);
    let skipped = place.succeed(&[&phase[..], &["--skip-bad"]].concat());
    assert!(skipped.stderr.contains("left out 1 of 4"), "{}", skipped.stderr);
}

#[test]
fn a_tokenizer_of_another_model_is_refused() {
    let place = Place::new("foreign-tokenizer");
    place.write(
        "small.json",
        &include_str!("miniature/model.json").replace("\"vocab_size\": 2048", "\"vocab_size\": 600"),
    );
    place.succeed(&["model", "init", "small.json", "--output-dir", "small"]);
    for file in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"] {
        let from = format!("{}/{file}", trained().stage("base"));
        std::fs::copy(from, place.path("small").join(file)).expect("the base model has it");
    }
    place.write("phase2.toml", PHASE);
    let words = ["the tokenizer has 2816 entries", "600 rows", "hint: the tokenizer belongs to another model"];
    let data = format!("{}/expert_success.parquet", trained().stage("expert"));
    let phase = ["phase2", "-c", "phase2.toml", "--model", "small", "--data", &data, "--output-dir", "runs/two"];
    place.refuse(&phase, 3, &words);
    place.refuse(&["act", "--model", "small"], 3, &words);
    let with = ["model", "init", "small.json", "--output-dir", "other", "--tokenizer", &trained().stage("base")];
    place.refuse(&with, 2, &["`vocab_size` = 600: the tokenizer has 2816 entries", "hint: name a tokenizer"]);
}

#[test]
fn a_token_without_a_row_is_noted_and_rows_with_it_are_refused() {
    let place = Place::new("token-without-row");
    let (from, to) = (trained().stage("base"), place.path("added"));
    std::fs::create_dir(&to).expect("writable");
    for entry in std::fs::read_dir(&from).expect("the base model") {
        let path = entry.expect("readable").path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("writable");
        }
    }
    let json = std::fs::read_to_string(to.join("tokenizer.json")).expect("readable");
    let mut json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let entries = json["model"]["vocab"].as_object().expect("a vocabulary").len();
    json["added_tokens"].as_array_mut().expect("a list").push(serde_json::json!({
        "id": entries, "content": "QUOKKA", "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": false,
    }));
    json["truncation"] = serde_json::json!({
        "direction": "Right", "max_length": 64, "strategy": "LongestFirst", "stride": 0,
    });
    std::fs::write(to.join("tokenizer.json"), json.to_string()).expect("writable");

    let acted = place.run(&["act", "--model", "added"]);
    assert_eq!(acted.stderr.matches("`QUOKKA`").count(), 1, "{}", acted.stderr);
    assert_eq!(acted.stderr.matches("truncation").count(), 1, "{}", acted.stderr);
    assert!(acted.stdout.contains("complete: "), "{}\n{}", acted.stdout, acted.stderr);

    let file = format!("{}/task_plans.parquet", trained().stage("plans"));
    let mut pairs = read_task_plans(Path::new(&file)).expect("pairs");
    pairs.truncate(4);
    pairs[2].task = "draw a QUOKKA".into();
    let id = pairs[2].task_id.clone();
    write_task_plans(&place.path("quokka.parquet"), &pairs).expect("writable");
    place.write("phase1.toml", PHASE);
    let phase = ["phase1", "-c", "phase1.toml", "--model", "added", "--data", "quokka.parquet", "--output-dir", "one"];
    let token = format!("token {entries} has no row");
    place.refuse(&phase, 3, &[&id, &token, "hint: "]);
}

#[test]
fn a_shard_that_is_missing_is_named() {
    let place = Place::new("missing-shard");
    let (from, to) = (trained().stage("lam1"), place.path("sharded"));
    std::fs::create_dir(&to).expect("writable");
    for file in
        ["config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"]
    {
        std::fs::copy(format!("{from}/{file}"), to.join(file)).expect("the model has it");
    }
    let index = r#"{"metadata": {}, "weight_map": {"model.norm.weight": "model-00001-of-00002.safetensors"}}"#;
    std::fs::write(to.join("model.safetensors.index.json"), index).expect("writable");
    place.write("phase2.toml", PHASE);
    let data = format!("{}/expert_success.parquet", trained().stage("expert"));
    let phase = ["phase2", "-c", "phase2.toml", "--model", "sharded", "--data", &data, "--output-dir", "runs/two"];
    let words = ["model.safetensors.index.json: names `model-00001-of-00002.safetensors`, which is missing", "hint: "];
    place.refuse(&phase, 3, &words);
}

#[test]
fn a_directory_that_is_no_model_is_refused() {
    let place = Place::new("no-model");
    place.write("phase2.toml", PHASE);
    let expert = trained().stage("expert");
    let data = format!("{expert}/expert_success.parquet");
    let words = ["holds no config.json", "hint: name a model directory"];
    place.refuse(&["act", "--model", &expert], 3, &words);
    place.refuse(&["model", "inspect", "nothing"], 3, &words);
    let phase = ["phase2", "-c", "phase2.toml", "--model", &expert, "--data", &data, "--output-dir", "runs/two"];
    place.refuse(&phase, 3, &words);
    let model = trained().stage("base");
    let export = ["export", "adapter", "--model", &model, "--output-dir", "adapter"];
    place.refuse(&export, 3, &["no adapter", "hint: the stage trained every weight"]);
    place.refuse(
        &["act", "--model", "expert", "--env", "word"],
        2,
        &["unknown environment `word`", "hint: registered are sim"],
    );
}

#[test]
fn a_run_of_a_newer_version_is_left_alone() {
    let place = Place::new("newer");
    place.succeed(&[&RUN[..], &["--until", "plans"]].concat());
    let manifest = format!("{}/manifest.json", place.stage("plans"));
    let text = std::fs::read_to_string(&manifest).expect("readable");
    let newer = text.replace("\"format_version\": 1", "\"format_version\": 99");
    assert_ne!(text, newer);
    std::fs::write(&manifest, &newer).expect("writable");
    let words = ["plans/manifest.json: format version 99 is newer than 1", "hint: "];
    for command in ["run", "plan", "status"] {
        place.refuse(&[command, "miniature.toml", "--runs-dir", "runs"], 3, &words);
    }
    place.refuse(&["lineage", &place.stage("plans")], 3, &words);
    assert_eq!(std::fs::read_to_string(&manifest).expect("readable"), newer);
}

#[test]
fn what_is_not_there_is_named() {
    let place = Place::new("not-there");
    place.refuse(&["lineage", "nothing"], 3, &["nothing", "hint: check the path"]);
    place.refuse(&["report", "nothing"], 3, &["nothing"]);
    place.refuse(&["data", "stats", "."], 3, &["holds no .parquet file"]);
    place.refuse(&["phase2", "-c", "nothing.toml"], 2, &["nothing.toml"]);
}
