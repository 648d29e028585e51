//! Rejection fine-tuning, preferences and an anchored PPO over one set of tries, through the binary.

use std::path::Path;

use lam_store::{read_trajectories, write_trajectories};
use lam_types::{Complete, Split, Trajectory};
use serde_json::Value;

use crate::support::{Place, trained};

/// A stage of phase 4 that learns from `tries.parquet`.
pub fn stage(method: &str, inputs: &str, set: &str) -> String {
    let (model, reward) = (trained().stage("lam3"), trained().stage("reward"));
    let inputs = inputs.replace("REWARD", &format!("reward = {reward:?}"));
    format!(
        "name = \"method\"\n[[stage]]\nname = \"lam4\"\nkind = \"phase4.policy\"\n[stage.inputs]\nmodel = {model:?}\n{inputs}\n\
         [stage.set]\nmethod = \"{method}\"\n{set}\n[stage.set.train]\nlearning_rate = 1e-3\nmax_steps = 3\nlogging_steps = 1\n"
    )
}

/// The miniature's tries, of which the first of each task is said to have succeeded and the others to have failed: LAM3 is
/// too small there to solve much.
pub fn write_tries(place: &Place, most: u32) {
    let file = format!("{}/attempts.parquet", trained().stage("explore"));
    let mut tries = read_trajectories(Path::new(&file)).expect("the miniature's tries");
    tries.retain(|one| one.environment_error.is_none() && one.task.split == Split::Train && one.attempt < most);
    let says = |one: &Trajectory| if one.attempt == 0 { Complete::Yes } else { Complete::No };
    tries.iter_mut().for_each(|one| one.verdict.complete = says(one));
    write_trajectories(&place.path("tries.parquet"), &tries).expect("writable");
}

/// Runs a pipeline of one stage; returns what its manifest tells.
pub fn metrics(place: &Place, name: &str, text: &str) -> Value {
    place.write("method.toml", text);
    place.succeed(&["run", "method.toml", "--runs-dir", name]);
    let file = place.path(name).join("method/lam4/manifest.json");
    let manifest: Value = serde_json::from_str(&std::fs::read_to_string(file).expect("a manifest")).expect("JSON");
    assert!(place.path(name).join("method/lam4/model.safetensors").is_file());
    manifest["metrics"].clone()
}

#[test]
fn each_method_learns_from_the_same_tries() {
    let place = Place::new("phase4-methods");
    write_tries(&place, u32::MAX);
    let attempts = "attempts = \"tries.parquet\"";
    let rft = metrics(&place, "rft", &stage("rft", attempts, ""));
    let imitated = &rft["imitated"];
    assert!(imitated["tasks_imitated"].as_u64() > Some(0) && rft["global_step"] == 3, "{rft:#}");
    assert_eq!(imitated["successes"], imitated["tasks_imitated"], "one success a task");
    let dpo = metrics(&place, "dpo", &stage("dpo", attempts, ""));
    assert!(dpo["preferences"]["pairs"].as_u64() > Some(0) && dpo["margin"].is_number(), "{dpo:#}");
    assert_eq!(dpo["imitated"], rft["imitated"], "the anchor is what rejection fine-tuning learns");
    let alone = metrics(&place, "alone", &stage("dpo", attempts, "anchor = 0.0"));
    assert_eq!((&alone["imitated"], &alone["examples"]), (&Value::Null, &alone["preferences"]["pairs"]));
    let ppo = "max_states = 4\nsamples_per_state = 2\nresponse_length = 24\nbatch_size = 4\nmini_batch_size = 2\nanchor = 0.5";
    let inputs = format!("REWARD\nfailures = \"tries.parquet\"\n{attempts}");
    let ppo = metrics(&place, "ppo", &stage("ppo", &inputs, ppo));
    assert_eq!(ppo["imitated"], rft["imitated"]);
    assert!(ppo["rollouts"].as_u64() > Some(0), "{ppo:#}");
}

#[test]
fn what_a_method_cannot_use_is_refused_with_what_makes_it() {
    let place = Place::new("phase4-refused");
    write_tries(&place, 1);
    let refuse = |code, text: String, words: &[&str]| {
        place.write("method.toml", &text);
        place.refuse(&["run", "method.toml", "--runs-dir", "runs"], code, words);
    };
    let attempts = "attempts = \"tries.parquet\"";
    for method in ["rft", "dpo"] {
        let words =
            ["tries.parquet: holds no task with two tries", method, "hint: a stage `phase3.explore` with `attempts`"];
        refuse(3, stage(method, attempts, ""), &words);
        refuse(2, stage(method, "", ""), &["needs the input `attempts`", "phase3.explore"]);
        refuse(2, stage(method, attempts, "cliprange = 0.3"), &["cliprange", "method.toml", "it belongs to `ppo`"]);
        refuse(2, stage(method, &format!("REWARD\n{attempts}"), ""), &["does not read `reward`", "PPO's alone"]);
    }
    refuse(2, stage("ppo", "failures = \"tries.parquet\"", ""), &["needs the input `reward`", "`phase4.reward`"]);
    refuse(2, stage("dpo", attempts, "min_gap = 0.0"), &["min_gap", "must be "]);
    refuse(2, stage("grpo", attempts, ""), &["grpo", "ppo", "rft", "dpo"]);
    // One try a task, and another source's successes beside it.
    let given = format!("{attempts}\nsuccesses = \"tries.parquet\"");
    place.write("method.toml", &stage("rft", &given, ""));
    let failed = place.run(&["run", "method.toml", "--runs-dir", "given"]);
    assert!(failed.code == 3 && failed.stderr.contains("some tries solved and others did not"), "{}", failed.stderr);
}
