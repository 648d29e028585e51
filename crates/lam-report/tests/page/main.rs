//! Whole reports, from run directories as stages leave them to the page and the figures.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod ablations;
mod conditions;
mod episode;
mod episodes;
mod fixture;
mod sample;
mod watch;
mod web;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

fn fresh(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report").join(name);
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    root
}

fn build(root: &Path) -> (String, Value) {
    let report = lam_report::build(root, root, "lam-train run pipelines/quickstart.toml").unwrap();
    let figures = serde_json::from_str(&fs::read_to_string(report.figures).unwrap()).unwrap();
    (fs::read_to_string(report.page).unwrap(), figures)
}

#[test]
fn a_whole_run_gives_every_table_and_a_self_contained_page() {
    let root = fresh("quickstart");
    fixture::write_run(&root, 42, 0.0);
    let (page, figures) = build(&root);
    assert_eq!(figures["seeds"], serde_json::json!([42]));
    assert_eq!(figures["missing"], serde_json::json!([]));
    assert_eq!(figures["tables"]["online"]["LAM4"]["tasks"], 320);
    assert_eq!(figures["tables"]["online"]["LAM4"]["slices"]["unseen"]["tsr"]["value"], 63.1);
    assert_eq!(figures["tables"]["decision_making"]["LAM3"]["ssr"]["ci95"].as_array().unwrap().len(), 2);
    assert_eq!(figures["tables"]["training_data"]["models"]["LAM2"]["count"], 1757);
    assert_eq!(figures["durations_s"]["lam2"], 96.5);
    assert_eq!((&figures["coverage"][0]["stage"], &figures["coverage"][0]["solved"]), (&"lam3".into(), &2170.into()));
    assert!(page.contains("2,170 of 2,284 tasks solved (95.0 %)") && page.contains("plans of LAM1, by parts"));
    for needle in ["http://", "https://", "src=\"", "@import", "url("] {
        assert!(!page.contains(needle), "the page refers to the outside: {needle}");
    }
    assert_eq!(page.matches("</script>").count(), 2, "a text has closed a script element");
    assert!(page.contains("<h3>lam2</h3>") && page.contains("<h3>lam4/reward</h3>"));
    assert!(page.contains("GPT-4o mini, with screenshots") && page.contains("<svg"));
    assert!(page.contains("“held out” are not measured alike") && page.contains("Reward model: accuracy, training"));
}

#[test]
fn seeds_give_means_with_intervals_over_seeds() {
    let root = fresh("seeds");
    for (seed, shift) in [(1, -2.0), (2, 0.0), (3, 2.0)] {
        fixture::write_run(&root.join(format!("seed-{seed}")), seed, shift);
    }
    let (page, figures) = build(&root);
    let tsr = &figures["tables"]["planning"]["LAM1"]["tsr"];
    assert!((tsr["value"].as_f64().unwrap() - 81.3).abs() < 1e-9);
    assert_eq!(tsr["n"], 3);
    assert_eq!(figures["by_seed"].as_array().unwrap().len(), 3);
    assert!(page.contains("mean over seeds"));
}

#[test]
fn the_seed_of_one_run_is_a_setting_and_those_of_repetitions_are_not() {
    let root = fresh("compared-seeds");
    for (place, seed) in [("a/seed-1", 1), ("a/seed-2", 2), ("b/seed-3", 3), ("b/seed-4", 4), ("c", 5), ("d", 6)] {
        fixture::write_run(&root.join(place), seed, 0.0);
    }
    let tells_seed = |one: &str, other: &str| {
        let compared = lam_report::compare(&[root.join(one), root.join(other)]).unwrap();
        compared.settings.iter().any(|row| row.key == "seed")
    };
    assert!(tells_seed("c", "d") && !tells_seed("a", "b"));
}

#[test]
fn a_partial_run_says_what_is_missing() {
    let root = fresh("partial");
    fixture::write_run(&root, 7, 0.0);
    for stage in ["eval-plan", "eval-step", "eval-online", "lam4", "export", "report"] {
        fs::remove_dir_all(root.join(stage)).unwrap();
    }
    let (page, figures) = build(&root);
    assert_eq!(figures["missing"], serde_json::json!(["planning", "decision_making", "online", "trajectories"]));
    assert!(page.contains("Not in this run"));
}

#[test]
fn results_made_from_what_has_changed_are_left_out_and_named() {
    let root = fresh("stale");
    fixture::write_run(&root, 42, 0.0);
    // LAM3 was trained again; everything after it was not.
    let path = root.join("lam3/manifest.json");
    let mut manifest: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    manifest["output_hash"] = "another".into();
    fs::write(&path, manifest.to_string()).unwrap();
    let (page, figures) = build(&root);
    let stale: Vec<&str> = figures["stale"].as_array().unwrap().iter().map(|s| s["stage"].as_str().unwrap()).collect();
    assert_eq!(stale, ["lam4", "eval-step", "eval-online", "export", "report"]);
    assert_eq!(figures["stale"][3], serde_json::json!({"stage": "export", "changed": "lam4"}));
    assert!(figures["tables"]["planning"]["LAM1"].is_object(), "what LAM3 has nothing to do with stays");
    assert_eq!(figures["tables"]["online"], serde_json::json!({}));
    assert!(page.contains("Left out: ") && page.contains("lam4 (lam3 has changed since)"), "said on the page");
    let current = fresh("not-stale");
    fixture::write_run(&current, 42, 0.0);
    assert_eq!(build(&current).1["stale"], serde_json::json!([]));
}

#[test]
fn a_result_that_a_kill_left_on_its_way_is_no_stage() {
    let root = fresh("on-its-way");
    fixture::write_run(&root, 42, 0.0);
    let before = build(&root).1["tables"].clone();
    for left in ["eval-online.taken", "eval-online.replaced", "eval-online.partial"] {
        fs::create_dir_all(root.join(left)).unwrap();
        for file in ["manifest.json", "tables.json"] {
            fs::copy(root.join("eval-online").join(file), root.join(left).join(file)).unwrap();
        }
    }
    assert_eq!(build(&root).1["tables"], before);
}

#[test]
fn a_model_that_two_stages_evaluated_has_two_rows() {
    let root = fresh("twice");
    fixture::write_run(&root, 42, 0.0);
    fs::create_dir_all(root.join("eval-again")).unwrap();
    for file in ["manifest.json", "tables.json"] {
        let text = fs::read_to_string(root.join("eval-online").join(file)).unwrap();
        fs::write(root.join("eval-again").join(file), text.replace("eval-online", "eval-again")).unwrap();
    }
    let figures = build(&root).1;
    let rows = figures["tables"]["online"].as_object().unwrap();
    assert_eq!(rows.len(), 12);
    assert!(rows.contains_key("LAM4 (eval-again)") && rows.contains_key("LAM4 (eval-online)"), "{:?}", rows.keys());
    assert_eq!(figures["tables"]["decision_making"].as_object().unwrap().len(), 6);
}

#[test]
fn a_directory_without_a_run_is_an_error_with_a_hint() {
    let error = lam_report::build(&fresh("empty"), &fresh("empty"), "").unwrap_err().to_string();
    assert!(error.contains("holds no run") && error.contains("hint:"), "{error}");
}

#[test]
fn a_directory_that_is_not_there_holds_no_run() {
    let nowhere = fresh("nowhere").join("not/there");
    let error = lam_report::build(&nowhere, &nowhere, "").unwrap_err().to_string();
    assert!(error.contains("holds no run") && error.contains("hint:"), "{error}");
    assert!(matches!(lam_report::tables_text(&nowhere), Err(lam_report::ReportError::NoRun { .. })));
    assert!(matches!(lam_report::compare(&[nowhere]), Err(lam_report::ReportError::NoRun { .. })));
}

#[test]
fn a_report_is_made_again_only_when_a_stage_has_changed() {
    let root = fresh("refreshed");
    fixture::write_run(&root, 42, 0.0);
    assert!(lam_report::refresh(&root, &root, "lam-train run p.toml").unwrap().is_some());
    assert!(lam_report::refresh(&root, &root, "another").unwrap().is_none());
    fs::remove_dir_all(root.join("lam4")).unwrap();
    assert!(lam_report::refresh(&root, &root, "").unwrap().is_some());
    let figures = fs::read_to_string(root.join("report.json")).unwrap();
    assert!(figures.contains("lam-train run p.toml"), "the command of the earlier report is kept");
}
