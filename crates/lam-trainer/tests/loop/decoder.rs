//! The modules over a real decoder: every variable learns, and a stopped run goes on to the same bytes.

use std::path::Path;

use lam_model::{Decoder, Finetuning, Initialization, LoraConfig, MistralConfig, ScalarHead};
use lam_store::{Cancel, NoProgress, hash_path};
use lam_trainer::{
    EpochSource, Example, Identity, Pass, RewardModule, ScoredExample, SupervisedModule, TrainModule, TrainOutcome,
    TrainRun, TrainerError, TrainingArguments, train,
};

fn base(directory: &Path) {
    let config: MistralConfig = serde_json::from_value(serde_json::json!({
        "model_type": "mistral", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 31, "initializer_range": 0.1,
    }))
    .unwrap();
    Decoder::init(config, &Initialization::Normal, 5).unwrap().save(directory).unwrap();
}

fn modes() -> [Finetuning; 2] {
    [Finetuning::Full, Finetuning::Lora(LoraConfig { lora_r: 4, lora_dropout: 0.1, ..LoraConfig::default() })]
}

/// Counting upwards, the second half trained.
fn examples() -> Vec<Example> {
    let example = |start: u32| {
        let input_ids: Vec<u32> = (0..5 + start % 4).map(|place| (start + place) % 31).collect();
        let loss_mask = (0..input_ids.len()).map(|place| place >= 2).collect();
        Example { sample_id: format!("count-{start}"), input_ids, loss_mask }
    };
    (0..24).map(example).collect()
}

fn arguments(max_steps: u64) -> TrainingArguments {
    TrainingArguments {
        learning_rate: 0.01,
        lr_scheduler_type: lam_trainer::SchedulerType::Constant,
        max_steps,
        save_steps: 5,
        logging_steps: 5,
        weight_decay: 0.01,
        ..TrainingArguments::default()
    }
}

fn run<M: TrainModule>(
    module: &mut M,
    samples: Vec<M::Sample>,
    output: &Path,
    cancel: &Cancel,
) -> Result<TrainOutcome, TrainerError> {
    let arguments = arguments(40);
    let held_out = samples[..4].to_vec();
    let mut source = EpochSource::new(samples, &arguments)?;
    let run = TrainRun { arguments: &arguments, output, identity: &Identity::new(), progress: &NoProgress, cancel };
    train(module, &mut source, &held_out, &run)
}

#[test]
fn every_trainable_variable_has_a_gradient() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    for mode in modes() {
        let decoder = Decoder::load(root.path(), &mode, 1).unwrap();
        let mut module = SupervisedModule::new(decoder);
        let gradient = module.gradient(&examples()[..3], Pass::Train { seed: 1 }).unwrap();
        for ((name, variable), gradient) in module.variables().iter().zip(gradient.gradients) {
            let gradient = gradient.unwrap_or_else(|| panic!("{name}"));
            assert_eq!(gradient.dims(), variable.dims(), "{name}");
        }
        assert_eq!(gradient.weight, examples()[..3].iter().map(|example| example.input_ids.len() as f64 - 2.0).sum::<f64>());
    }
}

#[test]
fn packing_does_not_change_the_loss() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    let mut module = SupervisedModule::new(Decoder::load(root.path(), &Finetuning::Full, 1).unwrap());
    let mut loss = |batch: &[Example]| {
        let loss = module.loss(batch, Pass::Evaluate).unwrap();
        (f64::from(loss.loss_sum.to_scalar::<f32>().unwrap()), loss.weight)
    };
    let together = loss(&examples());
    let apart = examples().iter().map(|example| loss(std::slice::from_ref(example))).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    assert_eq!(together.1, apart.1);
    assert!((together.0 / apart.0 - 1.0).abs() < 1e-6, "{together:?} {apart:?}");
}

#[test]
fn a_stopped_decoder_goes_on_to_the_same_bytes() {
    for mode in modes() {
        let root = tempfile::tempdir().unwrap();
        base(root.path());
        let module = || SupervisedModule::new(Decoder::load(root.path(), &mode, 1).unwrap());
        let (whole, parts) = (root.path().join("whole"), root.path().join("parts"));
        let outcome = run(&mut module(), examples(), &whole, &Cancel::default()).unwrap();
        assert!(outcome.last("loss").unwrap() < outcome.log_history[0].values["loss"], "{:?}", outcome.log_history);

        run(&mut module(), examples(), &parts, &Cancel::default()).unwrap();
        // As a kill after step 36 would leave it: the end is gone, step 35 is the last complete checkpoint.
        std::fs::remove_dir_all(parts.join("checkpoint-40")).unwrap();
        let resumed = run(&mut module(), examples(), &parts, &Cancel::default()).unwrap();
        assert_eq!(resumed.log_history, outcome.log_history);
        assert_eq!(hash_path(&parts).unwrap(), hash_path(&whole).unwrap());
    }
}

#[test]
fn the_reward_model_learns_which_sequences_end_well() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    let sample = |index: u32| {
        let good = index.is_multiple_of(2);
        let input_ids = vec![index % 31, 3, if good { 7 } else { 8 }];
        ScoredExample { sample_id: format!("step-{index}"), input_ids, reward: if good { 1.0 } else { -1.0 } }
    };
    let samples: Vec<_> = (0..24).map(sample).collect();
    let decoder = Decoder::load(root.path(), &modes()[1], 1).unwrap();
    let mut module = RewardModule::new(decoder, ScalarHead::zeros(16).unwrap());
    let output = root.path().join("reward");
    let outcome = run(&mut module, samples, &output, &Cancel::default()).unwrap();
    assert_eq!(outcome.last("eval_accuracy"), Some(1.0));
    assert!(outcome.last("eval_mean_reward_success") > outcome.last("eval_mean_reward_failure"));
    assert!(output.join("last/adapter_model.safetensors").exists() && output.join("last/adapter_config.json").exists());
}
