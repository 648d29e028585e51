//! A run and a directory sent to a hub through the binary: exports, data, all of it, a second time, and refusals.

use serde_json::Value;

use crate::hub::receiver::{Faults, Receiver, TOKEN};
use crate::support::{Finished, Place, trained};

fn push(place: &Place, hub: &Receiver, args: &[&str]) -> Finished {
    let mut command = place.command(&[&["push"], args].concat());
    command.env("HF_ENDPOINT", &hub.endpoint).env("HF_HOME", place.path("home/hf")).env("HF_TOKEN", TOKEN);
    for name in ["HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN_PATH"] {
        command.env_remove(name);
    }
    let output = command.output().expect("lam-train starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Finished { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

#[track_caller]
fn sent(place: &Place, hub: &Receiver, args: &[&str]) -> Vec<Value> {
    let finished = push(place, hub, &[args, &["--json"]].concat());
    assert_eq!(finished.code, 0, "{args:?}:\n{}", finished.stderr);
    assert!(!format!("{}{}", finished.stdout, finished.stderr).contains(TOKEN), "the token is nobody's business");
    let value: Value = serde_json::from_str(&finished.stdout).expect("one JSON value");
    value["pushed"].as_array().expect("a list").clone()
}

/// A directory that could be a model.
fn directory(place: &Place) {
    std::fs::create_dir_all(place.path("tiny/training/checkpoint-7")).expect("a fresh place");
    place.write("tiny/README.md", "# Tiny\n");
    place.write("tiny/config.json", "{}");
    place.write("tiny/model.safetensors", &"weights ".repeat(5_000));
    place.write("tiny/training/checkpoint-7/model.safetensors", "older");
}

#[test]
fn a_directory_is_sent_as_it_stands_and_a_second_time_nothing_is() {
    let (place, hub) = (Place::new("push"), Receiver::start());
    directory(&place);
    // Without a token, at an address where nobody answers.
    let mut dry = place.command(&["push", "tiny", "acme/tiny", "--dry-run"]);
    dry.env("HF_ENDPOINT", "http://127.0.0.1:1").env("HF_HOME", place.path("home/none"));
    for name in ["HF_TOKEN", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN_PATH"] {
        dry.env_remove(name);
    }
    let dry = dry.output().expect("lam-train starts");
    assert!(dry.status.success(), "{}", String::from_utf8_lossy(&dry.stderr));
    let dry = String::from_utf8(dry.stdout).expect("UTF-8");
    for words in [
        "39.1 KiB  model.safetensors\n",
        "acme/tiny (public, where it has to be made): would get 3 files, 39.1 KiB, less what it has already\n",
        "  http://127.0.0.1:1/acme/tiny; the hub was not asked\n",
        "left out: training/checkpoint-7 (a checkpoint of training",
    ] {
        assert!(dry.contains(words), "no `{words}` in:\n{dry}");
    }

    let first = push(&place, &hub, &["tiny", "acme/tiny", "--private", "--message", "The first"]);
    assert_eq!(first.code, 0, "{}", first.stderr);
    assert!(first.stdout.starts_with("acme/tiny (private, new): 3 sent, 39.1 KiB; 0 were in storage, 0 unchanged\n"));
    assert!(first.stdout.contains("the hub lists all 3 files with their sizes and hashes"), "{}", first.stdout);
    assert!(first.stdout.contains(&format!("  {}/acme/tiny\n", hub.endpoint)), "{}", first.stdout);
    assert!(hub.repository("models/acme/tiny").private);
    hub.change("models/acme/tiny", "notes.txt", b"theirs");
    hub.asked();
    let again = push(&place, &hub, &["tiny", "acme/tiny"]);
    assert!(again.stdout.starts_with("acme/tiny (private): 0 sent, 0 B; 0 were in storage, 3 unchanged\n"));
    assert!(again.stdout.contains("stays there, and is not here: notes.txt"), "{}", again.stdout);
    assert!(hub.asked().iter().all(|line| line.starts_with("GET ")), "it is only looked at");

    let data = sent(&place, &hub, &["tiny", "acme/rows", "--dataset", "--checkpoints"]);
    assert_eq!((data[0]["kind"].as_str(), data[0]["files"].as_array().map(Vec::len)), (Some("dataset"), Some(4)));
    assert_eq!(hub.repository("datasets/acme/rows").commits.len(), 2);
}

#[test]
fn what_cannot_be_sent_is_told_with_a_code_and_a_hint() {
    let (place, hub) = (Place::new("push-refusals"), Receiver::start());
    directory(&place);
    let refuse = |args: &[&str], code: i32, words: &[&str]| {
        let finished = push(&place, &hub, args);
        assert_eq!(finished.code, code, "{args:?}:\n{}", finished.stderr);
        for word in words {
            assert!(finished.stderr.contains(word), "no `{word}` in:\n{}", finished.stderr);
        }
        assert!(!finished.stderr.contains(TOKEN) && finished.stdout.is_empty(), "{}", finished.stdout);
    };
    refuse(&["none", "acme/tiny"], 3, &["cannot read none", "hint: check the path"]);
    refuse(&["tiny", "tiny"], 2, &["`tiny` is no model on the hub", "hint: write OWNER/NAME, with"]);
    refuse(&["tiny", "acme/tiny@v1"], 2, &["the branch `main`"]);
    refuse(&["tiny", "acme/tiny", "--merged"], 3, &["holds no run", "hint: name the directory of a run"]);
    refuse(&["tiny", "acme/tiny", "--merged", "--reward"], 2, &["cannot be used with"]);
    hub.set(Faults { refused: Some(("/commit/", "403 Forbidden", "read-only token")), ..Faults::default() });
    refuse(&["tiny", "acme/tiny"], 3, &["status 403", "read-only token", "hint: the token must be allowed to write"]);
    hub.set(Faults::default());
    place.write("tiny/.env", "HF_TOKEN=x");
    refuse(&["tiny", "acme/tiny"], 3, &[".env: a file of this name holds keys", "hint: move them"]);
    let mut command = place.command(&["push", "tiny", "acme/tiny"]);
    command.env("HF_ENDPOINT", &hub.endpoint).env("HF_HOME", place.path("home/none")).env_remove("HF_TOKEN");
    std::fs::remove_file(place.path("tiny/.env")).expect("it is there");
    let nobody = String::from_utf8(command.output().expect("lam-train starts").stderr).expect("UTF-8");
    assert!(nobody.contains("an upload needs a token") && nobody.contains("/settings/tokens"), "{nobody}");
}

#[test]
fn a_run_is_sent_part_by_part_or_all_at_once() {
    let (place, hub) = (trained(), Receiver::start());
    let run = place.path("runs/miniature");
    let run = run.to_str().expect("UTF-8");
    let unsaid = push(place, &hub, &[run, "acme/lam4"]);
    assert_eq!(unsaid.code, 2, "{}", unsaid.stderr);
    for word in ["say what of the run is sent", "--adapter, --merged, --reward, --gguf, --dataset", "--all sends each"]
    {
        assert!(unsaid.stderr.contains(word), "no `{word}` in:\n{}", unsaid.stderr);
    }
    let licensed = push(place, &hub, &[run, "acme/lam4", "--merged", "--license", "mit"]);
    assert_eq!(licensed.code, 2, "{}", licensed.stderr);
    assert!(licensed.stderr.contains("`--license` is for a run's data set") && licensed.stderr.contains("hint: "));
    let merged = sent(place, &hub, &[run, "acme/lam4", "--merged"]);
    assert_eq!(merged[0]["repository"], "acme/lam4");
    let held = hub.repository("models/acme/lam4").commits.pop().expect("a commit");
    let export = std::path::Path::new(run).join("export/merged");
    for name in ["README.md", "model.safetensors", "config.json", "tokenizer.json", "export.json"] {
        assert!(held.get(name) == std::fs::read(export.join(name)).ok().as_ref(), "{name}");
    }
    let all = sent(place, &hub, &[run, "acme/all", "--all"]);
    let names: Vec<_> = all.iter().map(|pushed| pushed["repository"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["acme/all", "acme/all-merged", "acme/all-reward", "acme/all-GGUF", "acme/all-dataset"]);
    assert!(all[1]["files"].as_array().expect("a list").iter().any(|file| file["how"] == "stored"), "by its hash");
    assert!(hub.repository("models/acme/all").commits[1].contains_key("adapter_config.json"));
    let data = hub.repository("datasets/acme/all-dataset").commits.pop().expect("a commit");
    let card = String::from_utf8(data["README.md"].clone()).expect("UTF-8");
    for name in ["plans/task_plans.parquet", "expert/expert_success.parquet", "eval-online/LAM4.parquet"] {
        assert!(data.contains_key(name) && card.contains(&format!("path: \"{name}\"")), "{name}:\n{card}");
    }
    assert!(!card.contains(run) && card.contains("load_dataset(\"acme/all-dataset\""), "{card}");
    let again = sent(place, &hub, &[run, "acme/all", "--all"]);
    let files = again.iter().flat_map(|pushed| pushed["files"].as_array().expect("a list"));
    assert!(files.into_iter().all(|file| file["how"] == "unchanged"));
}
