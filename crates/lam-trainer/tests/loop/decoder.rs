//! The modules over a real decoder: every variable learns, and a stopped run resumes and ends with the same bytes.

use std::path::Path;

use lam_model::{Decoder, DecoderConfig, Finetuning, Initialization, LoraConfig, ScalarHead};
use lam_signal::{Cancel, NoProgress};
use lam_store::hash_path;
use lam_trainer::{
    BatchGradient, Example, Identity, Pass, RewardModule, ScoredExample, ShuffledLoader, SupervisedModule, TrainModule,
    TrainOutcome, TrainRun, TrainerError, TrainingArguments, train,
};

fn base(directory: &Path) {
    let config: DecoderConfig = serde_json::from_value(serde_json::json!({
        "model_type": "mistral", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 31, "initializer_range": 0.1,
    }))
    .unwrap();
    Decoder::init(config, &Initialization::Normal, 5).unwrap().save(directory).unwrap();
}

fn modes() -> [Finetuning; 3] {
    let lora = LoraConfig { lora_r: 4, lora_dropout: 0.1, ..LoraConfig::default() };
    [Finetuning::Full, Finetuning::Lora(lora.clone()), Finetuning::Qlora { lora, bits: 8 }]
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
    let mut loader = ShuffledLoader::new(samples, &arguments)?;
    let run = TrainRun { arguments: &arguments, output, identity: &Identity::new(), progress: &NoProgress, cancel };
    train(module, &mut loader, &held_out, &run)
}

#[test]
fn every_trainable_variable_has_a_gradient() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    for mode in modes() {
        let decoder = Decoder::load(root.path(), &mode, 1).unwrap();
        let module = SupervisedModule::new(decoder);
        let gradient = BatchGradient::of(&module, &examples()[..3], Pass::Train { seed: 1 }).unwrap();
        for ((name, variable), gradient) in module.variables().iter().zip(gradient.gradients) {
            let gradient = gradient.unwrap_or_else(|| panic!("{name}"));
            assert_eq!(gradient.dims(), variable.dims(), "{name}");
        }
        assert_eq!(
            gradient.weight,
            examples()[..3].iter().map(|example| example.input_ids.len() as f64 - 2.0).sum::<f64>()
        );
    }
}

#[test]
fn packing_does_not_change_the_loss() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    let module = SupervisedModule::new(Decoder::load(root.path(), &Finetuning::Full, 1).unwrap());
    let loss = |batch: &[Example]| {
        let loss = module.loss(batch, Pass::Evaluate).unwrap();
        (loss.wait().unwrap().0, loss.weight)
    };
    let together = loss(&examples());
    let apart = examples()
        .iter()
        .map(|example| loss(std::slice::from_ref(example)))
        .fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    assert_eq!(together.1, apart.1);
    assert!((together.0 / apart.0 - 1.0).abs() < 1e-6, "{together:?} {apart:?}");
}

/// Gradients of a batch, flat, one variable after the other.
fn gradient(module: &SupervisedModule, batch: &[Example]) -> (f64, f64, Vec<f32>) {
    let gradient = BatchGradient::of(module, batch, Pass::Train { seed: 7 }).unwrap();
    let flat =
        |gradient: Option<candle_core::Tensor>| gradient.unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
    (gradient.loss_sum, gradient.weight, gradient.gradients.into_iter().flat_map(flat).collect())
}

#[test]
fn eight_batches_of_one_have_the_gradient_of_one_packed_batch_of_eight() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    let lora = Finetuning::Lora(LoraConfig { lora_r: 4, ..LoraConfig::default() });
    for mode in [Finetuning::Full, lora] {
        let module = SupervisedModule::new(Decoder::load(root.path(), &mode, 1).unwrap());
        let eight = &examples()[..8];
        let (loss, weight, together) = gradient(&module, eight);
        let (mut sum_loss, mut sum_weight, mut sum) = (0.0, 0.0, vec![0.0f32; together.len()]);
        for one in eight {
            let (loss, weight, gradient) = gradient(&module, std::slice::from_ref(one));
            (sum_loss, sum_weight) = (sum_loss + loss, sum_weight + weight);
            sum.iter_mut().zip(gradient).for_each(|(sum, gradient)| *sum += gradient);
        }
        let norm = |values: &[f32]| values.iter().map(|value| f64::from(value * value)).sum::<f64>().sqrt();
        let off: Vec<f32> = sum.iter().zip(&together).map(|(a, b)| a - b).collect();
        assert_eq!(weight, sum_weight);
        assert!((loss / sum_loss - 1.0).abs() < 1e-6, "{loss} {sum_loss}");
        assert!(norm(&together) > 0.0 && norm(&off) < 1e-6 * norm(&together), "{} of {}", norm(&off), norm(&together));
    }
}

#[test]
fn accumulated_steps_train_as_packed_ones() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    let trained = |per_device_train_batch_size, gradient_accumulation_steps| {
        let arguments = TrainingArguments {
            per_device_train_batch_size,
            gradient_accumulation_steps,
            adam_epsilon: 1e-3,
            logging_steps: 1,
            ..arguments(6)
        };
        let mut module = SupervisedModule::new(Decoder::load(root.path(), &Finetuning::Full, 1).unwrap());
        let mut loader = ShuffledLoader::new(examples(), &arguments).unwrap();
        let output = root.path().join(format!("{per_device_train_batch_size}"));
        let (identity, cancel) = (Identity::new(), Cancel::default());
        let run = TrainRun {
            arguments: &arguments,
            output: &output,
            identity: &identity,
            progress: &NoProgress,
            cancel: &cancel,
        };
        train(&mut module, &mut loader, &examples()[..4], &run).unwrap().log_history
    };
    for (ones, eight) in trained(1, 8).iter().zip(trained(8, 1)) {
        assert_eq!((ones.global_step, ones.num_tokens), (eight.global_step, eight.num_tokens));
        for name in ["loss", "eval_loss", "grad_norm"] {
            let (Some(ones), Some(eight)) = (ones.values.get(name), eight.values.get(name)) else { continue };
            assert!((ones / eight - 1.0).abs() < 2e-6, "{name} {ones} {eight}");
        }
    }
}

#[test]
fn checkpointing_changes_no_gradient() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    for mode in modes() {
        let mut module = SupervisedModule::new(Decoder::load(root.path(), &mode, 1).unwrap());
        let kept = gradient(&module, &examples()[..5]);
        module.backbone_mut().unwrap().set_gradient_checkpointing(true);
        assert_eq!(gradient(&module, &examples()[..5]), kept);
    }
}

#[test]
fn training_in_bf16_learns_nearly_the_same_from_f32_weights() {
    let root = tempfile::tempdir().unwrap();
    base(root.path());
    for (number, mode) in modes().into_iter().enumerate() {
        let last = |bf16| {
            let arguments = TrainingArguments { bf16, ..arguments(30) };
            let mut module = SupervisedModule::new(Decoder::load(root.path(), &mode, 1).unwrap());
            let mut loader = ShuffledLoader::new(examples(), &arguments).unwrap();
            let output = root.path().join(format!("{number}-{bf16}"));
            let (identity, cancel) = (Identity::new(), Cancel::default());
            let run = TrainRun {
                arguments: &arguments,
                output: &output,
                identity: &identity,
                progress: &NoProgress,
                cancel: &cancel,
            };
            let outcome = train(&mut module, &mut loader, &examples()[..4], &run).unwrap();
            assert!(module.variables().iter().all(|(_, variable)| variable.dtype() == candle_core::DType::F32));
            (outcome.log_history[0].values["loss"], outcome.last("loss").unwrap())
        };
        let ((_, exact), (first, rounded)) = (last(false), last(true));
        assert!(rounded < first, "{mode:?}: {first} {rounded}");
        assert!((exact - rounded).abs() < 0.05 * exact, "{mode:?}: {exact} {rounded}");
    }
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
    let mut module = RewardModule::new(decoder, ScalarHead::zeros(32).unwrap());
    let output = root.path().join("reward");
    let outcome = run(&mut module, samples, &output, &Cancel::default()).unwrap();
    assert_eq!(outcome.last("eval_accuracy"), Some(1.0));
    assert!(outcome.last("eval_mean_reward_success") > outcome.last("eval_mean_reward_failure"));
    assert!(output.join("last/adapter_model.safetensors").exists() && output.join("last/adapter_config.json").exists());
}
