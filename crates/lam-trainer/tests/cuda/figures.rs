//! Figures that are read after the next step was asked for: the same, at the same steps, and before anything is saved.

use std::path::Path;
use std::process::Command;

use lam_signal::Cancel;
use lam_store::hash_path;
use lam_trainer::{Identity, ShuffledLoader, TrainRun, TrainerError, TrainingArguments, train};

use crate::tiny::{Heard, Watched, arguments, module, run, run_all, samples};

/// What tells the emulation which launch is to break down.
const FAIL: &str = "EMULATED_FAIL";
/// What tells it how much memory it has, in bytes.
const MEMORY: &str = "EMULATED_MEMORY";

pub fn what_is_told_late_is_what_was_told_at_once() {
    let of = |wants_feedback: bool, save_steps: u64| {
        let root = tempfile::tempdir().unwrap();
        let arguments = TrainingArguments { save_steps, ..arguments(6) };
        let mut loader = Watched { wants_feedback, ..Watched::new(&arguments) };
        let outcome = run(root.path(), &arguments, (0.1, &[]), (&mut loader, &Cancel::default())).1.unwrap();
        let metrics = std::fs::read_to_string(root.path().join("metrics.jsonl")).unwrap();
        assert_eq!(outcome.log_history.len(), 6);
        (metrics, hash_path(&root.path().join("last/adapter_model.safetensors")).unwrap())
    };
    let late = of(false, 0);
    assert_eq!(late, of(true, 0), "each batch waited for");
    assert_eq!(late, of(false, 1), "each step waited for");
}

/// Records of several steps are those of the steps since the last one; an evaluation stands behind its step's record.
pub fn records_stand_at_their_steps() {
    let single = run_all(tempfile::tempdir().unwrap().path(), &arguments(7), &[]).log_history;
    let root = tempfile::tempdir().unwrap();
    let settings = TrainingArguments { logging_steps: 2, eval_steps: 3, save_steps: 5, ..arguments(7) };
    let history = run_all(root.path(), &settings, &samples()[..3]).log_history;
    let rows: Vec<_> =
        history.iter().map(|record| (record.global_step, record.values.contains_key("eval_loss"))).collect();
    let evaluated = true;
    assert_eq!(rows, [(2, false), (3, evaluated), (4, false), (6, false), (6, evaluated), (7, false), (7, evaluated)]);
    for record in history.iter().filter(|record| record.values.contains_key("loss")) {
        let alone = &single[record.global_step as usize - 1];
        assert_eq!((record.num_tokens, record.epoch), (alone.num_tokens, alone.epoch));
    }
    let mean = (single[0].values["grad_norm"] + single[1].values["grad_norm"]) / 2.0;
    assert!((history[0].values["grad_norm"] / mean - 1.0).abs() < 1e-6);
    assert!(root.path().join("checkpoint-5").exists());
}

pub fn a_stopped_run_ends_with_the_same_bytes() {
    let settings = TrainingArguments { save_steps: 4, eval_steps: 3, ..arguments(8) };
    let held_out = samples()[..3].to_vec();
    let finish = |root: &Path| {
        run_all(root, &settings, &held_out);
        hash_path(root).unwrap()
    };
    let whole = tempfile::tempdir().unwrap();
    let right = finish(whole.path());
    for step in [1, 4, 6] {
        let root = tempfile::tempdir().unwrap();
        let cancel = Cancel::default();
        let mut loader = Watched { stop: Some((step, cancel.clone())), ..Watched::new(&settings) };
        let stopped = run(root.path(), &settings, (0.0, &held_out), (&mut loader, &cancel)).1;
        assert!(matches!(stopped, Err(TrainerError::Cancelled { step: at }) if at == step + 1), "{stopped:?}");
        assert_eq!(finish(root.path()), right, "stopped in step {step}");
    }
}

/// A learning rate that leaves nothing of the weights: the second step's loss is no number.
pub fn a_loss_that_is_no_number_is_told_with_its_step_and_samples() {
    for save_steps in [0, 1] {
        let root = tempfile::tempdir().unwrap();
        let settings = TrainingArguments { learning_rate: 1e38, max_grad_norm: 0.0, save_steps, ..arguments(6) };
        let mut loader = Watched::new(&settings);
        let error = run(root.path(), &settings, (0.0, &[]), (&mut loader, &Cancel::default())).1.unwrap_err();
        let TrainerError::NotFinite { step: 2, what: "loss", sample_ids, .. } = &error else { panic!("{error}") };
        assert_eq!(sample_ids.len(), 2, "those of its micro-batch: {error}");
        assert!(!root.path().join("checkpoint-2").exists());
        assert_eq!(root.path().join("checkpoint-1").exists(), save_steps == 1);
        let metrics = std::fs::read_to_string(root.path().join("metrics.jsonl")).unwrap();
        assert_eq!(metrics.lines().count(), 1, "{metrics}");
    }
}

/// A kernel of the second step: in its backward, and where it moves the weights. Each in a process of its own, whose device
/// is lost with it.
pub fn a_kernel_that_breaks_down_is_told_with_its_samples() {
    if let Ok(rule) = std::env::var(FAIL) {
        return breaks_down(rule.split(':').next().unwrap());
    }
    for rule in ["head_norm_backward:10", "adamw:2"] {
        alone("figures::a_kernel_that_breaks_down_is_told_with_its_samples", (FAIL, rule));
    }
}

/// Weights that a device has no room for: refused by the plan, not by the first buffer that does not fit.
pub fn what_a_device_has_no_room_for_is_refused_by_its_plan() {
    if std::env::var_os(MEMORY).is_none() {
        // 1 GiB is left to the libraries: 100 kB for a model of 144 kB with its adapter.
        return alone("figures::what_a_device_has_no_room_for_is_refused_by_its_plan", (MEMORY, "1073841824"));
    }
    let root = tempfile::tempdir().unwrap();
    let arguments = arguments(6);
    let mut loader = ShuffledLoader::new(samples(), &arguments).unwrap();
    let error = run(root.path(), &arguments, (0.0, &[]), (&mut loader, &Cancel::default())).1.unwrap_err();
    let TrainerError::Memory { plan, limit, hint, .. } = &error else { panic!("{error}") };
    assert_eq!(*limit, "what was free on the device");
    for part in ["frozen weights", "trained weights", "gradients", "moments", "activations", "logits"] {
        assert!(plan.contains(part), "{plan}");
    }
    assert!(hint.contains("would fit"), "{hint}");
}

/// Runs a test of this program in a process of its own, whose environment is another.
fn alone(name: &str, (variable, value): (&str, &str)) {
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output = child.args(["--exact", name]).env(variable, value).output().unwrap();
    let (told, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(told.contains(" 1 passed; 0 failed"), "{value}: {told}\n{said}");
}

fn breaks_down(kernel: &str) {
    let root = tempfile::tempdir().unwrap();
    let settings = TrainingArguments { save_steps: 1, ..arguments(6) };
    let (heard, identity) = (Heard::default(), Identity::new());
    let (arguments, output, cancel) = (&settings, root.path(), &Cancel::default());
    let run = TrainRun { arguments, output, identity: &identity, progress: &heard, cancel };
    let error = train(&mut module("qwen3", 0.0), &mut Watched::new(&settings), &[], &run).unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&format!("kernel `{kernel}` failed")) && text.contains("700"), "{text}");
    assert!(text.contains("LAM_CUDA_SYNCHRONOUS"), "{text}");
    let notes = heard.notes.lock().unwrap();
    let told: Vec<_> = notes.iter().filter(|note| note.contains("on these samples: count-")).collect();
    assert!(told.iter().any(|note| note.starts_with("the device was at step 2, ")), "{told:?}");
    assert!(root.path().join("checkpoint-1").exists() && !root.path().join("checkpoint-2").exists());
}
