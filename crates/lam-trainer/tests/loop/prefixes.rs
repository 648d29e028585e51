//! Samples that begin alike, computed with one beginning: the same losses and gradients, and more samples a batch.

use std::path::Path;

use candle_core::Tensor;
use lam_model::{Decoder, DecoderConfig, Finetuning, Initialization, LoraConfig, ScalarHead};
use lam_signal::{Cancel, NoProgress};
use lam_store::hash_path;
use lam_trainer::{
    Backbone, BatchGradient, DataLoader, Example, Identity, Pass, RewardModule, ScoredExample, ShuffledLoader,
    SupervisedModule, TrainModule, TrainRun, TrainingArguments, train,
};

fn decoder(directory: &Path, sliding_window: usize) -> Decoder {
    let config: DecoderConfig = serde_json::from_value(serde_json::json!({
        "model_type": "mistral", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 61, "initializer_range": 0.1,
        "sliding_window": sliding_window
    }))
    .unwrap();
    Decoder::init(config, &Initialization::Normal, 5).unwrap().save(directory).unwrap();
    let lora = LoraConfig { lora_r: 4, ..LoraConfig::default() };
    Decoder::load(directory, &Finetuning::Lora(lora), 1).unwrap()
}

/// Steps on two screens of forty controls, and now and then a text that is like none.
fn examples() -> Vec<Example> {
    let example = |number: u32| {
        let screen = (0..if number.is_multiple_of(5) { 3 } else { 40 }).map(|place| (place * (3 + number % 2)) % 61);
        let input_ids: Vec<u32> = screen.chain([number % 61, (number * 7) % 61, (number * 11) % 61, 60]).collect();
        let loss_mask = (0..input_ids.len()).map(|place| place + 2 >= input_ids.len()).collect();
        Example { sample_id: format!("step-{number}"), input_ids, loss_mask }
    };
    (0..30).map(example).collect()
}

fn scored() -> Vec<ScoredExample> {
    let scored = |(number, example): (usize, Example)| ScoredExample {
        sample_id: example.sample_id,
        input_ids: example.input_ids,
        reward: if number % 3 == 0 { 1.0 } else { -1.0 },
    };
    examples().into_iter().enumerate().map(scored).collect()
}

fn arguments() -> TrainingArguments {
    TrainingArguments {
        max_steps: 12,
        save_steps: 5,
        logging_steps: 3,
        per_device_train_batch_size: 64,
        max_tokens_per_batch: 128,
        share_prefixes: true,
        ..TrainingArguments::default()
    }
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
}

fn check<M: TrainModule>(module: &mut M, batch: &[M::Sample]) {
    let gradient = |module: &M| {
        let gradient = BatchGradient::of(module, batch, Pass::Train { seed: 7 }).unwrap();
        let flat = |gradient: Option<Tensor>| gradient.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        (gradient.loss_sum, gradient.weight, gradient.gradients.into_iter().flat_map(flat).collect::<Vec<f32>>())
    };
    let apart = gradient(module);
    module.backbone_mut().unwrap().share_prefixes(64).unwrap();
    let shared = gradient(module);
    assert_eq!(apart.1, shared.1);
    assert!((apart.0 / shared.0 - 1.0).abs() < 1e-5, "{} {}", apart.0, shared.0);
    let off: Vec<f32> = apart.2.iter().zip(&shared.2).map(|(a, b)| a - b).collect();
    assert!(norm(&apart.2) > 0.0 && norm(&off) < 1e-5 * norm(&apart.2), "{} of {}", norm(&off), norm(&apart.2));
}

#[test]
fn losses_and_gradients_are_those_of_samples_apart() {
    let root = tempfile::tempdir().unwrap();
    check(&mut SupervisedModule::new(decoder(root.path(), 64)), &examples());
    let (decoder, head) = (decoder(root.path(), 64), ScalarHead::zeros(32).unwrap());
    check(&mut RewardModule::new(decoder, head), &scored());
}

#[test]
fn more_samples_fit_into_a_batch_and_none_is_lost() {
    let batches = |share_prefixes| {
        let mut loader = ShuffledLoader::new(examples(), &TrainingArguments { share_prefixes, ..arguments() }).unwrap();
        let count = loader.batches_in(1.0).unwrap();
        let mut ids: Vec<String> = Vec::new();
        for _ in 0..count {
            ids.extend(loader.next_batch(0).unwrap().unwrap().into_iter().map(|example| example.sample_id));
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 30);
        count
    };
    assert_eq!((batches(false), batches(true)), (12, 3));
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    let run = |name: &str| {
        let mut module = SupervisedModule::new(decoder(&root.path().join("model"), 2048));
        let (arguments, output) = (arguments(), root.path().join(name));
        let mut loader = ShuffledLoader::new(examples(), &arguments).unwrap();
        let (identity, cancel) = (Identity::new(), Cancel::default());
        let run = TrainRun {
            arguments: &arguments,
            output: &output,
            identity: &identity,
            progress: &NoProgress,
            cancel: &cancel,
        };
        train(&mut module, &mut loader, &examples()[..6], &run).unwrap();
        output
    };
    let (whole, parts) = (run("whole"), run("parts"));
    std::fs::remove_dir_all(parts.join("checkpoint-12")).unwrap();
    run("parts");
    assert_eq!(hash_path(&parts).unwrap(), hash_path(&whole).unwrap());
}

#[test]
fn a_window_that_would_hide_a_beginning_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let error = Backbone::new(decoder(root.path(), 32)).share_prefixes(44).unwrap_err().to_string();
    assert!(error.contains("`share_prefixes`") && error.contains("`sliding_window` = 32"), "{error}");
}
