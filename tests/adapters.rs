//! Weights and adapters through the binary: one that is damaged, of another kind or over another base is refused by
//! every command that opens a model; an adapter is acted with, trained further, merged and exported.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Place, trained};

/// A phase on a few tokens.
const PHASE: &str = "[train]\nmax_tokens = 600\nmax_tokens_per_batch = 512\n";

fn data() -> String {
    format!("{}/expert_success.parquet", trained().stage("expert"))
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("readable")).expect("JSON")
}

/// The model of a stage, copied to `name` in a place.
fn copied(place: &Place, stage: &str, name: &str) {
    std::fs::create_dir(place.path(name)).expect("writable");
    for entry in std::fs::read_dir(trained().stage(stage)).expect("readable") {
        let from = entry.expect("readable").path();
        if from.is_file() && !from.ends_with("manifest.json") {
            std::fs::copy(&from, place.path(name).join(from.file_name().expect("a name"))).expect("writable");
        }
    }
}

/// Every command that opens a model refuses this one, with these words.
#[track_caller]
fn refused_everywhere(place: &Place, model: &[&str], words: &[&str]) {
    place.write("phase2.toml", PHASE);
    let data = data();
    let commands: [&[&str]; 4] = [
        &["act"],
        &["phase2", "-c", "phase2.toml", "--data", &data, "--output-dir", "runs/two"],
        &["export", "merged", "--output-dir", "out"],
        &["eval", "online", "--set", "seen=1", "--set", "unseen=1", "--output-dir", "runs/online"],
    ];
    for command in commands {
        place.refuse(&[command, &["--model"], model].concat(), 3, words);
    }
    if let [model] = model {
        place.refuse(&["data", "preview", &data, "--model", model], 3, words);
    }
    assert!(!place.path("out").exists());
}

#[test]
fn damaged_weights_are_refused_by_every_command() {
    let place = Place::new("damaged-weights");
    copied(&place, "base", "model");
    let weights = place.path("model/model.safetensors");
    let whole = std::fs::read(&weights).expect("readable");
    let cases: [(&str, Vec<u8>); 4] = [
        ("4 bytes after its last tensor", [&whole[..], b"more"].concat()),
        ("its last tensor ends at byte", whole[..whole.len() - 4].to_vec()),
        ("0 bytes are too few for a header", Vec::new()),
        ("a header of 18446744073709551615 bytes", [&[0xff; 8], &whole[8..]].concat()),
    ];
    for (words, bytes) in cases {
        std::fs::write(&weights, bytes).expect("writable");
        refused_everywhere(&place, &["model"], &["model.safetensors: ", words, "hint: "]);
        place.refuse(&["model", "inspect", "model"], 3, &["model.safetensors: ", words]);
    }
}

#[test]
fn a_shard_outside_the_model_is_refused_by_every_command() {
    let place = Place::new("shard-outside");
    copied(&place, "base", "model");
    std::fs::create_dir(place.path("outside")).expect("writable");
    std::fs::rename(place.path("model/model.safetensors"), place.path("outside/w.safetensors")).expect("moved");
    let outside = place.path("outside/w.safetensors").display().to_string();
    for shard in ["../outside/w.safetensors", &outside] {
        let index = json!({"metadata": {}, "weight_map": {"model.norm.weight": shard}});
        place.write("model/model.safetensors.index.json", &index.to_string());
        let words = ["model.safetensors.index.json: tensor `model.norm.weight`", shard, "no file of this directory"];
        refused_everywhere(&place, &["model"], &words);
        place.refuse(&["model", "inspect", "model"], 3, &words);
    }
    #[cfg(unix)]
    {
        let link = place.path("model/model.safetensors");
        std::os::unix::fs::symlink("../outside/w.safetensors", link).expect("linked");
        let words = ["model/model.safetensors: is a link out of the model's directory"];
        refused_everywhere(&place, &["model"], &words);
        place.refuse(&["model", "inspect", "model"], 3, &words);
    }
}

#[test]
fn a_reward_model_does_not_act() {
    let place = Place::new("reward-as-policy");
    let reward = trained().stage("reward");
    refused_everywhere(&place, &[&reward], &["config.json: this is a reward model, not a policy", "hint: "]);
    let facts = place.succeed(&["model", "inspect", &reward]).stdout;
    assert!(facts.contains("reward model"), "{facts}");
    let export = ["export", "reward", "--model", &trained().stage("lam3"), "--output-dir", "out"];
    place.refuse(&export, 3, &["no reward model"]);
}

#[test]
fn weights_of_another_architecture_are_refused_by_the_tensors_name() {
    let place = Place::new("tied-by-config");
    copied(&place, "base", "model");
    let config = place.path("model/config.json");
    let mut changed = read(&config);
    let layers = changed["num_hidden_layers"].as_u64().expect("a number");
    changed["num_hidden_layers"] = json!(layers - 1);
    place.write("model/config.json", &changed.to_string());
    let words =
        [&*format!("such as `model.layers.{}.", layers - 1), "that the model of its config.json has not", "hint: "];
    refused_everywhere(&place, &["model"], &words);
    place.refuse(&["model", "inspect", "model"], 3, &words);
}

/// What a model does at one task.
fn steps(place: &Place, model: &[&str]) -> Vec<Value> {
    let finished = place.succeed(&[&["act", "--json"], model].concat());
    let trajectory: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let steps = trajectory["steps"].as_array().expect("steps").iter();
    steps.map(|step| step["action"].clone()).collect()
}

#[test]
fn an_adapter_over_its_base_is_the_model_that_was_trained() {
    let place = Place::new("adapter-over-base");
    let (lam1, lam2) = (trained().stage("lam1"), trained().stage("lam2"));
    let adapter = format!("{lam2}/adapter");
    let over = ["--model", &*lam1, "--adapter", &*adapter];
    let acted = steps(&place, &over);
    assert!(!acted.is_empty());
    assert_eq!(acted, steps(&place, &["--model", &lam2]));
    let facts = place.succeed(&["model", "inspect", &lam1, "--adapter", &adapter]).stdout;
    assert!(facts.contains("adapter_rank") && facts.contains("adapter_trainable     yes"), "{facts}");
    place.succeed(&[&["export", "merged", "--output-dir", "merged"], &over[..]].concat());
    assert_eq!(steps(&place, &["--model", "merged"]), acted);
    place.succeed(&[&["export", "adapter", "--output-dir", "adapter"], &over[..]].concat());
    assert_eq!(steps(&place, &["--model", &lam1, "--adapter", "adapter"]), acted);
}

#[test]
fn an_adapter_over_another_base_is_refused_by_every_command() {
    let place = Place::new("adapter-over-other");
    let adapter = format!("{}/adapter", trained().stage("lam2"));
    let words = ["was trained over weights", "hint: name the base that the adapter was trained over"];
    let base = trained().stage("base");
    refused_everywhere(&place, &[&base, "--adapter", &adapter], &words);
    place.refuse(&["model", "inspect", &base, "--adapter", &adapter], 3, &words);
}

#[test]
fn a_phase_goes_on_with_an_adapter_or_begins_a_new_one() {
    let place = Place::new("adapter-goes-on");
    place.write("phase2.toml", PHASE);
    let (lam1, data) = (trained().stage("lam1"), data());
    let adapter = format!("{}/adapter", trained().stage("lam2"));
    let phase = |output: &str, set: &str| {
        let arguments = ["phase2", "-c", "phase2.toml", "--model", &*lam1, "--adapter", &*adapter, "--data", &*data];
        place.succeed(&[&arguments[..], &["--output-dir", output, "--set", set]].concat())
    };
    phase("runs/on", "lora.lora_r=16");
    let config = |run: &str| read(&place.path(run).join("lam2/adapter/adapter_config.json"));
    assert_eq!(config("runs/on")["r"], json!(8), "the adapter's own rank stays in force");
    phase("runs/new", "lora.create_new_adapter=true");
    assert_eq!(config("runs/new")["r"], json!(16));
    for run in ["runs/on", "runs/new"] {
        let inputs = &read(&place.path(run).join("lam2/manifest.json"))["inputs"];
        assert_eq!(inputs["adapter"].as_array().map(Vec::len), Some(1), "{inputs}");
    }
    // The adapter that was trained further still stands on the first base.
    let further = place.path("runs/on/lam2/adapter").display().to_string();
    let acted = steps(&place, &["--model", &lam1, "--adapter", &further]);
    assert_eq!(acted, steps(&place, &["--model", "runs/on/lam2"]));
}

#[test]
fn a_pipeline_takes_a_base_with_an_adapter_over_it() {
    let place = Place::new("adapter-in-pipeline");
    let (lam1, lam2) = (trained().stage("lam1"), trained().stage("lam2"));
    let pipeline = format!(
        "name = \"taken\"\n[[stage]]\nname = \"base\"\nkind = \"base\"\n[stage.set]\nmodel_name_or_path = \"{lam1}\"\n\
         adapter_name_or_path = \"{lam2}/adapter\"\n"
    );
    place.write("taken.toml", &pipeline);
    place.succeed(&["run", "taken.toml", "--runs-dir", "runs"]);
    assert_eq!(steps(&place, &["--model", "runs/taken/base"]), steps(&place, &["--model", &lam2]));
    place.write("alone.toml", &pipeline.replace(&format!("model_name_or_path = \"{lam1}\"\n"), ""));
    let words = ["`adapter_name_or_path`", "there is no model under it"];
    place.refuse(&["run", "alone.toml", "--runs-dir", "runs"], 2, &words);
    let two = ["eval", "online", "--model", &lam1, "--model", &lam2, "--adapter", &format!("{lam2}/adapter")];
    place.refuse(&two, 2, &["`adapter` needs exactly one model under it, and 2 are given"]);
}

#[test]
fn random_weights_in_bf16_with_the_tokenizer_of_another_model_are_trained() {
    let place = Place::new("random-weights");
    let shape = include_str!("miniature/model.json").replace("\"vocab_size\": 2048", "\"vocab_size\": 3000");
    place.write("shape.json", &shape.replace("\"model_type\"", "\"torch_dtype\": \"bfloat16\", \"model_type\""));
    let base = trained().stage("base");
    place.succeed(&["model", "init", "shape.json", "--output-dir", "model", "--tokenizer", &base]);
    let facts: Value =
        serde_json::from_str(&place.succeed(&["model", "inspect", "model", "--json"]).stdout).expect("JSON");
    assert!(facts["dtype"]["BF16"].as_u64().is_some_and(|count| facts["parameters"] == count), "{facts}");
    assert_eq!(facts["tokenizer_entries"], 2816);
    place.write("phase2.toml", PHASE);
    place.succeed(&["phase2", "-c", "phase2.toml", "--model", "model", "--data", &data(), "--output-dir", "runs/two"]);
}
