//! Tiny random models in directories, as stages leave them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use lam_export::{ExportInputs, Sources};
use lam_model::{Decoder, DecoderConfig, Finetuning, Initialization, LoraConfig, Precision, ScalarHead};
use lam_prompt::{Tokenizer, TokenizerConfig};
use lam_store::{MANIFEST_VERSION, Manifest};
use serde_json::{Value, json};

/// A model directory with a tokenizer; `seed` gives its weights.
pub fn model(root: &Path, name: &str, seed: u64) -> PathBuf {
    let directory = root.join(name);
    let corpus = ["make the heading bold", "insert a table with 3 rows and 4 columns"];
    let tokenizer = Tokenizer::train(&corpus, &TokenizerConfig { vocab_size: 512, labels: 16, words: vec![] }).unwrap();
    let config: DecoderConfig = serde_json::from_value(json!({
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
pub fn adapter(root: &Path, base: &Path, trained: bool) -> PathBuf {
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

pub fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

pub fn inputs(stage: &Path, sources: Sources) -> ExportInputs<'_> {
    ExportInputs { stage, sources, evaluations: &[] }
}

/// The model directory of a reward model.
pub fn reward_model(root: &Path) -> PathBuf {
    let stage = model(root, "reward", 5);
    let decoder = Decoder::load(&stage, &Finetuning::Frozen, 0).unwrap();
    let head = ScalarHead::new(decoder.config().hidden_size, 7).unwrap();
    decoder.save_reward_model(&head, Tokenizer::load(&stage).unwrap().pad(), &stage).unwrap();
    stage
}

/// A stage's output as training leaves it: the adapter apart, and merged into what it was trained over.
pub fn trained(root: &Path, base: &Path, finetuning: &Finetuning) -> PathBuf {
    trained_in(Precision::F32, root, base, finetuning)
}

/// The same, its model saved in this precision.
pub fn trained_in(precision: Precision, root: &Path, base: &Path, finetuning: &Finetuning) -> PathBuf {
    let stage = root.join("stage");
    let mut decoder = Decoder::load(base, finetuning, 3).unwrap();
    for (name, variable) in decoder.variables() {
        if name.contains("lora_B") {
            let values = Tensor::rand(-0.1f32, 0.1, variable.shape(), &Device::Cpu).unwrap();
            variable.set(&values).unwrap();
        }
    }
    decoder.save_adapter(&stage.join("adapter"), None).unwrap();
    decoder.merge_adapter().unwrap();
    decoder.save_in(precision, &stage).unwrap();
    Tokenizer::load(base).unwrap().save(&stage).unwrap();
    stage
}

/// The manifest of a stage, with what it measured.
pub fn manifest(stage: &str, kind: &str, metrics: Value) -> Manifest {
    let text = String::new;
    Manifest {
        format_version: MANIFEST_VERSION,
        producer: text(),
        pipeline: "quickstart".into(),
        stage: stage.into(),
        kind: kind.into(),
        seed: 1,
        code: BTreeMap::new(),
        config: json!({}),
        config_hash: text(),
        inputs: BTreeMap::new(),
        fingerprint: text(),
        output_hash: text(),
        files: vec![],
        metrics,
        started_at: 0,
        duration_s: 0.0,
        arithmetic: text(),
        reused_from: None,
    }
}
