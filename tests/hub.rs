//! A model from a hub through the binary: fetched, looked into, taken as base, given to a phase.

#[path = "../crates/lam-hub/tests/hub/receiver.rs"]
pub mod receiver;
#[path = "../crates/lam-hub/tests/hub/server.rs"]
mod server;

use std::path::Path;

use serde_json::Value;
use server::{COMMIT, Faults, Server};

use crate::support::{Finished, Place, trained};

/// Serves the miniature's base model under the name `acme/tiny`.
fn start() -> Server {
    let base = trained().stage("base");
    let names = ["config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"];
    let more = ["special_tokens_map.json", "chat_template.jinja", "model.safetensors", "replay.jsonl"];
    let read = |name: &str| (name.to_owned(), std::fs::read(Path::new(&base).join(name)).expect("the base has it"));
    Server::start(names.into_iter().chain(more).map(read).collect())
}

fn run(place: &Place, endpoint: &str, args: &[&str]) -> Finished {
    let mut command = place.command(args);
    command.env("HF_ENDPOINT", endpoint).env("HF_HOME", place.path("home/hf"));
    for name in ["HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE"] {
        command.env_remove(name);
    }
    let output = command.output().expect("lam-train starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Finished { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

fn json(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|error| panic!("{error}:\n{}{}", finished.stdout, finished.stderr))
}

#[test]
fn a_model_of_the_hub_is_fetched_looked_into_and_trained() {
    let (server, place) = (start(), Place::new("hub"));
    let endpoint = server.endpoint.as_str();
    let outline = json(&run(&place, endpoint, &["model", "inspect", "acme/tiny", "--json"]));
    let local = json(&place.succeed(&["model", "inspect", &trained().stage("base"), "--json"]));
    for fact in ["architecture", "parameters", "dtype", "memory_mib", "tokenizer_entries", "template", "trainable_here"]
    {
        assert_eq!(outline[fact], local[fact], "{fact}");
        assert!(!outline[fact].is_null(), "{fact}");
    }
    assert_eq!((&outline["trainable_here"], &outline["commit"]), (&Value::from("yes"), &Value::from(COMMIT)));
    let whole = |request: &server::Request| request.path.ends_with("model.safetensors") && request.range.is_none();
    assert!(!server.requests().iter().any(whole), "weights are not downloaded to be looked into");

    server.set(Faults { cut_after: 100_000, cuts: 2, ..Faults::default() });
    let fetching = run(&place, endpoint, &["model", "fetch", "acme/tiny", "--json"]);
    assert!(fetching.stderr.contains("\"event\":\"finished\"") && !fetching.stderr.contains("\"event\":\"stopped\""));
    let fetched = json(&fetching);
    let directory = fetched["directory"].as_str().expect("a path").to_owned();
    let read = |directory: &str| std::fs::read(Path::new(directory).join("model.safetensors")).expect("readable");
    assert!(read(&directory) == read(&trained().stage("base")));

    let stage = "[[stage]]\nname = \"base\"\nkind = \"base\"\n[stage.set]\nmodel_name_or_path = \"acme/tiny\"\n";
    place.write("taken.toml", &format!("name = \"taken\"\nseed = 1\n{stage}"));
    let taken = run(&place, endpoint, &["run", "taken.toml", "--runs-dir", "runs"]);
    assert_eq!(taken.code, 0, "{}", taken.stderr);
    let manifest = std::fs::read_to_string(place.path("runs/taken/base/manifest.json")).expect("a manifest");
    assert!(manifest.contains(COMMIT) && manifest.contains("acme/tiny"), "{manifest}");

    place.write("phase1.toml", "[train]\nmax_tokens = 600\nmax_tokens_per_batch = 512\n");
    let plans = trained().stage("plans");
    let phase = ["phase1", "-c", "phase1.toml", "--model", "acme/tiny", "--data", &plans, "--output-dir", "runs/one"];
    let phase = run(&place, endpoint, &phase);
    assert_eq!(phase.code, 0, "{}", phase.stderr);
}

#[test]
fn what_the_hub_does_not_give_is_told_with_a_code_and_a_hint() {
    let (server, place) = (start(), Place::new("hub-refusals"));
    let refuse = |endpoint: &str, args: &[&str], code: i32, words: &[&str]| {
        let finished = run(&place, endpoint, args);
        assert_eq!(finished.code, code, "{args:?}:\n{}", finished.stderr);
        for word in words {
            assert!(finished.stderr.contains(word), "no `{word}` in:\n{}", finished.stderr);
        }
    };
    refuse(&server.endpoint, &["model", "fetch", "acme/none"], 3, &["no such model on the hub", "hint: check owner"]);
    refuse(&server.endpoint, &["model", "fetch", "tiny"], 2, &["`tiny` is no model", "hint: write OWNER/NAME"]);
    refuse("mirror", &["model", "fetch", "acme/tiny"], 2, &["HF_ENDPOINT = mirror", "hint:"]);
    refuse("http://127.0.0.1:1", &["model", "fetch", "acme/tiny"], 1, &["127.0.0.1:1", "hint: check the network"]);
    let base = ["run", "miniature.toml", "--runs-dir", "runs", "--set", "base.model_name_or_path=no model"];
    refuse(&server.endpoint, &base, 2, &["`model_name_or_path` = no model", "hint: name a model directory"]);
}
