//! What is said of a run stands only where its stages were so.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::{build, fixture, fresh};

/// Gives a stage of the fixture the kind and the settings of a real one.
fn set(root: &Path, stage: &str, kind: &str, config: Value) {
    let path = root.join(stage).join("manifest.json");
    let mut manifest: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    manifest["kind"] = kind.into();
    manifest["config"] = config;
    fs::write(path, manifest.to_string()).unwrap();
}

/// Names the judge of every row of Table 2.
fn judged_by(root: &Path, judge: &str) {
    let path = root.join("eval-plan/planning.json");
    let mut rows: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    rows.as_object_mut().unwrap().values_mut().for_each(|row| row["judge"] = judge.into());
    fs::write(path, rows.to_string()).unwrap();
}

fn holds(page: &str, said: &[&str], unsaid: &[&str]) {
    for words in said {
        assert!(page.contains(words), "not said: {words}");
    }
    for words in unsaid {
        assert!(!page.contains(words), "said: {words}");
    }
}

const OF_THE_EDITOR: [&str; 6] = [
    "The application is embedded. ",
    "Success is decided by the final document.",
    "matched one to one with the reference plan by a deterministic matcher",
    "No GPT-4o judge. ",
    "Constrained decoding helps. ",
    "controls it looks for in the wrong place",
];

const OF_THE_DESKTOP: [&str; 7] = [
    "The application is not Word. ",
    "Success is decided by what is left on the disk.",
    "<small>compared by some-judge</small>",
    "are compared by the model <b>some-judge</b>",
    "Decoding was free. ",
    "Trajectories are those of <b>some-teacher</b>",
    "as far as the endpoints that were asked answer alike",
];

#[test]
fn a_run_in_the_editor_is_told_as_one() {
    let root = fresh("conditions-editor");
    fixture::write_run(&root, 42, 0.0);
    set(&root, "expert", "trajectories", json!({"environment": "sim", "trajectories": {"teacher": "scripted"}}));
    set(&root, "eval-plan", "eval.plan", json!({"judge": null}));
    set(&root, "eval-step", "eval.step", json!({"environment": "sim"}));
    set(&root, "eval-online", "eval.online", json!({"environment": "sim", "constrained": true}));
    judged_by(&root, "matcher");
    holds(&build(&root).0, &OF_THE_EDITOR, &OF_THE_DESKTOP);
    let text = lam_report::tables_text(&root).unwrap();
    assert!(!text.contains("compared by") && !text.contains("decoded"), "{text}");
}

#[test]
fn a_run_on_the_desktop_with_a_judge_and_free_decoding_is_told_as_one() {
    let root = fresh("conditions-desktop");
    fixture::write_run(&root, 42, 0.0);
    let endpoint = |model: &str| json!({"name": "", "model": model, "base_url": "https://example.org/v1"});
    let teacher = json!({"teacher": {"remote": endpoint("some-teacher")}});
    set(&root, "expert", "trajectories", json!({"environment": "desktop:writer", "trajectories": teacher}));
    set(&root, "eval-plan", "eval.plan", json!({"judge": endpoint("some-judge")}));
    set(&root, "eval-step", "eval.step", json!({"environment": "desktop:writer"}));
    set(&root, "eval-online", "eval.online", json!({"environment": "desktop:writer", "constrained": false}));
    judged_by(&root, "some-judge");
    let (page, figures) = build(&root);
    holds(&page, &OF_THE_DESKTOP, &OF_THE_EDITOR);
    assert_eq!(figures["tables"]["planning"]["LAM1"]["judge"], "some-judge");
    assert!(page.contains("<small>decoded freely</small>"));
    let online = &figures["tables"]["online"];
    assert_eq!((&online["LAM4"]["constrained"], &online["expert"]["constrained"]), (&false.into(), &Value::Null));
    let texts =
        [lam_report::tables_text(&root).unwrap(), lam_report::stage_tables_text(&root.join("eval-online")).unwrap()];
    assert!(texts[0].contains("compared by"));
    for text in texts {
        let of = |model: &str, end: &str| text.lines().any(|line| line.starts_with(model) && line.ends_with(end));
        assert!(of("model", "decoded") && of("LAM4", "freely") && of("expert", "–"), "{text}");
    }
}

#[test]
fn pages_in_a_browser_reward_by_themselves() {
    let root = fresh("conditions-web");
    fixture::write_run(&root, 42, 0.0);
    set(&root, "eval-online", "eval.online", json!({"environment": "web"}));
    let said = ["The applications are small pages. ", "Success is decided by the page’s own reward."];
    holds(&build(&root).0, &said, &["The application is embedded. ", "controls it looks for in the wrong place"]);
}
