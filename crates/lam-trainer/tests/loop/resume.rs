//! A stopped run resumes and ends with the same bytes.

use std::path::{Path, PathBuf};

use lam_signal::Cancel;
use lam_store::hash_path;
use lam_trainer::{DataLoader, ForeignState, Metrics, ShuffledLoader, TrainerError, TrainingArguments};
use serde_json::Value;

use crate::toy::{Rows, Toy, arguments, run, run_with, samples};

/// Asks for a stop at a step, as Ctrl-C would.
pub struct StopsAt<'a> {
    pub loader: ShuffledLoader<Rows>,
    pub step: u64,
    pub cancel: &'a Cancel,
}

impl DataLoader<Rows> for StopsAt<'_> {
    fn next_batch(&mut self, step: u64) -> Result<Option<Vec<Rows>>, TrainerError> {
        if step == self.step {
            self.cancel.cancel();
        }
        self.loader.next_batch(step)
    }

    fn feedback(&mut self, metrics: &Metrics) {
        self.loader.feedback(metrics);
    }

    fn batches_in(&self, epochs: f64) -> Option<u64> {
        self.loader.batches_in(epochs)
    }

    fn epoch(&self) -> f64 {
        self.loader.epoch()
    }

    fn longest_batch(&self) -> Option<Vec<Rows>> {
        self.loader.longest_batch()
    }

    fn state(&self) -> Value {
        self.loader.state()
    }

    fn restore(&mut self, state: &Value) -> Result<(), ForeignState> {
        self.loader.restore(state)
    }

    fn fingerprint(&self) -> String {
        self.loader.fingerprint()
    }
}

fn settings() -> TrainingArguments {
    TrainingArguments {
        gradient_accumulation_steps: 2,
        eval_steps: 4,
        save_steps: 3,
        load_best_model_at_end: true,
        check_longest_batch_first: true,
        ..arguments()
    }
}

/// Bytes of all that a finished run leaves that training depends on.
pub fn left_behind(root: &Path) -> Vec<(String, String)> {
    let of = |name: &str| (name.to_owned(), hash_path(&root.join(name)).unwrap());
    let mut left = vec![of("last"), of("best"), of("metrics.jsonl")];
    let names = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut kept: Vec<String> = names.filter(|name| name.starts_with("checkpoint-")).collect();
    kept.sort();
    left.extend(kept.iter().map(|name| of(name)));
    left
}

fn stop_at(root: &Path, step: u64) {
    let cancel = Cancel::default();
    let arguments = settings();
    let mut loader = StopsAt { loader: ShuffledLoader::new(samples(13), &arguments).unwrap(), step, cancel: &cancel };
    let stopped = run_with(&mut Toy::new(), &mut loader, root, &arguments, &cancel);
    assert!(matches!(stopped, Err(TrainerError::Cancelled { step: done }) if done == step + 1));
}

#[test]
fn a_run_stopped_at_any_step_ends_with_the_same_bytes() {
    let whole = tempfile::tempdir().unwrap();
    let (toy, outcome) = run(whole.path(), &settings(), &Cancel::default());
    let outcome = outcome.unwrap();
    for step in 0..outcome.global_step - 1 {
        let parts = tempfile::tempdir().unwrap();
        stop_at(parts.path(), step);
        let (resumed, resumed_outcome) = run(parts.path(), &settings(), &Cancel::default());
        assert_eq!(resumed_outcome.unwrap().log_history, outcome.log_history);
        assert_eq!(
            (resumed.values(), resumed.batches_counted),
            (toy.values(), toy.batches_counted),
            "stopped at {step}"
        );
        assert_eq!(left_behind(parts.path()), left_behind(whole.path()), "stopped at {step}");
    }
}

#[test]
fn stops_one_after_another_leave_no_checkpoints_of_theirs() {
    let whole = tempfile::tempdir().unwrap();
    run(whole.path(), &settings(), &Cancel::default()).1.unwrap();
    let parts = tempfile::tempdir().unwrap();
    for step in [0, 1, 3, 4, 6, 7] {
        stop_at(parts.path(), step);
    }
    run(parts.path(), &settings(), &Cancel::default()).1.unwrap();
    assert_eq!(left_behind(parts.path()), left_behind(whole.path()));
}

#[test]
fn a_killed_run_goes_on_from_what_was_complete() {
    let whole = tempfile::tempdir().unwrap();
    run(whole.path(), &settings(), &Cancel::default()).1.unwrap();
    let parts = tempfile::tempdir().unwrap();
    stop_at(parts.path(), 7);
    // What a kill can leave: a newer checkpoint half written, metrics of steps that no checkpoint holds.
    let (last, half): (PathBuf, PathBuf) =
        (parts.path().join("checkpoint-8"), parts.path().join("checkpoint-8.partial"));
    std::fs::rename(&last, &half).unwrap();
    std::fs::remove_file(half.join("trainer_state.json")).unwrap();
    run(parts.path(), &settings(), &Cancel::default()).1.unwrap();
    assert_eq!(left_behind(parts.path()), left_behind(whole.path()));
}

/// Ways in which a file is damaged.
const DAMAGES: [fn(&Path); 5] = [
    |file| {
        let mut bytes = std::fs::read(file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(file, bytes).unwrap();
    },
    |file| {
        let bytes = std::fs::read(file).unwrap();
        std::fs::write(file, &bytes[..bytes.len() - 1]).unwrap();
    },
    |file| std::fs::write(file, vec![0; std::fs::metadata(file).unwrap().len() as usize]).unwrap(),
    |file| std::fs::write(file, [0xff, 0xfe, b'{', b'}']).unwrap(),
    |file| std::fs::remove_file(file).unwrap(),
];

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before_it() {
    let whole = tempfile::tempdir().unwrap();
    run(whole.path(), &settings(), &Cancel::default()).1.unwrap();
    let files = std::fs::read_dir(whole.path().join("last")).unwrap();
    let files = files.map(|entry| entry.unwrap().file_name()).filter(|name| name != lam_store::MARK_FILE);
    for file in files.collect::<Vec<_>>() {
        for damage in DAMAGES {
            let parts = tempfile::tempdir().unwrap();
            stop_at(parts.path(), 7);
            damage(&parts.path().join("checkpoint-8").join(&file));
            run(parts.path(), &settings(), &Cancel::default()).1.unwrap();
            assert_eq!(left_behind(parts.path()), left_behind(whole.path()), "{file:?}");
        }
    }
}

#[test]
fn where_every_checkpoint_is_damaged_the_last_ones_file_is_named() {
    let parts = tempfile::tempdir().unwrap();
    stop_at(parts.path(), 7);
    let steps: Vec<PathBuf> = std::fs::read_dir(parts.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    for optimizer in steps.iter().map(|step| step.join("optimizer.safetensors")).filter(|file| file.is_file()) {
        DAMAGES[0](&optimizer);
    }
    let error = run(parts.path(), &settings(), &Cancel::default()).1.unwrap_err();
    assert_eq!(lam_signal::Fault::kind(&error).exit_code(), 3);
    let message = error.to_string();
    assert!(
        message.contains("checkpoint-8/optimizer.safetensors: damaged: ") && message.contains("--force"),
        "{message}"
    );
    assert!(parts.path().join("checkpoint-8").exists(), "what is damaged stays for whoever wants to look at it");
}

#[test]
fn a_finished_run_does_nothing_more() {
    let root = tempfile::tempdir().unwrap();
    let (toy, _) = run(root.path(), &settings(), &Cancel::default());
    let before = left_behind(root.path());
    let (again, outcome) = run(root.path(), &settings(), &Cancel::default());
    outcome.unwrap();
    assert_eq!(again.values(), toy.values());
    assert_eq!(left_behind(root.path()), before);
}

#[test]
fn what_a_kill_left_undone_after_a_checkpoint_is_done() {
    let root = tempfile::tempdir().unwrap();
    run(root.path(), &settings(), &Cancel::default()).1.unwrap();
    let before = left_behind(root.path());
    // As a kill between the last checkpoint and what follows from it leaves things.
    std::fs::create_dir(root.path().join("checkpoint-1")).unwrap();
    for link in ["last", "best"] {
        std::fs::remove_file(root.path().join(link)).unwrap();
    }
    run(root.path(), &settings(), &Cancel::default()).1.unwrap();
    assert_eq!(left_behind(root.path()), before);
    assert!(!root.path().join("checkpoint-1").exists());
}

#[test]
fn trying_the_longest_batch_changes_nothing() {
    let weights = |check_longest_batch_first| {
        let root = tempfile::tempdir().unwrap();
        let arguments = TrainingArguments { check_longest_batch_first, ..settings() };
        let (toy, outcome) = run(root.path(), &arguments, &Cancel::default());
        (toy.values(), toy.batches_counted, outcome.unwrap().log_history)
    };
    assert_eq!(weights(true), weights(false));
}

#[test]
fn another_run_may_not_go_on() {
    let root = tempfile::tempdir().unwrap();
    stop_at(root.path(), 2);
    let other = TrainingArguments { learning_rate: 0.01, seed: 7, ..settings() };
    let error = run(root.path(), &other, &Cancel::default()).1.unwrap_err();
    assert!(matches!(error, TrainerError::ResumeMismatch { .. }));
    let message = error.to_string();
    assert!(
        message.contains("arguments.learning_rate: was 0.05, is 0.01") && message.contains("arguments.seed"),
        "{message}"
    );

    let mut fewer = ShuffledLoader::new(samples(12), &settings()).unwrap();
    let error = run_with(&mut Toy::new(), &mut fewer, root.path(), &settings(), &Cancel::default()).unwrap_err();
    assert!(error.to_string().contains("samples: was "), "{error}");
}

/// The arguments of a run that goes on from a checkpoint.
fn from(checkpoint: PathBuf) -> TrainingArguments {
    TrainingArguments { resume_from_checkpoint: Some(checkpoint), ..settings() }
}

#[test]
fn a_run_goes_on_from_the_checkpoint_that_is_named_with_the_same_bytes() {
    let all = TrainingArguments { save_total_limit: 0, ..settings() };
    let whole = tempfile::tempdir().unwrap();
    let (toy, outcome) = run(whole.path(), &all, &Cancel::default());
    let log = outcome.unwrap().log_history;
    let names = std::fs::read_dir(whole.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let checkpoints: Vec<String> = names.filter(|name| name.starts_with("checkpoint-")).collect();
    assert!(checkpoints.len() > 2);
    let kept = tempfile::tempdir().unwrap();
    run(kept.path(), &settings(), &Cancel::default()).1.unwrap();
    for name in checkpoints {
        // Elsewhere: it is copied, with the best one beside it.
        let other = tempfile::tempdir().unwrap();
        let (resumed, outcome) = run(other.path(), &from(whole.path().join(&name)), &Cancel::default());
        assert_eq!(outcome.unwrap().log_history, log, "{name}");
        assert_eq!(resumed.values(), toy.values(), "{name}");
        // Not the arguments beside it, which say how many checkpoints are kept.
        let of_last = ["model", "optimizer"].map(|name| format!("last/{name}.safetensors"));
        let best = ["best/model.safetensors", "metrics.jsonl"].map(str::to_owned);
        for file in of_last.iter().chain(&best) {
            assert_eq!(
                hash_path(&other.path().join(file)).unwrap(),
                hash_path(&kept.path().join(file)).unwrap(),
                "{name}: {file}"
            );
        }
    }
    // Among its own: the later ones are made again.
    let before = left_behind(whole.path());
    let own = TrainingArguments { save_total_limit: 0, ..from(whole.path().join("checkpoint-3")) };
    run(whole.path(), &own, &Cancel::default()).1.unwrap();
    assert_eq!(left_behind(whole.path()), before);
}

#[test]
fn a_named_checkpoint_of_another_run_or_none_is_refused() {
    let whole = tempfile::tempdir().unwrap();
    run(whole.path(), &settings(), &Cancel::default()).1.unwrap();
    let last = whole.path().join("last").canonicalize().unwrap();
    let other = tempfile::tempdir().unwrap();
    let refused = |arguments: &TrainingArguments| {
        let error = run(other.path(), arguments, &Cancel::default()).1.unwrap_err().to_string();
        let left = std::fs::read_dir(other.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(left.into_iter().all(|name| !name.to_string_lossy().starts_with("checkpoint-")), "{error}");
        error
    };
    let error = refused(&TrainingArguments { learning_rate: 0.01, ..from(last.clone()) });
    assert!(error.contains("arguments.learning_rate: was") && error.contains("hint: "), "{error}");
    let error = refused(&from(whole.path().to_owned()));
    assert!(error.contains("is no checkpoint: it holds no trainer_state.json"), "{error}");
    let file = last.join("optimizer.safetensors");
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert!(refused(&from(last)).contains("damaged"));
}
