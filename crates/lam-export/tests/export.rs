//! Exports of a tiny random model: what is written, that it reloads to the same numbers, and what is refused.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use lam_export::{ExportConfig, ExportError, ExportInputs, Kind, Sources, export};
use lam_model::{Decoder, Finetuning, Initialization, LoraConfig, MistralConfig};
use lam_prompt::{Tokenizer, TokenizerConfig};
use serde_json::{Value, json};

/// A model directory with a tokenizer; `seed` gives its weights.
fn model(root: &Path, name: &str, seed: u64) -> PathBuf {
    let directory = root.join(name);
    let corpus = ["make the heading bold", "insert a table with 3 rows and 4 columns"];
    let tokenizer = Tokenizer::train(&corpus, &TokenizerConfig { vocab_size: 512, labels: 16, words: vec![] }).unwrap();
    let config: MistralConfig = serde_json::from_value(json!({
        "architectures": ["MistralForCausalLM"], "model_type": "mistral", "hidden_size": 32, "intermediate_size": 48,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 512,
        "max_position_embeddings": 256, "rope_theta": 10000.0, "rms_norm_eps": 1e-5, "tie_word_embeddings": false,
        "bos_token_id": tokenizer.bos(), "eos_token_id": tokenizer.eos(), "pad_token_id": tokenizer.pad(),
    }))
    .unwrap();
    Decoder::init(config, &Initialization::Normal, seed).unwrap().save(&directory).unwrap();
    tokenizer.save(&directory).unwrap();
    directory
}

/// An adapter over `base` whose matrices are all filled, as after training; or, untrained, with B = 0.
fn adapter(root: &Path, base: &Path, trained: bool) -> PathBuf {
    let directory = root.join("adapter");
    let lora = LoraConfig { lora_r: 4, lora_alpha: 8.0, ..LoraConfig::default() };
    let decoder = Decoder::load(base, &Finetuning::Lora(lora), 3).unwrap();
    if trained {
        for (name, variable) in decoder.variables() {
            if name.contains("lora_B") {
                let values = Tensor::rand(-0.1f32, 0.1, variable.shape(), &Device::Cpu).unwrap();
                variable.set(&values).unwrap();
            }
        }
    }
    decoder.save_adapter(&directory, None).unwrap();
    directory
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn inputs(stage: &Path, sources: Sources) -> ExportInputs<'_> {
    ExportInputs { stage, sources, evaluations: &[] }
}

#[test]
fn adapter_and_merged_model_agree_and_differ_from_the_base() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("export");
    let _ = fs::remove_dir_all(&root);
    let base = model(&root, "base", 1);
    let adapter = adapter(&root, &base, true);
    let sources = Sources { adapter: Some(adapter.clone()), base: Some(base.clone()), ..Sources::default() };
    let config = ExportConfig { model_name: "LAM4".to_owned(), ..ExportConfig::default() };
    let written =
        export(Kind::Adapter, &inputs(&adapter, sources.clone()), &root.join("out/adapter"), &config).unwrap();
    assert!(written.checks[0].max_abs_difference > 1e-3, "{:?}", written.checks);
    assert!(written.checks[1].max_abs_difference < 1e-4, "{:?}", written.checks);
    let merged = export(Kind::Merged, &inputs(&adapter, sources), &root.join("out/merged"), &config).unwrap();
    for (one, other) in written.probes.iter().zip(&merged.probes) {
        assert_eq!(one.input_ids, other.input_ids);
        assert!(one.logits.iter().zip(&other.logits).all(|(a, b)| (a - b).abs() < 1e-4));
    }
    let peft = read(&root.join("out/adapter/adapter_config.json"));
    assert_eq!((&peft["peft_type"], &peft["r"], &peft["task_type"]), (&json!("LORA"), &json!(4), &json!("CAUSAL_LM")));
    assert!(peft["target_modules"].is_array());
    assert_eq!(peft["base_model_name_or_path"], json!("base"));
    for file in
        ["config.json", "generation_config.json", "tokenizer.json", "chat_template.jinja", "README.md", "export.json"]
    {
        assert!(root.join("out/merged").join(file).is_file(), "{file} is missing");
    }
    assert_eq!(read(&root.join("out/merged/config.json"))["architectures"], json!(["MistralForCausalLM"]));
}

#[test]
fn an_adapter_that_changes_nothing_is_refused_and_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let base = model(root.path(), "base", 1);
    let adapter = adapter(root.path(), &base, false);
    let sources = Sources { adapter: Some(adapter.clone()), base: Some(base), ..Sources::default() };
    let output = root.path().join("out");
    let error = export(Kind::Adapter, &inputs(&adapter, sources), &output, &ExportConfig::default()).unwrap_err();
    assert!(matches!(error, ExportError::NoEffect { .. }), "{error}");
    assert!(!output.exists());
}

#[test]
fn the_reward_model_is_a_classifier_with_one_label() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("export-reward");
    let _ = fs::remove_dir_all(&root);
    let stage = model(&root, "reward", 5);
    let head = Tensor::randn(0f32, 0.1, (1, 32), &Device::Cpu).unwrap().to_dtype(DType::F32).unwrap();
    head.save_safetensors("score.weight", stage.join("score.safetensors")).unwrap();
    let sources = Sources { reward: Some(stage.clone()), ..Sources::default() };
    let record = export(Kind::Reward, &inputs(&stage, sources), &root.join("out"), &ExportConfig::default()).unwrap();
    assert_eq!(record.probes[0].logits.len(), 1);
    let config = read(&root.join("out/config.json"));
    assert_eq!(config["architectures"], json!(["MistralForSequenceClassification"]));
    assert_eq!(config["num_labels"], json!(1));
    assert!(config["pad_token_id"].is_u64());
    let found = Sources::find(&root.join("out")).unwrap();
    assert_eq!((found.reward, found.model), (Some(root.join("out")), None));
}

#[test]
fn a_stage_without_a_model_is_refused_with_a_hint() {
    let root = tempfile::tempdir().unwrap();
    let sources = Sources::find(root.path()).unwrap();
    let error = export(Kind::Merged, &inputs(root.path(), sources), &root.path().join("out"), &ExportConfig::default());
    assert!(error.unwrap_err().to_string().contains("hint: name the output directory"));
}
