//! What one optimizer step is, and what training does with many.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use lam_signal::{Cancel, Progress};
use lam_trainer::{
    DataLoader, Ending, Identity, MixtureLoader, ShuffledLoader, TrainOutcome, TrainRun, TrainingArguments, train,
};

use crate::toy::{Rows, Toy, arguments, run, samples};

#[test]
fn eight_batches_of_one_are_one_batch_of_eight() {
    let weights = |per_device_train_batch_size, gradient_accumulation_steps| {
        let root = tempfile::tempdir().unwrap();
        let arguments = TrainingArguments {
            per_device_train_batch_size,
            gradient_accumulation_steps,
            num_train_epochs: 4.0,
            ..arguments()
        };
        let (toy, outcome) = run(root.path(), &arguments, &Cancel::default());
        (toy.values(), outcome.unwrap().last("eval_loss").unwrap())
    };
    let ((accumulated, loss), (at_once, loss_at_once)) = (weights(1, 13), weights(13, 1));
    for (a, b) in accumulated.iter().zip(&at_once) {
        assert!((a - b).abs() < 1e-6, "{accumulated:?} {at_once:?}");
    }
    assert!((loss - loss_at_once).abs() < 1e-6);
}

#[test]
fn training_lowers_the_loss_and_writes_what_people_look_for() {
    let root = tempfile::tempdir().unwrap();
    let arguments = TrainingArguments { num_train_epochs: 20.0, eval_steps: 50, ..arguments() };
    let (toy, outcome) = run(root.path(), &arguments, &Cancel::default());
    let outcome = outcome.unwrap();
    assert_eq!((outcome.ending, outcome.global_step, toy.batches_counted), (Ending::Completed, 140, 140));
    let losses: Vec<f32> = outcome.log_history.iter().filter_map(|record| record.values.get("loss").copied()).collect();
    assert!(losses[losses.len() - 1] < 0.8 * losses[0], "{losses:?}");
    let metrics = std::fs::read_to_string(root.path().join("metrics.jsonl")).unwrap();
    assert_eq!(metrics.lines().count(), outcome.log_history.len());
    for name in ["loss", "grad_norm", "learning_rate", "epoch", "global_step", "num_tokens", "eval_loss"] {
        assert!(metrics.contains(&format!("\"{name}\":")), "{name}");
    }
    for file in
        ["model.safetensors", "optimizer.safetensors", "trainer_state.json", "rng_state.json", "training_args.json"]
    {
        assert!(root.path().join("last").join(file).exists(), "{file}");
    }
}

/// The directory of a loop, a step, and its figures; a step without figures is where it goes on.
type Heard = (PathBuf, u64, BTreeMap<String, f32>);

/// Hears the figures of a loop.
#[derive(Default)]
struct Follower(Mutex<Vec<Heard>>);

impl Progress for Follower {
    fn begin(&self, _what: &str, _total: Option<u64>) {}
    fn advance(&self, _done: u64, _message: &str) {}
    fn note(&self, _line: &str) {}
    fn end(&self) {}
    fn resumed(&self, directory: &Path, step: u64) {
        self.figures(directory, step, &BTreeMap::new());
    }
    fn figures(&self, directory: &Path, step: u64, values: &BTreeMap<String, f32>) {
        self.0.lock().unwrap().push((directory.to_owned(), step, values.clone()));
    }
}

/// Trains up to so many steps, and tells what a follower heard.
fn followed(output: &Path, steps: u64) -> (TrainOutcome, Vec<Heard>) {
    let arguments = TrainingArguments { max_steps: steps, save_steps: 4, eval_steps: 4, ..arguments() };
    let (follower, identity) = (Follower::default(), Identity::new());
    let told = TrainRun {
        arguments: &arguments,
        output,
        identity: &identity,
        progress: &follower,
        cancel: &Cancel::default(),
    };
    let mut loader = ShuffledLoader::new(samples(13), &arguments).unwrap();
    let outcome = train(&mut Toy::new(), &mut loader, &samples(4), &told).unwrap();
    (outcome, follower.0.into_inner().unwrap())
}

#[test]
fn whoever_follows_hears_every_record_and_where_it_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let (outcome, heard) = followed(root.path(), 10);
    let records = outcome.log_history.iter().map(|record| (record.global_step, record.values.clone()));
    let begin = (0, BTreeMap::new());
    let expected: Vec<_> =
        std::iter::once(begin).chain(records).map(|(step, values)| (root.path().to_owned(), step, values)).collect();
    assert_eq!(heard, expected);
    let (_, again) = followed(root.path(), 10);
    assert_eq!(again, [(root.path().to_owned(), 10, BTreeMap::new())], "a finished loop has nothing to add");
}

#[test]
fn tokens_can_end_training() {
    let root = tempfile::tempdir().unwrap();
    let arguments = TrainingArguments { max_tokens: 100, ..arguments() };
    let outcome = run(root.path(), &arguments, &Cancel::default()).1.unwrap();
    assert!((100..106).contains(&outcome.num_tokens), "{}", outcome.num_tokens);
}

#[test]
fn the_best_model_comes_back_and_patience_ends() {
    let root = tempfile::tempdir().unwrap();
    let arguments = TrainingArguments {
        learning_rate: 5.0,
        num_train_epochs: 30.0,
        eval_steps: 1,
        load_best_model_at_end: true,
        early_stopping_patience: 3,
        ..arguments()
    };
    let (toy, outcome) = run(root.path(), &arguments, &Cancel::default());
    let outcome = outcome.unwrap();
    assert_eq!(outcome.ending, Ending::StoppedEarly);
    assert!(outcome.last("eval_loss") > outcome.best_metric);
    let loss = lam_trainer::evaluate(&toy, &samples(4), &arguments).unwrap().mean("loss").unwrap();
    assert_eq!(Some(loss as f32), outcome.best_metric);
}

#[test]
fn gains_below_the_threshold_make_a_best_model_but_do_not_renew_patience() {
    let root = tempfile::tempdir().unwrap();
    let arguments = TrainingArguments {
        learning_rate: 0.01,
        num_train_epochs: 30.0,
        eval_steps: 2,
        load_best_model_at_end: true,
        early_stopping_patience: 4,
        early_stopping_threshold: 10.0,
        ..arguments()
    };
    let outcome = run(root.path(), &arguments, &Cancel::default()).1.unwrap();
    let losses: Vec<f32> =
        outcome.log_history.iter().filter_map(|record| record.values.get("eval_loss").copied()).collect();
    assert_eq!((outcome.ending, losses.len()), (Ending::StoppedEarly, 5));
    assert!(losses.is_sorted_by(|a, b| a > b), "{losses:?}");
    assert_eq!(outcome.best_metric, losses.last().copied());
}

#[test]
fn every_epoch_gives_every_sample_once_in_its_own_order() {
    let arguments = TrainingArguments { max_tokens_per_batch: 4, per_device_train_batch_size: 3, ..arguments() };
    let mut loader = ShuffledLoader::new(samples(13), &arguments).unwrap();
    let batches = loader.batches_in(2.0).unwrap();
    let drawn: Vec<Vec<Rows>> = (0..batches).map(|step| loader.next_batch(step).unwrap().unwrap()).collect();
    assert!(
        drawn.iter().all(|batch| batch.iter().map(|rows| rows.inputs.len()).sum::<usize>() <= 4 && batch.len() <= 3)
    );
    assert_eq!(loader.epoch(), 2.0);
    let ids: Vec<String> = drawn.concat().into_iter().map(|rows| rows.id).collect();
    let (first, second) = ids.split_at(13);
    assert_ne!(first, second);
    for epoch in [first, second] {
        let mut sorted = epoch.to_vec();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), 13);
    }
}

#[test]
fn a_mixture_keeps_its_shares() {
    let arguments = arguments();
    let loader = |prefix: &str| {
        let named = samples(13).into_iter().map(|rows| Rows { id: format!("{prefix}{}", rows.id), ..rows }).collect();
        Box::new(ShuffledLoader::new(named, &arguments).unwrap()) as Box<dyn DataLoader<Rows>>
    };
    let mut mixture = MixtureLoader::new(loader("main-"), vec![(loader("copy-"), 0.2)], &arguments).unwrap();
    let copies: Vec<bool> =
        (0..50).map(|step| mixture.next_batch(step).unwrap().unwrap()[0].id.starts_with("copy-")).collect();
    assert_eq!(copies.iter().filter(|copy| **copy).count(), 10);
    assert!(copies.chunks(5).all(|five| five.iter().filter(|copy| **copy).count() == 1), "{copies:?}");
    assert!(MixtureLoader::new(loader("a"), vec![(loader("b"), 1.0)], &arguments).is_err());
}
