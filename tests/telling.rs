//! What a run tells its user: tables, where it stands, runs beside each other, trackers; and what can be listed.

use std::path::Path;
use std::process::{Command, Stdio};

use lam_store::{read_trajectories, write_trajectories};
use serde_json::Value;

use crate::support::{Place, RUN, copy, trained, trained_apart};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The table under a heading, its lines split at the gaps between columns.
#[track_caller]
fn table(text: &str, heading: &str) -> Vec<Vec<String>> {
    let from = text.find(heading).unwrap_or_else(|| panic!("no `{heading}` in:\n{text}"));
    let lines = text[from..].lines().skip(1).take_while(|line| !line.is_empty());
    let cells =
        |line: &str| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect();
    lines.map(cells).collect()
}

#[test]
fn status_shows_the_tables_of_a_run_by_its_pipeline_or_its_directory() {
    let place = trained();
    for args in [&["status", "miniature.toml", "--runs-dir", "runs"][..], &["status", "runs/miniature"]] {
        let said = place.succeed(args).stdout;
        let tables = said.split_once("Planning (Table 2)").map_or("", |(_, tables)| tables);
        assert!(!tables.is_empty() && tables.lines().all(|line| line.chars().count() <= 100), "{said}");
        let online = table(&said, "Acting online (Table 4), with 95 % intervals");
        assert_eq!(online[0][..2], ["model", "Task success, %"], "{said}");
        let models: Vec<&str> = online[1..].iter().map(|row| row[0].as_str()).collect();
        assert_eq!(models[..6], ["base", "LAM1", "LAM2", "LAM3", "LAM4", "expert"], "{said}");
        assert!(online[1][1].contains(" (") && online[1][1].contains('–'), "an interval: {said}");
        assert!(said.contains("Planning (Table 2)") && said.contains("Decision making (Table 3)"), "{said}");
        assert_eq!(said.lines().filter(|line| line.contains("  done  ")).count(), 14, "{said}");
    }
    // Another test may be running the pipeline in the place that they share.
    let own = trained_apart("told");
    let status = json(&own.succeed(&["status", "runs/miniature", "--json"]).stdout);
    assert_eq!((&status["running"], &status["remaining"]), (&Value::Bool(false), &Value::Null));
    let figures = json(&std::fs::read_to_string(own.path("runs/miniature/report.json")).expect("a report"));
    assert_eq!(status["tables"]["online"], figures["tables"]["online"]);
    assert!(status["tables"]["online"]["LAM4"].is_object(), "{status}");
    place.refuse(&["status", "home"], 2, &["holds no run", "hint: name a pipeline, or a directory"]);
}

#[test]
fn a_run_ends_with_its_tables_and_a_tracker_may_be_chosen_afterwards() {
    let place = trained_apart("tracked");
    let events = place.path("runs/miniature/trackers/tensorboard/lam2");
    assert_eq!(std::fs::read_dir(&events).expect("TensorBoard is told by itself").count(), 1);
    let again = place.succeed(&[&RUN[..], &["--report-to", "all", "--quiet"]].concat());
    assert!(
        again.stdout.contains("0 ran, 14 cached") && again.stdout.contains("Acting online (Table 4)"),
        "{}",
        again.stdout
    );
    assert!(again.stderr.is_empty(), "quiet: {}", again.stderr);
    let store = place.path("runs/miniature/trackers/mlruns");
    let experiment =
        std::fs::read_dir(store).expect("MLflow is told").next().expect("an experiment").expect("readable");
    let runs = std::fs::read_dir(experiment.path()).expect("readable").count();
    assert_eq!(runs, 1 + 6, "its own meta.yaml, and a run for each stage that trains");
    let runs =
        std::fs::read_dir(place.path("runs/miniature/trackers/wandb")).expect("Weights & Biases is told").count();
    assert_eq!(runs, 6);
    let set = ["plan", "miniature.toml", "--set", "lam2.train.report_to=trackio"];
    place.refuse(
        &set,
        2,
        &["--set lam2.train.report_to=trackio", "`report_to` cannot be `trackio`", "hint: report to `tensorboard`"],
    );
}

#[test]
fn runs_are_set_beside_each_other() {
    let place = trained_apart("compared");
    let (one, other) = (place.stage(""), place.path("other"));
    copy(std::path::Path::new(&one), &other);
    // LAM2 with another learning rate, and one task online that it solved or did not.
    let manifest = other.join("lam2/manifest.json");
    let text = std::fs::read_to_string(&manifest).expect("a manifest");
    let mut changed = json(&text);
    changed["config"]["train"]["learning_rate"] = 0.002.into();
    std::fs::write(&manifest, serde_json::to_string_pretty(&changed).expect("JSON")).expect("writable");
    let page = place.path("compared.html");
    let args = ["compare", &one, other.to_str().expect("UTF-8"), "--html", page.to_str().expect("UTF-8")];
    let said = place.succeed(&args).stdout;
    let settings = table(&said, "Settings that differ");
    assert_eq!(settings[0], ["stage", "setting", "miniature", "other"], "{said}");
    assert_eq!(
        settings[1..],
        [["lam2", "train.learning_rate", "0.004", "0.002"].map(str::to_owned).to_vec()],
        "{said}"
    );
    let online = table(&said, "Acting online (Table 4)");
    assert!(online[1].last().expect("cells").contains("[+0 −0]"), "the same tasks are paired: {said}");
    assert!(said.lines().all(|line| line.chars().count() <= 100), "{said}");
    let html = std::fs::read_to_string(&page).expect("a page");
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("train.learning_rate") && html.contains("LAM4"));
    let value = json(&place.succeed(&["compare", &one, other.to_str().expect("UTF-8"), "--json"]).stdout);
    assert_eq!(value["settings"][0]["values"], serde_json::json!(["0.004", "0.002"]));
    assert_eq!(value["tables"][2]["rows"][0]["differences"][0]["pairing"]["tasks"]["won"], 0);
    place.refuse(&["compare", &one, "home"], 3, &["holds no run"]);
    place.refuse(&["compare", &one, "nowhere"], 3, &["nowhere"]);
}

#[test]
fn what_can_be_named_is_listed() {
    let place = Place::new("lists");
    let listed = |what: &[&str]| -> Vec<Value> {
        let value = json(&place.succeed(&[&["list"], what, &["--json"]].concat()).stdout);
        value.as_array().expect("a list").clone()
    };
    let names = |what: &[&str], field: &str| -> Vec<String> {
        listed(what).iter().map(|item| item[field].as_str().expect("a text").to_owned()).collect()
    };
    assert!(names(&["environments"], "name").starts_with(&["sim".to_owned(), "web".to_owned()]));
    assert_eq!(names(&["families", "--env", "desktop:writer"], "family").len(), 91);
    assert!(names(&["families"], "environment").contains(&"web-native".to_owned()));
    assert_eq!(names(&["models"], "model")[..2], ["nano-1m", "nano-2m"]);
    assert!(names(&["formats"], "format").contains(&"mind2web".to_owned()));
    assert!(names(&["configs"], "kind").contains(&"phase4.policy".to_owned()));
    let pipelines = listed(&["pipelines"]);
    assert!(
        pipelines.iter().all(|one| one["description"].as_str().is_some_and(|text| !text.is_empty())),
        "{pipelines:?}"
    );
    for (list, field) in [("environments", "families"), ("models", "parameters"), ("configs", "settings")] {
        assert!(listed(&[list])[0][field].as_u64().is_some_and(|count| count > 5), "{list}: {:?}", listed(&[list])[0]);
    }
    assert_eq!(pipelines[0]["stages"], 15, "a number, whatever people read");
    let text = place.succeed(&["list", "pipelines"]).stdout;
    assert!(text.contains("  15 stages  From nothing to LAM4"), "{text}");
    let text = place.succeed(&["list", "environments"]).stdout;
    assert!(text.contains("  70 families\n"), "{text}");
    let text = place.succeed(&["list", "formats"]).stdout;
    assert!(text.contains("alpaca        Alpaca's instructions\n"), "{text}");
    place.refuse(&["list", "families", "--env", "word"], 2, &["unknown environment `word`", "hint: registered are"]);
}

#[test]
fn models_of_runs_are_listed() {
    let models = trained().succeed(&["list", "models", "--runs-dir", "runs"]).stdout;
    assert!(models.lines().any(|line| line.starts_with("runs/miniature/lam4 ") && line.ends_with("LAM4")), "{models}");
}

#[test]
fn a_result_that_could_not_be_printed_is_told_once_and_by_the_exit_code() {
    let place = Place::new("no-stdout");
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$0\" list families > /dev/full", env!("CARGO_BIN_EXE_lam-train")]);
    let finished = command.current_dir(place.path("")).stdin(Stdio::null()).output().expect("a shell starts");
    let said = String::from_utf8_lossy(&finished.stderr);
    assert_eq!((finished.status.code(), said.matches("error: stdout: ").count()), (Some(1), 1), "{said}");
}

#[test]
fn a_home_that_the_shell_has_left_is_no_folder_here() {
    let place = Place::new("left-home");
    for args in [
        &["plan", "quickstart", "--runs-dir=~/runs"][..],
        &["man", "~/pages"],
        &["plan", "quickstart", "--set", "base.model_name_or_path=~/model"],
    ] {
        place.refuse(args, 2, &["the shell has left `~` as it stands", "hint: write $HOME"]);
    }
    assert!(!place.path("~").exists());
}

#[test]
fn a_run_is_none_of_its_results_and_no_pipeline() {
    let place = trained();
    let hint = "hint: name one of them, such as runs/miniature/";
    for args in [
        &["export", "merged", "--model", "runs/miniature", "--output-dir", "of-run"][..],
        &["lineage", "runs/miniature"],
    ] {
        place.refuse(args, 2, &["runs/miniature: holds results of stages, and is none itself", hint]);
    }
    place.refuse(&["plan", "runs/miniature"], 2, &["hint: name the run's pipeline; `lam-train status runs/miniature`"]);
    let words = ["no run's directory, no pipeline file", "hint: name a directory such as runs/quickstart"];
    place.refuse(&["status", "nowhere/x"], 2, &words);
}

#[test]
fn a_run_over_seeds_is_not_sent_as_it_stands() {
    let place = Place::new("over-seeds");
    copy(&trained().path("runs/miniature"), &place.path("runs/seeds/seed-1"));
    for option in ["--dataset", "--merged", "--private"] {
        let words = ["it repeats a run over seeds: name one, such as runs/seeds/seed-1"];
        place.refuse(&["push", "runs/seeds", "acme/tiny", "--dry-run", option], 3, &words);
    }
}

#[test]
fn a_stage_is_exported_by_its_bare_name_from_within_its_run() {
    let (place, out) = (trained(), trained().path("exported-within"));
    let export = |folder: &str, stage: &str, below: &str| {
        let out = out.join(below);
        let args =
            ["export", "adapter", "--model", stage, "--output-dir", out.to_str().expect("a UTF-8 path"), "--force"];
        let mut command = place.command(&args);
        let finished = command.current_dir(place.path(folder)).output().expect("lam-train starts");
        assert!(finished.status.success(), "{}", String::from_utf8_lossy(&finished.stderr));
        std::fs::read_to_string(out.join("README.md")).expect("a card")
    };
    let cards = [export("runs/miniature", "lam4", "name"), export("runs/miniature/lam4", ".", "dot")];
    for card in &cards {
        assert!(card.contains("# lam4, LoRA adapter\n") && card.contains("**online, test tasks of sim**"), "{card}");
    }
    assert_eq!(cards[0], cards[1]);
    let lineage = |folder: &str, artifact: &str| {
        let finished = place.command(&["lineage", artifact]).current_dir(place.path(folder)).output();
        String::from_utf8_lossy(&finished.expect("lam-train starts").stdout).into_owned()
    };
    assert_eq!(lineage("runs/miniature/lam4", "."), lineage("runs/miniature", "lam4"));
}

#[test]
fn rows_are_counted_where_their_environment_is_not_installed() {
    let place = Place::new("not-installed");
    let file = format!("{}/expert_success.parquet", trained().stage("expert"));
    let mut trajectories = read_trajectories(Path::new(&file)).expect("the expert's successes");
    trajectories.iter_mut().for_each(|one| one.task.environment = "web".to_owned());
    write_trajectories(&place.path("web.parquet"), &trajectories).expect("writable");
    let mut command = place.command(&["data", "stats", "web.parquet"]);
    let finished = command.env("LAM_MINIWOB", "nowhere").output().expect("lam-train starts");
    let said = String::from_utf8_lossy(&finished.stdout).into_owned();
    assert!(said.contains(&format!("{} trajectories", trajectories.len())), "{said}{:?}", finished.stderr);
}

#[test]
fn shells_and_manuals_know_every_command() {
    let place = Place::new("shells");
    for (shell, word) in [("bash", "_lam__train()"), ("zsh", "#compdef lam-train"), ("fish", "complete -c lam-train")] {
        let script = place.succeed(&["completions", shell]).stdout;
        assert!(script.contains(word) && script.contains("compare"), "{shell}: {script}");
    }
    place.succeed(&["man", "pages"]);
    let pages =
        ["lam-train.1", "lam-train-run.1", "lam-train-clean.1", "lam-train-data-import.1", "lam-train-serve-model.1"];
    for page in pages {
        let text = std::fs::read_to_string(place.path("pages").join(page)).unwrap_or_else(|e| panic!("{page}: {e}"));
        assert!(text.contains(".TH") && text.contains("lam"), "{page}: {text}");
    }
}
