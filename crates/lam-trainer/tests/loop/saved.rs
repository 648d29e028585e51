//! In which numbers a stage's model is written: those that it came in, unless it is told otherwise.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use lam_model::{DecoderConfig, Finetuning, LoraConfig, ModelSource, write_fresh};
use lam_signal::{Cancel, NoProgress};
use lam_trainer::{Example, FinetuneJob, SaveDtype, TrainingArguments, finetune};

/// A model whose files have this type.
fn base(root: &Path, dtype: &str) -> PathBuf {
    let config: DecoderConfig = serde_json::from_value(serde_json::json!({
        "model_type": "mistral", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 31, "initializer_range": 0.1,
        "torch_dtype": dtype,
    }))
    .unwrap();
    let directory = root.join(dtype);
    write_fresh(&config, 5, &directory).unwrap();
    directory
}

/// The model that a few steps make of another.
fn tuned(base: &Path, finetuning: &Finetuning, save_dtype: SaveDtype) -> PathBuf {
    let name = format!("{}-{save_dtype:?}", if *finetuning == Finetuning::Full { "full" } else { "lora" });
    let output = base.with_file_name(format!("{}-{name}", base.file_name().unwrap().display()));
    let example = |start: u32| Example {
        sample_id: start.to_string(),
        input_ids: (start..start + 6).collect(),
        loss_mask: [false, true].repeat(3),
    };
    let arguments = TrainingArguments { learning_rate: 0.01, max_steps: 3, save_dtype, ..TrainingArguments::default() };
    let job = FinetuneJob {
        model: &ModelSource::open(base, None).unwrap(),
        finetuning: finetuning.clone(),
        frozen: &[],
        arguments: &arguments,
        examples: (0..24).map(example).collect(),
        replay: Vec::new(),
        replay_share: 0.0,
        evaluation: Vec::new(),
        output: &output,
        progress: &NoProgress,
        cancel: &Cancel::default(),
    };
    finetune(job).unwrap();
    output
}

fn tensors(file: &Path) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(file, &Device::Cpu).unwrap()
}

fn weights(model: &Path, dtype: DType) -> HashMap<String, Tensor> {
    let tensors = tensors(&model.join("model.safetensors"));
    assert!(tensors.values().all(|tensor| tensor.dtype() == dtype), "{}", model.display());
    let config: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(model.join("config.json")).unwrap()).unwrap();
    let said = if dtype == DType::BF16 { "bfloat16" } else { "float32" };
    assert_eq!(config["torch_dtype"], said, "{}", model.display());
    tensors
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.to_dtype(DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn a_model_is_saved_in_the_numbers_that_it_came_in() {
    let root = tempfile::tempdir().unwrap();
    for finetuning in [Finetuning::Full, Finetuning::Lora(LoraConfig::default())] {
        for (dtype, kept) in [("bfloat16", DType::BF16), ("float32", DType::F32)] {
            let base = base(root.path(), dtype);
            let tuned = |save_dtype| tuned(&base, &finetuning, save_dtype);
            let (auto, wide, narrow) = (tuned(SaveDtype::Auto), tuned(SaveDtype::F32), tuned(SaveDtype::Bf16));
            let (wide, narrow, auto_weights) =
                (weights(&wide, DType::F32), weights(&narrow, DType::BF16), weights(&auto, kept));
            for (name, right) in &wide {
                // The same training, rounded at its end.
                let rounded = right.to_dtype(DType::BF16).unwrap();
                assert_eq!(values(&narrow[name]), values(&rounded), "{dtype} {name}");
                let right = if kept == DType::BF16 { &rounded } else { right };
                assert_eq!(values(&auto_weights[name]), values(right), "{dtype} {name}");
            }
            // What training goes on from is never rounded.
            let file = if finetuning == Finetuning::Full { "model" } else { "adapter_model" };
            let kept = [
                tensors(&auto.join(format!("training/last/{file}.safetensors"))),
                tensors(&auto.join("training/last/optimizer.safetensors")),
            ];
            assert!(kept.iter().flat_map(HashMap::values).all(|tensor| tensor.dtype() != DType::BF16));
        }
    }
}

#[test]
fn the_next_stage_starts_from_what_was_saved() {
    let root = tempfile::tempdir().unwrap();
    let first = tuned(&base(root.path(), "bfloat16"), &Finetuning::Lora(LoraConfig::default()), SaveDtype::Auto);
    let loaded = ModelSource::open(&first, None).unwrap().load(&Finetuning::Full, 0).unwrap();
    let saved = weights(&first, DType::BF16);
    assert_eq!(loaded.variables().len(), saved.len());
    for (name, variable) in loaded.variables() {
        assert_eq!(values(variable.as_tensor()), values(&saved[&name]), "{name}");
    }
}
