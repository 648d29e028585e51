//! Llama, Qwen2 and Qwen3 beside transformers' and PEFT's numbers, in every way a model is trained, asked and written.
//! The fixtures are made by `scripts/fixtures/make_architectures.py`.

use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use lam_model::{
    AdapterUse, Architecture, CacheOptions, Decoder, DecoderConfig, Finetuning, Induction, Initialization, LoraConfig,
    Mode, ModelSource, PackedBatch, Precision,
};
use serde_json::{Value, json};

use crate::parity::within;
use crate::reference::{Expected, difference, directory, targets};
use crate::tiny;

const CASES: [&str; 4] = ["llama", "qwen2", "qwen2-window", "qwen3"];
const TOLERANCE: f32 = 1e-5;

fn path(case: &str) -> PathBuf {
    directory("architectures").join(case)
}

fn expected(case: &str) -> Expected {
    Expected::of(&format!("architectures/{case}"))
}

fn load(case: &str, finetuning: &Finetuning) -> Decoder {
    Decoder::load(&path(case), finetuning, 0).unwrap()
}

fn adapted(case: &str, finetuning: &Finetuning) -> Decoder {
    ModelSource::open(&path(case), Some(&path(case).join("lora"))).unwrap().load(finetuning, 0).unwrap()
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Logits of every token of a fixture's texts.
fn logits(decoder: &Decoder, batch: &PackedBatch) -> Tensor {
    let hidden = decoder.forward(batch, Mode::Evaluate).unwrap();
    decoder.logits(&hidden, &(0..batch.tokens()).collect::<Vec<_>>()).unwrap()
}

#[test]
fn losses_logits_and_gradients_are_those_of_transformers() {
    for case in CASES {
        let mut decoder = load(case, &Finetuning::Full);
        within(TOLERANCE, &decoder, &expected(case));
        decoder.set_gradient_checkpointing(true);
        within(TOLERANCE, &decoder, &expected(case));
    }
}

#[test]
fn adapters_train_and_merge_as_pefts() {
    for case in CASES {
        let mut decoder = adapted(case, &Finetuning::Lora(LoraConfig::default()));
        assert!(decoder.variables().iter().all(|(name, _)| name.contains(".lora_")), "{case}");
        let expected = expected(&format!("{case}/lora"));
        within(TOLERANCE, &decoder, &expected);
        decoder.merge_adapter().unwrap();
        assert!(difference(&logits(&decoder, &expected.batch()), expected.get("logits")) < TOLERANCE, "{case}: merged");
    }
}

#[test]
fn everything_is_trained_in_full_and_vectors_stay_vectors() {
    for (case, more) in [("llama", 0), ("qwen2", 2 * 3), ("qwen3", 2 * 2)] {
        let decoder = load(case, &Finetuning::Full);
        let tied = usize::from(decoder.config().tie_word_embeddings);
        let variables = decoder.variables();
        assert_eq!(variables.len(), 2 * 9 + 3 - tied + more, "{case}");
        let count: usize = variables.iter().map(|(_, variable)| variable.elem_count()).sum();
        assert_eq!(count, decoder.config().parameters(), "{case}");
        // What has one dimension is not decayed.
        let vector = |name: &str| name.ends_with(".bias") || name.contains("norm");
        assert!(variables.iter().all(|(name, variable)| (variable.rank() == 1) == vector(name)), "{case}");
    }
}

#[test]
fn quantised_and_narrow_runs_are_near_and_leave_vectors_alone() {
    for case in CASES {
        let expected = expected(case);
        let batch = expected.batch();
        for (bits, tolerance) in [(8, 0.05), (4, 0.4)] {
            let decoder = load(case, &Finetuning::Qlora { lora: tiny::lora(0.1), bits });
            tiny::wake(&decoder);
            let hidden = decoder.forward(&batch, Mode::Train { dropout_seed: Some(1) }).unwrap();
            let gradients = decoder.cross_entropy(&hidden, &targets(&batch)).unwrap().backward().unwrap();
            assert!(decoder.variables().iter().all(|(_, variable)| gradients.get(variable).is_some()), "{case}");
            let fresh = load(case, &Finetuning::Qlora { lora: tiny::lora(0.0), bits });
            let off = difference(&logits(&fresh, &batch), expected.get("logits"));
            assert!(off < tolerance, "{case}, {bits} bits: {off}");
        }
        let mut decoder = load(case, &Finetuning::Full);
        decoder.set_precision(Precision::Bf16).unwrap();
        within(0.1, &decoder, &expected);
    }
}

#[test]
fn generation_equals_the_training_forward() {
    for case in CASES {
        let batch = expected(case).batch();
        let text = &batch.input_ids[batch.input_ids.len() - 14..];
        for decoder in [load(case, &Finetuning::Frozen), adapted(case, &Finetuning::Frozen)] {
            let whole = logits(&decoder, &PackedBatch::from_documents([text]));
            for adapter in [AdapterUse::Merged, AdapterUse::Apart] {
                let options = CacheOptions { adapter, ..CacheOptions::default() };
                let mut cache = decoder.new_cache_with(2, options).unwrap();
                if decoder.lora().is_some() && adapter == AdapterUse::Apart {
                    let id = cache.add_adapter(&decoder).unwrap();
                    cache.set_adapter(1, Some(id)).unwrap();
                }
                let mut steps = cache.decode(&[(1, &text[..5])]).unwrap();
                for at in 5..text.len() {
                    steps.extend(cache.decode(&[(1, &text[at..=at])]).unwrap());
                }
                let found = Tensor::from_vec(steps, (10, whole.dims()[1]), &Device::Cpu).unwrap();
                let off = difference(&found, &whole.narrow(0, 4, 10).unwrap());
                assert!(off < TOLERANCE, "{case}, {adapter:?}: {off}");
            }
        }
    }
}

#[test]
fn what_is_written_names_its_architecture_and_is_read_back() {
    for (case, architecture) in
        [("llama", Architecture::Llama), ("qwen2", Architecture::Qwen2), ("qwen3", Architecture::Qwen3)]
    {
        let (copy, batch) = (tempfile::tempdir().unwrap(), expected(case).batch());
        let decoder = load(case, &Finetuning::Full);
        decoder.save(copy.path()).unwrap();
        let (old, new) = (read(&path(case).join("config.json")), read(&copy.path().join("config.json")));
        assert_eq!(new["architectures"], json!([architecture.causal()]));
        for (key, value) in old.as_object().unwrap() {
            assert_eq!(new[key], *value, "{case}: `{key}`");
        }
        // transformers' Qwen2 fails over a width of heads that is null.
        assert_ne!(new.get("head_dim"), Some(&Value::Null), "{case}");
        assert_eq!(new.get("sliding_window").is_some(), architecture != Architecture::Llama);
        let again = Decoder::load(copy.path(), &Finetuning::Frozen, 0).unwrap();
        assert_eq!(difference(&logits(&again, &batch), &logits(&decoder, &batch)), 0.0, "{case}");
    }
}

#[test]
fn reward_models_score_as_the_sequence_classifiers() {
    for case in CASES {
        let expected = expected(&format!("{case}/reward"));
        let batch = expected.batch();
        let mut end = 0;
        let ends: Vec<usize> = batch.lengths.iter().map(|length| (end += length, end - 1).1).collect();
        let copy = tempfile::tempdir().unwrap();
        for directory in [path(case).join("reward"), copy.path().to_owned()] {
            let (decoder, head) = Decoder::load_reward_model(&directory).unwrap();
            let scores = head.scores(&decoder.forward(&batch, Mode::Evaluate).unwrap(), &ends).unwrap();
            let off = difference(&scores, expected.get("scores"));
            assert!(off < TOLERANCE, "{case}: {off}");
            decoder.save_reward_model(&head, 0, copy.path()).unwrap();
            let architecture = decoder.config().model_type;
            assert_eq!(read(&copy.path().join("config.json"))["architectures"], json!([architecture.classifier()]));
        }
    }
}

#[test]
fn fresh_weights_are_hugging_faces_and_induction_is_for_what_it_suits() {
    let normal = |case: &str, initialization| {
        Decoder::init(load(case, &Finetuning::Frozen).config().clone(), &initialization, 3)
    };
    for (case, name, value) in [("qwen2", "self_attn.k_proj.bias", 0.0), ("qwen3", "self_attn.q_norm.weight", 1.0)] {
        let decoder = normal(case, Initialization::Normal).unwrap();
        let variables = decoder.variables();
        let (_, variable) = variables.iter().find(|(each, _)| each.ends_with(name)).unwrap();
        assert!(variable.to_vec1::<f32>().unwrap().iter().all(|each| *each == value), "{case}");
    }
    let shape = json!({
        "model_type": "qwen3", "hidden_size": 160, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 32, "intermediate_size": 64, "vocab_size": 50
    });
    let induction = Initialization::Induction(Induction::default());
    let error = Decoder::init(serde_json::from_value(shape).unwrap(), &induction, 3).unwrap_err().to_string();
    assert!(error.contains("`model_type` = qwen3") && error.contains("`normal`"), "{error}");
}

#[test]
fn biases_of_an_adapter_are_refused_by_name() {
    let copy = tempfile::tempdir().unwrap();
    for file in ["adapter_config.json", "adapter_model.safetensors"] {
        fs::copy(path("qwen2").join("lora").join(file), copy.path().join(file)).unwrap();
    }
    let weights = copy.path().join("adapter_model.safetensors");
    let mut tensors = candle_core::safetensors::load(&weights, &Device::Cpu).unwrap();
    let stray = "base_model.model.model.layers.0.self_attn.q_proj.base_layer.bias";
    tensors.insert(stray.into(), Tensor::zeros(16, candle_core::DType::F32, &Device::Cpu).unwrap());
    candle_core::safetensors::save(&tensors, &weights).unwrap();
    let message = ModelSource::open(&path("qwen2"), Some(copy.path())).unwrap_err().to_string();
    assert!(message.contains(&format!("`{stray}` matches no module")), "{message}");
}

/// Published configs, as the hub has them, with the number of weights that their pages name.
#[test]
fn published_configs_describe_as_many_weights_as_their_files_hold() {
    let llama_3_1_8b = json!({
        "architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 128_000,
        "eos_token_id": [128_001, 128_008, 128_009], "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02,
        "intermediate_size": 14_336, "max_position_embeddings": 131_072, "mlp_bias": false, "model_type": "llama",
        "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "pretraining_tp": 1,
        "rms_norm_eps": 1e-5, "rope_theta": 500_000.0, "tie_word_embeddings": false, "vocab_size": 128_256,
        "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192, "rope_type": "llama3"}
    });
    let qwen_2_5_7b = json!({
        "architectures": ["Qwen2ForCausalLM"], "attention_dropout": 0.0, "bos_token_id": 151_643, "eos_token_id": 151_645,
        "hidden_act": "silu", "hidden_size": 3584, "initializer_range": 0.02, "intermediate_size": 18_944,
        "max_position_embeddings": 32_768, "max_window_layers": 28, "model_type": "qwen2", "num_attention_heads": 28,
        "num_hidden_layers": 28, "num_key_value_heads": 4, "rms_norm_eps": 1e-6, "rope_theta": 1_000_000.0,
        "sliding_window": 131_072, "tie_word_embeddings": false, "use_sliding_window": false, "vocab_size": 152_064
    });
    let qwen_3_8b = json!({
        "architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 151_643,
        "eos_token_id": 151_645, "head_dim": 128, "hidden_act": "silu", "hidden_size": 4096, "initializer_range": 0.02,
        "intermediate_size": 12_288, "max_position_embeddings": 40_960, "max_window_layers": 36, "model_type": "qwen3",
        "num_attention_heads": 32, "num_hidden_layers": 36, "num_key_value_heads": 8, "rms_norm_eps": 1e-6,
        "rope_scaling": null, "rope_theta": 1_000_000, "sliding_window": null, "tie_word_embeddings": false,
        "use_sliding_window": false, "vocab_size": 151_936
    });
    for (config, parameters, head_dim) in
        [(llama_3_1_8b, 8_030_261_248, 128), (qwen_2_5_7b, 7_615_616_512, 128), (qwen_3_8b, 8_190_735_360, 128)]
    {
        let config: DecoderConfig = serde_json::from_value(config).unwrap();
        config.check().unwrap();
        assert_eq!((config.parameters(), config.head_dim(), config.window()), (parameters, head_dim, None));
    }
}

#[test]
fn what_an_architecture_has_elsewhere_and_not_here_is_refused_by_key() {
    for (model_type, key, value) in [
        ("llama", "attention_bias", json!(true)),
        ("llama", "mlp_bias", json!(true)),
        ("llama", "hidden_size", json!(30)),
        ("qwen3", "attention_bias", json!(true)),
        ("qwen2", "use_sliding_window", json!("yes")),
        ("gemma", "model_type", json!("gemma")),
        ("qwen3_moe", "model_type", json!("qwen3_moe")),
    ] {
        let mut config = json!({
            "model_type": model_type, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
            "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 40, "vocab_size": 37
        });
        config[key] = value;
        let checked = serde_json::from_value::<DecoderConfig>(config).map_err(|error| error.to_string());
        let message = checked.and_then(|config| config.check().map_err(|error| error.to_string())).unwrap_err();
        assert!(message.contains(&format!("`{key}` = ")), "{message}");
    }
}
