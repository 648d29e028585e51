//! What the loop refuses, and what it says.

use lam_signal::Cancel;
use lam_trainer::{ShuffledLoader, TrainerError, TrainingArguments};

use crate::toy::{Rows, Toy, arguments, run, run_with, samples};

#[test]
fn a_loss_that_is_no_number_stops_with_the_samples_and_keeps_the_checkpoint() {
    let root = tempfile::tempdir().unwrap();
    let arguments = TrainingArguments { save_steps: 1, save_total_limit: 0, ..arguments() };
    let mut broken = samples(13);
    broken[5].target = f32::NAN;
    let mut loader = ShuffledLoader::new(broken, &arguments).unwrap();
    let error = run_with(&mut Toy::new(), &mut loader, root.path(), &arguments, &Cancel::default()).unwrap_err();
    let TrainerError::NotFinite { step, sample_ids, .. } = &error else { panic!("{error}") };
    assert!(sample_ids.contains(&"sample-5".to_owned()) && sample_ids.len() <= 2, "{error}");
    assert_eq!(root.path().join("last").exists(), *step > 1);
    assert!(!root.path().join(format!("checkpoint-{step}")).exists());
}

#[test]
fn the_micro_batch_is_named_not_the_whole_step() {
    let root = tempfile::tempdir().unwrap();
    let arguments =
        TrainingArguments { gradient_accumulation_steps: 7, check_longest_batch_first: false, ..arguments() };
    let mut broken = samples(13);
    broken[5].target = f32::INFINITY;
    let mut loader = ShuffledLoader::new(broken, &arguments).unwrap();
    let error = run_with(&mut Toy::new(), &mut loader, root.path(), &arguments, &Cancel::default()).unwrap_err();
    let TrainerError::NotFinite { step: 1, what: "loss", sample_ids, .. } = &error else { panic!("{error}") };
    assert!(sample_ids.contains(&"sample-5".to_owned()) && sample_ids.len() <= 2, "{error}");
}

#[test]
fn an_evaluation_that_is_no_number_names_its_samples() {
    let mut broken = samples(4);
    broken[2].target = f32::NAN;
    let arguments = TrainingArguments { per_device_eval_batch_size: 2, ..arguments() };
    let error = lam_trainer::evaluate(&Toy::new(), &broken, &arguments).unwrap_err();
    let TrainerError::NotFinite { what: "eval_loss", sample_ids, .. } = &error else { panic!("{error}") };
    assert_eq!(sample_ids, &["sample-2", "sample-3"]);
}

#[test]
fn samples_that_cannot_be_trained_are_named() {
    let short = TrainingArguments { max_length: 2, ..arguments() };
    let error = ShuffledLoader::new(samples(13), &short).unwrap_err().to_string();
    assert!(error.contains("sample `sample-2`: 3 tokens, allowed are 2"), "{error}");
    ShuffledLoader::new(samples(13), &TrainingArguments { truncation: true, ..short }).unwrap();

    let empty = vec![Rows { id: "hollow".into(), inputs: Vec::new(), target: 0.0 }];
    let error = ShuffledLoader::new(empty, &arguments()).unwrap_err().to_string();
    assert!(error.contains("sample `hollow`: none of its 0 tokens is trained"), "{error}");
    assert!(matches!(ShuffledLoader::<Rows>::new(Vec::new(), &arguments()), Err(TrainerError::NoSamples)));
}

#[test]
fn a_variable_without_gradient_is_named() {
    let root = tempfile::tempdir().unwrap();
    let mut toy = Toy { bias_is_used: false, ..Toy::new() };
    let mut loader = ShuffledLoader::new(samples(3), &arguments()).unwrap();
    let error = run_with(&mut toy, &mut loader, root.path(), &arguments(), &Cancel::default()).unwrap_err();
    assert!(matches!(&error, TrainerError::NoGradient { name } if name == "bias"), "{error}");
}

#[test]
fn a_damaged_checkpoint_is_named() {
    let root = tempfile::tempdir().unwrap();
    run(root.path(), &arguments(), &Cancel::default()).1.unwrap();
    let weights = root.path().join("last/model.safetensors");
    std::fs::write(&weights, b"rubbish").unwrap();
    let error = run(root.path(), &arguments(), &Cancel::default()).1.unwrap_err().to_string();
    assert!(error.contains("model.safetensors") && error.contains("hint: start the stage over"), "{error}");
}

#[test]
fn a_state_of_another_loader_is_refused_with_its_file() {
    let root = tempfile::tempdir().unwrap();
    run(root.path(), &arguments(), &Cancel::default()).1.unwrap();
    let streams = root.path().join("last/rng_state.json");
    let before = lam_store::hash_path(&streams).unwrap();
    std::fs::write(&streams, r#"{"seed": 42, "source": {"batches": [3]}, "module": 0}"#).unwrap();
    let hashes = root.path().join("last/hashes.json");
    let text = std::fs::read_to_string(&hashes).unwrap();
    std::fs::write(&hashes, text.replace(&before, &lam_store::hash_path(&streams).unwrap())).unwrap();
    let error = run(root.path(), &arguments(), &Cancel::default()).1.unwrap_err().to_string();
    let expected = "rng_state.json: no state of a finite set of samples: {\"batches\":[3]}";
    assert!(error.contains(expected) && error.contains("hint: start the stage over"), "{error}");
}
