//! What is published of a run that is a folder of this test: exports by kind, data with its card, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use lam_hub::Source;
use lam_publish::{Card, Parcel, Part, PublishError, Run};
use lam_signal::{Fault, FaultKind};
use lam_store::{InputRef, MANIFEST_VERSION, Manifest, record_files};
use lam_types::{Complete, Phrasing, PlanSource, PolicyId, Split, Task, TaskPlan, Trajectory, Verdict};
use serde_json::{Value, json};
use tempfile::TempDir;

const CARD: Card<'static> = Card { repository: "acme/tiny", license: None };

fn task(split: Split) -> Task {
    Task {
        task_id: format!("sim-bold-{}", split.as_str()),
        family: "bold".into(),
        request: "make it bold".into(),
        environment: "sim".into(),
        application: "word".into(),
        seed: 1,
        phrasing: Phrasing::Seen,
        split,
    }
}

fn trajectory(split: Split, complete: Complete) -> Trajectory {
    Trajectory {
        trajectory_id: format!("{}-{}", split.as_str(), complete.as_str()),
        task: task(split),
        environment_version: "1".into(),
        attempt: 0,
        policy: PolicyId { name: "expert".into(), hash: String::new() },
        steps: Vec::new(),
        verdict: Verdict { complete, reason: String::new(), judge: "state".into(), sub_scores: Vec::new() },
        environment_error: None,
    }
}

fn plan(split: Split) -> TaskPlan {
    TaskPlan {
        task_id: split.as_str().into(),
        application: "word".into(),
        source: PlanSource::Documentation,
        task: "make it bold".into(),
        plan: vec!["click Bold".into()],
        parent_id: None,
        document: "help/bold".into(),
        document_hash: String::new(),
        producer: "rule:help-1".into(),
        family: "bold".into(),
        split,
    }
}

/// Writes the manifest of the stage whose files lie in the run already.
fn finish(run: &Path, stage: &str, kind: &str, config: Value, inputs: &[&str]) {
    let place = run.join(stage);
    let (files, output_hash) = record_files(&place).unwrap();
    let input = |from: &&str| InputRef {
        stage: Some(from.split('/').next().unwrap().to_owned()),
        path: format!("runs/tiny/{from}"),
        hash: lam_store::hash_path(&run.join(from)).unwrap(),
    };
    let manifest = Manifest {
        format_version: MANIFEST_VERSION,
        producer: "lam-train 0.1.0".into(),
        pipeline: "tiny".into(),
        stage: stage.into(),
        kind: kind.into(),
        seed: 42,
        code: BTreeMap::new(),
        config,
        config_hash: String::new(),
        inputs: BTreeMap::from([("data".to_owned(), inputs.iter().map(input).collect())]),
        fingerprint: String::new(),
        output_hash,
        files,
        metrics: Value::Null,
        started_at: inputs.len() as u64,
        duration_s: 1.0,
        arithmetic: String::new(),
        reused_from: None,
    };
    manifest.write(&place).unwrap();
}

fn write(run: &Path, name: &str, text: &str) -> PathBuf {
    let path = run.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

/// A run with data of three stages, an adapter and a merged model.
fn run() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path();
    for stage in ["plans", "expert", "online", "lam4", "export"] {
        fs::create_dir_all(run.join(stage)).unwrap();
    }
    lam_store::write_task_plans(&run.join("plans/task_plans.parquet"), &[plan(Split::Train), plan(Split::Test)])
        .unwrap();
    finish(run, "plans", "plans", json!({ "plans": { "sources": [] } }), &[]);
    let rows = [trajectory(Split::Train, Complete::Yes), trajectory(Split::Train, Complete::No)];
    lam_store::write_trajectories(&run.join("expert/expert_success.parquet"), &rows).unwrap();
    lam_store::write_trajectories(&run.join("expert/expert_failure.parquet"), &[]).unwrap();
    lam_store::write_tasks(&run.join("expert/expert_failure_tasks.parquet"), &[task(Split::Train)]).unwrap();
    let home = format!("{}/secret/folder/words.txt", run.display());
    finish(run, "expert", "trajectories", json!({ "words": home, "url": "http://10.0.0.7/v1" }), &[]);
    write(run, "lam4/config.json", "{}");
    finish(run, "lam4", "phase4.policy", Value::Null, &["expert/expert_success.parquet"]);
    let rows = [trajectory(Split::Test, Complete::Yes)];
    lam_store::write_trajectories(&run.join("online/LAM4 (tiny, lam4).parquet"), &rows).unwrap();
    lam_store::write_trajectories(&run.join("online/LAM4 tiny lam4.parquet"), &rows).unwrap();
    finish(run, "online", "eval.online", Value::Null, &["lam4"]);
    for kind in ["adapter", "merged"] {
        write(run, &format!("export/{kind}/export.json"), &format!("{{\"kind\": \"{kind}\"}}"));
        write(run, &format!("export/{kind}/README.md"), "# Tiny");
    }
    write(run, "export/adapter/base/config.json", "{}");
    finish(run, "export", "export", Value::Null, &["lam4", "online"]);
    folder
}

fn names(parcel: &Parcel) -> Vec<&str> {
    parcel.files.iter().map(|file| file.name.as_str()).collect()
}

fn card_of(parcel: &Parcel) -> String {
    let Source::Bytes(bytes) = &parcel.files[0].source else { panic!("the card is made") };
    assert_eq!(parcel.files[0].name, "README.md");
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_run_has_exports_by_kind_and_its_data() {
    let folder = run();
    assert!(Run::is_here(folder.path()).unwrap() && !Run::is_here(&folder.path().join("export")).unwrap());
    let run = Run::open(folder.path()).unwrap();
    assert_eq!(run.parts().unwrap(), [Part::Adapter, Part::Merged, Part::Dataset]);
    let adapter = run.parcel(Part::Adapter, &CARD).unwrap();
    assert_eq!(names(&adapter), ["README.md", "base/config.json", "export.json"]);
    let error = run.parcel(Part::Reward, &CARD).unwrap_err();
    assert!(error.to_string().contains("has no export `reward`") && error.kind() == FaultKind::Data, "{error}");
    let data = run.parcel(Part::Dataset, &CARD).unwrap();
    assert_eq!(
        names(&data),
        [
            "README.md",
            "expert/expert_failure_tasks.parquet",
            "expert/expert_success.parquet",
            "plans/task_plans.parquet",
            "online/LAM4-tiny-lam4.parquet",
            "online/LAM4-tiny-lam4-2.parquet",
        ]
    );
    assert_eq!(data.left_out.len(), 1);
    assert!(data.left_out[0].name == "expert/expert_failure.parquet" && data.left_out[0].reason == "without a row");
}

#[test]
fn repetitions_over_seeds_are_runs_each() {
    let (root, seed) = (tempfile::tempdir().unwrap(), run());
    assert!(!Run::is_over_seeds(root.path()).unwrap() && !Run::is_over_seeds(seed.path()).unwrap());
    fs::rename(seed.path(), root.path().join("seed-7")).unwrap();
    assert!(Run::is_over_seeds(root.path()).unwrap() && !Run::is_here(root.path()).unwrap());
    let error = Run::open(root.path()).unwrap_err().to_string();
    assert!(error.contains("it repeats a run over seeds: name one, such as ") && error.contains("seed-7"), "{error}");

    // Beside them, a stage that ran once makes a run of its own.
    let rows = [trajectory(Split::Test, Complete::Yes)];
    fs::create_dir(root.path().join("online")).unwrap();
    lam_store::write_trajectories(&root.path().join("online/LAM4.parquet"), &rows).unwrap();
    finish(root.path(), "online", "eval.online", Value::Null, &[]);
    assert!(!Run::is_over_seeds(root.path()).unwrap());
    let parcel = Run::open(root.path()).unwrap().parcel(Part::Dataset, &CARD).unwrap();
    assert!(parcel.left_out.iter().any(|left| left.name == "seed-7" && left.reason.contains("repetition")));
}

#[test]
fn an_export_in_gguf_is_a_part_and_one_of_another_kind_is_told() {
    let folder = run();
    write(folder.path(), "export/gguf/export.json", "{\"kind\": \"gguf\"}");
    write(folder.path(), "export/gguf/model-q8_0.gguf", "weights");
    write(folder.path(), "export/other/export.json", "{\"kind\": \"other\"}");
    finish(folder.path(), "export", "export", Value::Null, &["lam4"]);
    let run = Run::open(folder.path()).unwrap();
    assert_eq!(run.parts().unwrap(), [Part::Adapter, Part::Merged, Part::Gguf, Part::Dataset]);
    let parcel = run.parcel(Part::Gguf, &CARD).unwrap();
    assert_eq!(names(&parcel), ["export.json", "model-q8_0.gguf"]);
    for part in [Part::Gguf, Part::Dataset] {
        let left = run.parcel(part, &CARD).unwrap().left_out;
        assert!(
            left.iter().any(|left| left.name == "export/other" && left.reason.contains("another kind")),
            "{left:?}"
        );
    }
}

#[test]
fn the_card_loads_every_table_and_tells_no_place() {
    let folder = run();
    let card = card_of(&Run::open(folder.path()).unwrap().parcel(Part::Dataset, &CARD).unwrap());
    let (front, body) = card.strip_prefix("---\n").unwrap().split_once("---\n").unwrap();
    for (name, split, path) in [
        ("expert-expert_success", "train", "expert/expert_success.parquet"),
        ("plans-task_plans", "mixed", "plans/task_plans.parquet"),
        ("online-LAM4-tiny-lam4-2", "test", "online/LAM4-tiny-lam4-2.parquet"),
    ] {
        let entry = format!("- config_name: \"{name}\"\n  data_files:\n  - split: {split}\n    path: \"{path}\"\n");
        assert!(front.contains(&entry), "no {entry} in {front}");
    }
    assert!(front.contains("license: apache-2.0\n") && front.contains("size_categories: [\"n<1K\"]"), "{front}");
    assert!(
        body.contains("load_dataset(\"acme/tiny\", \"expert-expert_failure_tasks\"")
            || body.contains("\"expert-expert_success\", split=\"train\")")
    );
    assert!(
        body.contains("| `expert-expert_success` | train | 2 | steps of 2 trajectories, 1 successful | `expert` |")
    );
    assert!(body.contains("<code>expert</code> (trajectories), seed 42") && body.contains("\"words\": \"words.txt\""));
    assert!(body.contains("`rule:help-1`") || body.contains("`documentation (rule:help-1)` 2"), "{body}");
    for place in [folder.path().to_str().unwrap(), "secret", "10.0.0.7", "runs/tiny"] {
        assert!(!card.contains(place), "{place} in {card}");
    }
}

#[test]
fn documents_of_others_need_a_licence() {
    let folder = run();
    finish(folder.path(), "plans", "plans", json!({ "plans": { "sources": [{ "kind": "wikihow" }] } }), &[]);
    let run = Run::open(folder.path()).unwrap();
    let parcel = |license| run.parcel(Part::Dataset, &Card { license, ..CARD });
    let error = parcel(None).unwrap_err().to_string();
    assert!(error.contains("(wikihow)") && error.contains("hint: say it with --license"), "{error}");
    assert!(card_of(&parcel(Some("cc-by-nc-sa-3.0")).unwrap()).contains("\nlicense: cc-by-nc-sa-3.0\n"));
    let error = parcel(Some("mine\nx: 1")).unwrap_err();
    assert!(matches!(error, PublishError::NoLicense { .. }), "{error}");
}

#[test]
fn answers_of_an_endpoint_need_a_licence_and_may_differ_next_time() {
    let folder = run();
    let parcel = |license| Run::open(folder.path()).unwrap().parcel(Part::Dataset, &Card { license, ..CARD });
    assert!(card_of(&parcel(None).unwrap()).contains("seed and inputs give the same rows again.\n"));
    let teacher = json!({ "remote": { "base_url": "http://10.0.0.7/v1", "model": "gpt-4o" } });
    finish(folder.path(), "expert", "trajectories", json!({ "trajectories": { "teacher": teacher } }), &[]);
    let error = parcel(None).unwrap_err().to_string();
    assert!(error.contains("(answers of gpt-4o)") && error.contains("hint: say it with --license"), "{error}");
    let card = card_of(&parcel(Some("other")).unwrap());
    assert!(
        card.contains("again, as far as the endpoints that were asked answer alike.") && !card.contains("10.0.0.7")
    );
}

#[test]
fn what_has_changed_or_was_made_from_what_has_is_not_published() {
    let folder = run();
    let refused = |words: &[&str]| {
        let error = Run::open(folder.path()).unwrap().parcel(Part::Merged, &CARD).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "no `{word}` in: {error}");
        }
    };
    let rows = [trajectory(Split::Train, Complete::Yes)];
    lam_store::write_trajectories(&folder.path().join("expert/expert_success.parquet"), &rows).unwrap();
    finish(folder.path(), "expert", "trajectories", Value::Null, &[]);
    refused(&["export: it was made from `expert`, which is another now", "hint: run the pipeline again"]);
    let data = Run::open(folder.path()).unwrap().parcel(Part::Dataset, &CARD).unwrap();
    let left: Vec<&str> = data.left_out.iter().map(|left| left.reason).collect();
    assert_eq!(left.iter().filter(|reason| reason.contains("to run again")).count(), 2, "{left:?}");

    let folder = run();
    write(folder.path(), "export/merged/README.md", "# Another");
    let error = Run::open(folder.path()).unwrap().parcel(Part::Merged, &CARD).unwrap_err().to_string();
    assert!(error.contains("merged/README.md was changed after it was made"), "{error}");
}

#[test]
fn what_is_no_run_or_has_two_of_a_kind_is_told() {
    let empty = tempfile::tempdir().unwrap();
    let error = Run::open(empty.path()).unwrap_err().to_string();
    assert!(error.contains("holds no run") && error.contains("hint: name the directory of a run"), "{error}");
    fs::create_dir(empty.path().join("seed-1")).unwrap();
    let error = Run::open(empty.path()).unwrap_err().to_string();
    assert!(error.contains("repeats a run over seeds") && error.contains("seed-1"), "{error}");
    let folder = run();
    write(folder.path(), "export-2/merged/export.json", "{\"kind\": \"merged\"}");
    finish(folder.path(), "export-2", "export", Value::Null, &["lam4"]);
    let error = Run::open(folder.path()).unwrap().parcel(Part::Merged, &CARD).unwrap_err();
    assert!(matches!(error, PublishError::Several { .. }), "{error}");
    assert!(error.to_string().contains("export-2/merged") && error.kind() == FaultKind::Config, "{error}");
}
