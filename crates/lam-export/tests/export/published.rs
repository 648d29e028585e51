//! What others find: bases that are named so that they are found, cards without paths of this machine, licences that are
//! true, plain modes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lam_export::{ExportConfig, ExportInputs, Kind, Sources, evaluations_of, export};
use lam_model::{Decoder, Finetuning, LoraConfig, Precision};
use lam_prompt::Tokenizer;
use lam_store::{InputRef, write_trajectories};
use lam_types::{
    Action, Args, Complete, Observation, Phrasing, PolicyId, Split, State, Status, Step, Task, Tokens, Trajectory,
    Verdict,
};
use serde_json::json;

use crate::models::{adapter, inputs, manifest, model, read, trained};

/// What the base was taken at.
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn base_named(output: &Path) -> String {
    read(&output.join("adapter_config.json"))["base_model_name_or_path"].as_str().unwrap().to_owned()
}

#[test]
fn a_base_that_is_nowhere_else_lies_beside_its_adapter() {
    let root = tempfile::tempdir().unwrap();
    let wide = model(root.path(), "wide", 1);
    // In bf16, and private, as somebody else may have it.
    let base = root.path().join("lam3");
    Decoder::load(&wide, &Finetuning::Frozen, 0).unwrap().save_in(Precision::Bf16, &base).unwrap();
    Tokenizer::load(&wide).unwrap().save(&base).unwrap();
    for file in ["generation_config.json", "tokenizer.json"] {
        fs::set_permissions(base.join(file), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let adapter = adapter(root.path(), &base, true);
    let sources = Sources { adapter: Some(adapter.clone()), base: Some(base.clone()), ..Sources::default() };
    let out = root.path().join("out");
    export(Kind::Adapter, &inputs(&adapter, sources), &out, &ExportConfig::default()).unwrap();
    assert_eq!(base_named(&out), "base");
    let weights = |place: &Path| fs::read(place.join("model.safetensors")).unwrap();
    assert!(weights(&out.join("base")) == weights(&base), "number for number");
    for file in ["config.json", "generation_config.json", "tokenizer.json", "chat_template.jinja"] {
        assert!(out.join("base").join(file).is_file(), "{file}");
    }
    // It is found from wherever the adapter is named.
    assert_eq!(Sources::find(&out).unwrap().base, Some(out.join("base")));
    // Files are plain.
    let plain = root.path().join("plain");
    fs::write(&plain, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for file in [
        "README.md",
        "adapter_model.safetensors",
        "tokenizer.json",
        "base/generation_config.json",
        "base/model.safetensors",
    ] {
        assert_eq!(mode(&out.join(file)), mode(&plain), "{file}");
    }
}

#[test]
fn a_base_on_the_hub_is_named_by_its_id() {
    let root = tempfile::tempdir().unwrap();
    let made = model(root.path(), "made", 1);
    let snapshot = root.path().join("models--acme--tiny/snapshots").join(COMMIT);
    fs::create_dir_all(snapshot.parent().unwrap()).unwrap();
    fs::rename(&made, &snapshot).unwrap();
    fs::write(snapshot.join("README.md"), "---\nlicense: mit\n---\n").unwrap();
    fs::write(snapshot.join("LICENSE"), "Permission is hereby granted\n").unwrap();
    let adapter = adapter(root.path(), &snapshot, true);
    let sources = Sources { adapter: Some(adapter.clone()), base: Some(snapshot), ..Sources::default() };
    let out = root.path().join("out");
    export(Kind::Adapter, &inputs(&adapter, sources.clone()), &out, &ExportConfig::default()).unwrap();
    assert_eq!(base_named(&out), "acme/tiny");
    assert_eq!(read(&out.join("adapter_config.json"))["revision"], COMMIT, "and not what lies there by then");
    assert!(!out.join("base").exists());
    let card = fs::read_to_string(out.join("README.md")).unwrap();
    assert!(card.contains("base_model: \"acme/tiny\"") && card.contains("license: \"mit\""), "{card}");
    tells_the_commit(&card);
    assert_eq!(fs::read_to_string(out.join("LICENSE")).unwrap(), "Permission is hereby granted\n");
    // Another licence has another text.
    let config = ExportConfig { license: "apache-2.0".to_owned(), ..ExportConfig::default() };
    export(Kind::Merged, &inputs(&adapter, sources), &root.path().join("merged"), &config).unwrap();
    let card = fs::read_to_string(root.path().join("merged/README.md")).unwrap();
    assert!(card.contains("license: \"apache-2.0\"") && !root.path().join("merged/LICENSE").exists());
    assert_eq!(read(&root.path().join("merged/config.json"))["_name_or_path"], "acme/tiny");
}

/// A card says at which commit the base is meant, and loads that.
fn tells_the_commit(card: &str) {
    for words in [
        format!("It stands on `acme/tiny` as that lies on the hub at the revision `{COMMIT}`: over it"),
        format!("from_pretrained(\"acme/tiny\", revision=\"{COMMIT}\")"),
        format!("lam-train model fetch acme/tiny@{COMMIT} --output-dir path/to/base"),
    ] {
        assert!(card.contains(&words), "{words}: {card}");
    }
}

#[test]
fn a_base_that_is_named_by_who_exports_may_be_of_a_revision() {
    let root = tempfile::tempdir().unwrap();
    let base = model(root.path(), "made", 1);
    let adapter = adapter(root.path(), &base, true);
    let sources = Sources { adapter: Some(adapter.clone()), base: Some(base), ..Sources::default() };
    for (named, revision) in [("acme/tiny@v1.0", json!("v1.0")), ("acme/tiny", json!(null))] {
        let out = root.path().join(named.replace(['/', '@'], "-"));
        let config = ExportConfig { base_model: named.to_owned(), ..ExportConfig::default() };
        export(Kind::Adapter, &inputs(&adapter, sources.clone()), &out, &config).unwrap();
        assert_eq!(
            (base_named(&out).as_str(), &read(&out.join("adapter_config.json"))["revision"]),
            ("acme/tiny", &revision)
        );
        let card = fs::read_to_string(out.join("README.md")).unwrap();
        assert!(card.contains("base_model: \"acme/tiny\"\n"), "{card}");
        assert_eq!(card.contains("at the revision `v1.0`"), revision == "v1.0", "{card}");
    }
}

/// A run: a base that was taken from the hub, a model that was trained over it, an evaluation that asked that.
fn run(root: &Path) -> (PathBuf, PathBuf) {
    let run = root.join("own-run");
    let base = model(&run, "base", 1);
    let stage = run.join("lam2");
    fs::rename(trained(&run, &base, &Finetuning::Lora(LoraConfig::default())), &stage).unwrap();
    let input = |stage: &str, hash: String| InputRef { stage: Some(stage.into()), path: stage.into(), hash };
    let write = |name: &str, kind: &str, metrics: serde_json::Value, from: Option<(&str, InputRef)>| {
        let place = run.join(name);
        let (files, output_hash) = lam_store::record_files(&place).unwrap();
        let inputs = from.into_iter().map(|(name, input)| (name.to_owned(), vec![input])).collect();
        let config = json!({"model_name_or_path": root.join("secret/model").display().to_string(), "train": {"save_dtype": "auto"},
            "split": "validation", "environment": "sim"});
        let own = lam_store::Manifest {
            files,
            inputs,
            config,
            output_hash: output_hash.clone(),
            ..manifest(name, kind, metrics)
        };
        own.write(&place).unwrap();
        output_hash
    };
    let pretrained = json!({"pretrained": {"model": "acme/tiny", "commit": COMMIT, "license": "mit"}});
    let hash = write("base", "base", pretrained, None);
    let hash = write("lam2", "phase2", json!({}), Some(("model", input("base", hash))));
    let evaluation = run.join("eval-online");
    fs::create_dir_all(&evaluation).unwrap();
    let tables = json!({"online": {"lam2": {"tsr": {"value": 70.0, "ci95": [60.0, 80.0], "n": 100}}}});
    fs::write(evaluation.join("tables.json"), tables.to_string()).unwrap();
    let tokenizer = Tokenizer::load(&base).unwrap();
    write_trajectories(&evaluation.join("LAM2.parquet"), &[trajectory(&tokenizer)]).unwrap();
    write("eval-online", "eval.online", json!({}), Some(("models", input("lam2", hash))));
    (run, stage)
}

/// One step that went well.
fn trajectory(tokenizer: &Tokenizer) -> Trajectory {
    let state = State {
        request: "make it bold".to_owned(),
        observation: Observation::default(),
        previous_actions: vec![],
        previous_plan: vec![],
    };
    let action = Action {
        thought: String::new(),
        control_label: "1".to_owned(),
        control_name: "Bold".to_owned(),
        function: "click_input".to_owned(),
        args: Args::new(),
        status: Status::Finish,
        plan: vec![],
    };
    let tokens = Tokens {
        prompt_ids: tokenizer.encode("make the heading bold"),
        action_ids: tokenizer.encode("insert a table"),
        logprobs: vec![],
        tokenizer_hash: tokenizer.hash().to_owned(),
    };
    Trajectory {
        trajectory_id: "a".to_owned(),
        task: Task {
            task_id: "t".to_owned(),
            family: "bold".to_owned(),
            request: "make it bold".to_owned(),
            environment: "sim".to_owned(),
            application: "word".to_owned(),
            seed: 1,
            phrasing: Phrasing::Seen,
            split: Split::Test,
        },
        environment_version: "1".to_owned(),
        attempt: 0,
        policy: PolicyId { name: "LAM2".to_owned(), hash: "h".to_owned() },
        steps: vec![Step { tokens: Some(tokens), ..Step::new(0, state, action) }],
        verdict: Verdict {
            complete: Complete::Yes,
            reason: "it is".to_owned(),
            judge: "state".to_owned(),
            sub_scores: vec![],
        },
        environment_error: None,
    }
}

#[test]
fn a_card_tells_of_the_run_and_nothing_of_the_machine() {
    let root = tempfile::tempdir().unwrap();
    let (run, stage) = run(root.path());
    let left = run.join("eval-online.taken");
    fs::create_dir(&left).unwrap();
    fs::copy(run.join("eval-online/manifest.json"), left.join("manifest.json")).unwrap();
    let evaluations = evaluations_of(&stage).unwrap();
    assert_eq!(evaluations, [run.join("eval-online")]);
    let sources = Sources::find(&stage).unwrap();
    assert_eq!(sources.base, Some(run.join("base")));
    for kind in [Kind::Adapter, Kind::Merged, Kind::Gguf] {
        let out = root.path().join(kind.as_str());
        let inputs = ExportInputs { stage: &stage, sources: sources.clone(), evaluations: &evaluations };
        export(kind, &inputs, &out, &ExportConfig::default()).unwrap();
        let card = fs::read_to_string(out.join("README.md")).unwrap();
        for words in [
            "license: \"mit\"",
            "base_model: \"acme/tiny\"",
            "| tsr | 70.00 | 60.00 to 80.00 |",
            "**online, validation tasks of sim**",
        ] {
            assert!(card.contains(words), "{words}: {card}");
        }
        assert!(
            card.contains("```text\nmake the heading bold\n```\n\nIt answered:\n\n```text\ninsert a table\n```"),
            "{card}"
        );
        for file in fs::read_dir(&out).unwrap() {
            let path = file.unwrap().path();
            let bytes = if path.is_file() { fs::read(&path).unwrap() } else { continue };
            let machine = root.path().to_str().unwrap().as_bytes();
            assert!(!bytes.windows(machine.len()).any(|window| window == machine), "{}", path.display());
        }
    }
    // What the base stage took unchanged is what lies on the hub.
    let out = root.path().join("adapter");
    assert_eq!(base_named(&out), "acme/tiny");
    assert_eq!(read(&out.join("adapter_config.json"))["revision"], COMMIT);
    tells_the_commit(&fs::read_to_string(out.join("README.md")).unwrap());
}
