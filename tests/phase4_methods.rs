//! Rejection fine-tuning, preferences and an anchored PPO over one set of tries, through the binary.

use std::path::Path;

use lam_store::{read_trajectories, write_trajectories};
use lam_types::{Complete, Split, Trajectory};
use serde_json::Value;

use crate::support::{Place, contents, trained};

/// A stage of phase 4 that learns from `tries.parquet`.
pub fn stage(method: &str, inputs: &str, set: &str) -> String {
    let (model, reward) = (trained().stage("lam3"), trained().stage("reward"));
    let inputs = inputs.replace("REWARD", &format!("reward = {reward:?}"));
    format!(
        "name = \"method\"\n[[stage]]\nname = \"lam4\"\nkind = \"phase4.policy\"\n[stage.inputs]\nmodel = {model:?}\n\
         {inputs}\n[stage.set]\nmethod = \"{method}\"\n{set}\n[stage.set.train]\nlearning_rate = 1e-3\nmax_steps = 3\n\
         logging_steps = 1\n"
    )
}

/// The miniature's tries, of which the first of each task is said to have succeeded and the others to have failed: LAM3
/// is too small there to solve much.
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
    let ppo = "max_states = 4\nsamples_per_state = 2\nresponse_length = 24\nbatch_size = 4\nmini_batch_size = 2\n\
               anchor = 0.5";
    let inputs = format!("REWARD\nfailures = \"tries.parquet\"\n{attempts}");
    let ppo = metrics(&place, "ppo", &stage("ppo", &inputs, ppo));
    assert_eq!(ppo["imitated"], rft["imitated"]);
    assert!(ppo["rollouts"].as_u64() > Some(0), "{ppo:#}");
}

/// What was recorded beside the tokens is not read: every method measures LAM3's log-probabilities itself.
#[test]
fn tries_without_log_probabilities_give_the_same_lam4() {
    let place = Place::new("phase4-no-logprobs");
    write_tries(&place, u32::MAX);
    let attempts = "attempts = \"tries.parquet\"";
    let stored = "samples = \"stored\"\nmax_states = 6\nbatch_size = 4\nmini_batch_size = 2";
    let runs = [
        ("rft", stage("rft", attempts, "imitate = \"usual\"")),
        ("dpo", stage("dpo", attempts, "")),
        ("ppo", stage("ppo", "REWARD\nfailures = \"tries.parquet\"", stored)),
    ];
    let weights = |name: &str| std::fs::read(place.path(name).join("method/lam4/model.safetensors")).expect("LAM4");
    for (name, text) in &runs {
        metrics(&place, name, text);
    }
    let file = place.path("tries.parquet");
    let mut tries = read_trajectories(&file).expect("tries");
    let mut recorded = 0;
    for tokens in tries.iter_mut().flat_map(|one| &mut one.steps).filter_map(|step| step.tokens.as_mut()) {
        recorded += std::mem::take(&mut tokens.logprobs).len();
    }
    assert!(recorded > 0, "the miniature records them");
    write_trajectories(&file, &tries).expect("writable");
    for (name, text) in &runs {
        let without = format!("{name}-without");
        metrics(&place, &without, text);
        assert!(weights(name) == weights(&without), "{name}");
    }
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
        let twice = "attempts = [\"tries.parquet\", \"./tries.parquet\"]";
        refuse(3, stage(method, twice, ""), &["holds no task with two tries", method]);
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

/// Whether a file of this name lies below a folder.
fn found(folder: &Path, name: &str) -> bool {
    contents(folder).iter().any(|(path, _)| path.ends_with(name))
}

#[test]
fn a_reward_model_of_other_tokens_is_refused_before_an_answer_is_sampled() {
    let place = Place::new("phase4-other-tokens");
    write_tries(&place, u32::MAX);
    let (reward, lam3) = (trained().stage("reward"), trained().stage("lam3"));
    std::fs::create_dir(place.path("reward")).expect("writable");
    for entry in std::fs::read_dir(&reward).expect("the miniature's reward model").flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), place.path("reward").join(entry.file_name())).expect("writable");
        }
    }
    // Two words change places.
    let file = place.path("reward").join("tokenizer.json");
    let mut tokenizer: Value = serde_json::from_str(&std::fs::read_to_string(&file).expect("text")).expect("JSON");
    let vocabulary = tokenizer["model"]["vocab"].as_object_mut().expect("tokens with their ids");
    let highest = vocabulary.values().filter_map(Value::as_u64).max().expect("tokens");
    for id in vocabulary.values_mut() {
        *id = match id.as_u64() {
            Some(old) if old == highest => (highest - 1).into(),
            Some(old) if old == highest - 1 => highest.into(),
            _ => continue,
        };
    }
    std::fs::write(&file, tokenizer.to_string()).expect("writable");
    let inputs = "reward = \"reward\"\nfailures = \"tries.parquet\"";
    place.write("method.toml", &stage("ppo", inputs, ""));
    let token = format!("token {} is ", highest - 1);
    let words =
        ["reward: the reward model was made with another tokenizer than", &lam3, &token, "hint: ", "`phase4.reward`"];
    place.refuse(&["run", "method.toml", "--runs-dir", "runs"], 3, &words);
    assert!(!found(&place.path("runs"), "rollouts.jsonl"));
}

#[test]
fn an_anchor_without_a_success_to_imitate_is_refused_before_an_answer_is_sampled() {
    let place = Place::new("phase4-anchor");
    write_tries(&place, 1);
    let inputs = "REWARD\nfailures = \"tries.parquet\"\nattempts = \"tries.parquet\"";
    // Of one try a task, failures are none.
    place.write("method.toml", &stage("ppo", inputs, "anchor = 0.5"));
    place.refuse(&["run", "method.toml", "--runs-dir", "runs"], 3, &["tries.parquet: holds no task with two tries"]);
    let held_out = |one: &mut Trajectory| one.task.split = Split::Test;
    let file = place.path("tries.parquet");
    let mut tries = read_trajectories(&file).expect("tries");
    tries.iter_mut().for_each(held_out);
    write_trajectories(&file, &tries).expect("writable");
    for method in ["rft", "dpo"] {
        place.write("method.toml", &stage(method, "attempts = \"tries.parquet\"", ""));
        let words = ["tries.parquet: holds no try of the train split", "hint: only tries at tasks of the training set"];
        place.refuse(&["run", "method.toml", "--runs-dir", "runs"], 3, &words);
    }
    assert!(!found(&place.path("runs"), "rollouts.jsonl"));
}

#[test]
fn preferences_are_learned_where_no_success_is_left_to_imitate() {
    let place = Place::new("phase4-nothing-to-imitate");
    write_tries(&place, u32::MAX);
    let attempts = "attempts = \"tries.parquet\"";
    let told = metrics(&place, "dpo", &stage("dpo", attempts, "max_solved_share = 0.01"));
    assert_eq!(told["imitated"]["tasks_imitated"], 0);
    assert_eq!(told["examples"], told["preferences"]["pairs"]);
    place.write("method.toml", &stage("rft", attempts, "max_solved_share = 0.01"));
    place.refuse(&["run", "method.toml", "--runs-dir", "rft"], 3, &["some tries solved and others did not"]);
}

#[test]
fn the_phase_reads_what_its_method_reads() {
    let place = Place::new("phase4-by-itself");
    write_tries(&place, u32::MAX);
    let model = trained().stage("lam3");
    let data = ["--data", "tries.parquet", "--output-dir", "runs/four"];
    let phase = [&["phase4", "-c", "phase.toml", "--model", &model][..], &data].concat();
    let policy = "[policy]\nmethod = \"rft\"\n[policy.train]\nmax_steps = 1\n";
    place.write("phase.toml", &format!("{policy}[reward.train]\nmax_steps = 1\n"));
    let words = ["phase.toml: `reward` means nothing with `method = \"rft\"`", "hint: leave the table out"];
    place.refuse(&phase, 2, &words);
    place.write("phase.toml", policy);
    place.refuse(&[&phase[..], &["--set", "policy.method=grpo"]].concat(), 2, &["grpo", "`rft`"]);
    place.succeed(&[&phase[..], &["--skip-bad"]].concat());
    assert!(found(&place.path("runs"), "lam4/model.safetensors") && !place.path("runs/four/reward").exists());
}
