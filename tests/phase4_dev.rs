//! Dev tasks that are played while phase 4 trains, through the binary: what is kept, what is told, kill and resume, refusals.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use crate::phase4_methods::{metrics, stage, write_tries};
use crate::support::{Place, same_bytes, trained};

const ATTEMPTS: &str = "attempts = \"tries.parquet\"";
/// A handful of tasks, played before the first step and after each.
const DEV: &str = "dev = { tasks = 5, every = 1, patience = 0, limits = { max_steps = 2 } }";

/// Where a run of [`metrics`] left LAM4.
fn lam4(place: &Place, name: &str) -> PathBuf {
    place.path(name).join("method/lam4")
}

/// Steps at which the dev tasks were played.
fn played(dev: &Value) -> Vec<u64> {
    let plays = dev["plays"].as_array().unwrap_or_else(|| panic!("{dev:#}"));
    plays.iter().map(|play| play["step"].as_u64().expect("a step")).collect()
}

#[test]
fn every_method_plays_the_dev_tasks_and_keeps_lam3_where_nothing_was_better() {
    let place = Place::new("phase4-dev");
    write_tries(&place, u32::MAX);
    // So small a learning rate changes no answer: every play is as good as the first.
    let still = |text: String| text.replace("learning_rate = 1e-3", "learning_rate = 1e-12");
    let ppo = format!(
        "max_states = 4\nsamples_per_state = 2\nresponse_length = 24\nbatch_size = 4\nmini_batch_size = 2\n{DEV}"
    );
    let inputs = "REWARD\nfailures = \"tries.parquet\"";
    let qlora = format!("finetuning_type = \"qlora\"\nquantization_bit = 8\n{DEV}");
    let runs = [
        ("rft", stage("rft", ATTEMPTS, DEV)),
        ("dpo", stage("dpo", ATTEMPTS, DEV)),
        ("ppo", stage("ppo", inputs, &ppo)),
        ("qlora", stage("rft", ATTEMPTS, &qlora)),
    ];
    let lam3 = std::fs::read(Path::new(&trained().stage("lam3")).join("model.safetensors")).expect("LAM3");
    for (name, text) in runs {
        let told = metrics(&place, name, &still(text));
        let dev = &told["dev"];
        assert_eq!(played(dev), [0, 1, 2, 3], "{name}: {dev:#}");
        assert_eq!((&dev["tasks"], &dev["skipped"]), (&json!(5), &json!(0)), "{name}");
        assert_eq!((&dev["best_step"], &dev["lam3_is_kept"]), (&json!(0), &json!(true)), "{name}: {dev:#}");
        assert_eq!((&dev["gain"], &dev["stopped_early"]), (&json!(0.0), &json!(false)), "{name}: {dev:#}");
        let folder = lam4(&place, name);
        assert!(std::fs::read(folder.join("model.safetensors")).expect("LAM4") == lam3, "{name}: LAM4 is LAM3");
        assert!(folder.join("tokenizer.json").is_file() && !folder.join("adapter").exists(), "{name}");
        let log = std::fs::read_to_string(folder.join("training/metrics.jsonl")).expect("metrics");
        assert_eq!(log.matches("eval_success_rate").count(), 4, "{name}:\n{log}");
        assert!(
            std::fs::read_dir(folder)
                .expect("LAM4")
                .all(|entry| { !entry.expect("an entry").file_name().to_string_lossy().starts_with("dev-") })
        );
    }
}

#[test]
fn patience_ends_training_and_says_so() {
    let place = Place::new("phase4-dev-patience");
    write_tries(&place, u32::MAX);
    let patient = DEV.replace("patience = 0", "patience = 2");
    let text = stage("rft", ATTEMPTS, &patient).replace("learning_rate = 1e-3", "learning_rate = 1e-12");
    place.write("method.toml", &text.replace("max_steps = 3\n", "max_steps = 9\n"));
    let said = place.succeed(&["run", "method.toml", "--runs-dir", "runs"]).stderr;
    assert!(said.contains("stopped early after step 2"), "{said}");
    assert!(said.contains("best at step 0: LAM3 is kept; it solves "), "{said}");
    let manifest = std::fs::read_to_string(lam4(&place, "runs").join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["metrics"]["dev"]["stopped_early"], true);
    assert_eq!(played(&manifest["metrics"]["dev"]), [0, 1, 2]);
}

/// What has to be there when the run is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// The episodes of a play, while it is under way.
    Play(u64),
    /// A checkpoint.
    Checkpoint(u64),
}

#[test]
fn a_run_killed_in_a_play_or_between_plays_ends_with_the_same_bytes() {
    let place = Place::new("phase4-dev-killed");
    write_tries(&place, u32::MAX);
    let dev = "dev = { tasks = 24, every = 2, patience = 0, limits = { max_steps = 3, parallel = 4 } }";
    let text = stage("rft", ATTEMPTS, dev)
        .replace("max_steps = 3\nlogging_steps", "max_steps = 6\nsave_steps = 1\nlogging_steps");
    metrics(&place, "whole", &text);
    for (name, moment) in
        [("zero", Moment::Play(0)), ("one", Moment::Checkpoint(1)), ("two", Moment::Play(2)), ("six", Moment::Play(6))]
    {
        assert!(kill(&place, name, moment), "the run was always done before the kill at {moment:?}");
        let said = place.succeed(&["run", "method.toml", "--runs-dir", name]).stderr;
        assert!(said.contains("goes on where it stopped") || matches!(moment, Moment::Play(0)), "{moment:?}:\n{said}");
        same_bytes(&lam4(&place, "whole"), &lam4(&place, name));
    }
}

#[test]
fn every_method_killed_over_rounded_and_quantised_weights_ends_with_the_same_bytes() {
    let place = Place::new("phase4-killed");
    write_tries(&place, u32::MAX);
    let dev = "dev = { tasks = 24, every = 2, patience = 0, limits = { max_steps = 3, parallel = 4 } }";
    let ppo = format!(
        "max_states = 4\nsamples_per_state = 2\nresponse_length = 24\nbatch_size = 4\nmini_batch_size = 2\n\
         anchor = 0.5\n{dev}"
    );
    let of_ppo = format!("REWARD\nfailures = \"tries.parquet\"\n{ATTEMPTS}");
    let quantised = |set: &str, bits: u8| format!("finetuning_type = \"qlora\"\nquantization_bit = {bits}\n{set}");
    for (name, text) in [
        ("ppo", stage("ppo", &of_ppo, &ppo)),
        ("ppo-qlora", stage("ppo", &of_ppo, &quantised(&ppo, 4))),
        ("rft-qlora", stage("rft", ATTEMPTS, &quantised(dev, 8))),
        ("dpo", stage("dpo", ATTEMPTS, dev)),
        ("dpo-qlora", stage("dpo", ATTEMPTS, &quantised(dev, 4))),
    ] {
        let text =
            text.replace("max_steps = 3\nlogging_steps", "max_steps = 4\nbf16 = true\nsave_steps = 1\nlogging_steps");
        let (whole, killed) = (format!("{name}-whole"), format!("{name}-killed"));
        let told = metrics(&place, &whole, &text);
        assert_eq!(played(&told["dev"]), [0, 2, 4], "{name}");
        assert!(kill(&place, &killed, Moment::Checkpoint(1)), "{name} was always done before the kill");
        let said = place.succeed(&["run", "method.toml", "--runs-dir", &killed]).stderr;
        assert!(said.contains("goes on where it stopped"), "{name}:\n{said}");
        same_bytes(&lam4(&place, &whole), &lam4(&place, &killed));
    }
}

/// Kills a run at this moment; whether it was killed before it was done.
fn kill(place: &Place, name: &str, moment: Moment) -> bool {
    let partial = place.path(name).join("method/lam4.partial");
    let reached = || match moment {
        Moment::Play(step) => {
            std::fs::metadata(partial.join(format!("dev-{step}.jsonl"))).is_ok_and(|file| file.len() > 0)
        }
        Moment::Checkpoint(step) => partial.join(format!("training/checkpoint-{step}")).exists(),
    };
    for _ in 0..5 {
        let mut command = place.command(&["run", "method.toml", "--runs-dir", name]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("lam-train starts");
        while !reached() && child.try_wait().expect("a child can be asked").is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().expect("a child can be killed");
        child.wait().expect("a child ends");
        if !lam4(place, name).exists() {
            return true;
        }
        std::fs::remove_dir_all(place.path(name)).expect("a run can be removed");
    }
    false
}

#[test]
fn settings_of_dev_tasks_that_make_no_sense_are_refused() {
    let place = Place::new("phase4-dev-refused");
    write_tries(&place, u32::MAX);
    for (set, words) in [
        ("dev = { tasks = 4, every = 0 }", &["method.toml", "`dev.every`", "0", "must be"][..]),
        ("dev = { tasks = 4, limits = { max_stps = 3 } }", &["method.toml", "max_stps", "did you mean `max_steps`"]),
        ("dev = { tasks = 4, split = \"test\" }", &["method.toml", "split"]),
        ("dev = { every = 20 }", &["`dev.every` = 20: means nothing where no dev task is played", "set `dev.tasks`"]),
        ("dev = { tasks = -1 }", &["dev.tasks"]),
        ("environment = \"word\"\ndev = { tasks = 4 }", &["`environment` = word", "there is no such environment"]),
    ] {
        place.write("method.toml", &stage("rft", ATTEMPTS, set));
        place.refuse(&["run", "method.toml", "--runs-dir", "runs"], 2, words);
    }
    let text = format!("{}eval_on_start = true\n", stage("rft", ATTEMPTS, DEV));
    place.write("method.toml", &text);
    let words = ["`train.eval_on_start` = true: means nothing in phase 4", "hint: phase 4 evaluates by playing"];
    place.refuse(&["run", "method.toml", "--runs-dir", "runs"], 2, &words);
}
