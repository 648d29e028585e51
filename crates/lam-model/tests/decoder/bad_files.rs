//! What is wrong with a model directory is said with the file, the name and the values.

use std::fs;
use std::path::Path;

use lam_model::{Decoder, Finetuning, ModelSource};
use tempfile::TempDir;

use crate::reference::directory;
use crate::tiny;

fn copied(name: &str) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(directory(name)).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    copy
}

fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

fn refused(path: &Path) -> String {
    Decoder::load(path, &Finetuning::Frozen, 0).unwrap_err().to_string()
}

#[test]
fn shapes_names_and_architectures() {
    let copy = copied("grouped");
    let config = copy.path().join("config.json");
    edit(&config, "\"vocab_size\": 71", "\"vocab_size\": 72");
    let message = refused(copy.path());
    assert!(message.contains("`model.embed_tokens.weight` has shape [71, 24], expected [72, 24]"), "{message}");
    edit(&config, "\"vocab_size\": 72", "\"vocab_size\": 71");
    edit(&config, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
    assert!(refused(copy.path()).contains("`model.layers.2.input_layernorm.weight` is missing"));
    edit(&config, "\"num_key_value_heads\": 2", "\"num_key_value_heads\": 3");
    assert!(refused(copy.path()).contains("`num_key_value_heads` = 3: must divide"));
    edit(&config, "MistralForCausalLM", "LlamaForCausalLM");
    edit(&config, "\"num_key_value_heads\": 3", "\"num_key_value_heads\": 2");
    assert!(refused(copy.path()).contains("architecture `LlamaForCausalLM` is unknown"));
    edit(&config, "\"model_type\": \"mistral\"", "\"model_type\": \"gpt2\"");
    let message = refused(copy.path());
    assert!(message.contains("`model_type` = gpt2: known are `mistral`, `llama`, `qwen2` and `qwen3`"), "{message}");
}

#[test]
fn truncated_and_missing_files() {
    let copy = copied("shards");
    let shard = copy.path().join("model-00002-of-00003.safetensors");
    let bytes = fs::read(&shard).unwrap();
    fs::write(&shard, &bytes[..bytes.len() / 2]).unwrap();
    let message = refused(copy.path());
    assert!(message.contains("model-00002-of-00003.safetensors") && message.contains("truncated"), "{message}");
    fs::remove_file(&shard).unwrap();
    assert!(refused(copy.path()).contains("names `model-00002-of-00003.safetensors`, which is missing"));
    assert!(refused(Path::new("/nowhere")).contains("/nowhere/config.json"));
}

#[test]
fn adapters_that_do_not_fit() {
    let other = tempfile::tempdir().unwrap();
    tiny::decoder().save(other.path()).unwrap();
    let refused = |base: &Path, adapter: &Path| ModelSource::open(base, Some(adapter)).unwrap_err().to_string();
    let message = refused(other.path(), &directory("lora"));
    assert!(message.contains("expected"), "{message}");
    let copy = copied("rslora");
    edit(&copy.path().join("adapter_config.json"), "\"down_proj\"", "\"q_proj\"");
    let message = refused(&directory("grouped"), copy.path());
    assert!(message.contains("down_proj.lora_A.weight` matches no module"), "{message}");
    edit(&copy.path().join("adapter_config.json"), "\"q_proj\"", "\"k_proj\"");
    let message = refused(&directory("grouped"), copy.path());
    assert!(message.contains("k_proj.lora_A.weight` is missing"), "{message}");
}

#[test]
fn what_is_written_is_read_back_and_written_the_same() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    tiny::decoder().save(first.path()).unwrap();
    Decoder::load(first.path(), &Finetuning::Full, 0).unwrap().save(second.path()).unwrap();
    for file in ["config.json", "generation_config.json", "model.safetensors"] {
        assert_eq!(fs::read(first.path().join(file)).unwrap(), fs::read(second.path().join(file)).unwrap(), "{file}");
    }
}

/// Adds a tensor of two numbers to a safetensors file.
fn add_tensor(path: &Path, name: &str) {
    let bytes = fs::read(path).unwrap();
    let head = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut tensors: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes[8..head]).unwrap();
    let end = bytes.len() - head;
    let entry = serde_json::json!({"dtype": "F32", "shape": [2], "data_offsets": [end, end + 8]});
    tensors.insert(name.into(), entry);
    let described = serde_json::to_vec(&tensors).unwrap();
    let length = (described.len() as u64).to_le_bytes();
    fs::write(path, [&length[..], &described, &bytes[head..], &[0; 8]].concat()).unwrap();
}

#[test]
fn tensors_that_no_decoder_has_are_refused_and_old_frequencies_are_not() {
    let copy = copied("grouped");
    let weights = copy.path().join("model.safetensors");
    add_tensor(&weights, "model.layers.0.self_attn.rotary_emb.inv_freq");
    Decoder::load(copy.path(), &Finetuning::Frozen, 0).unwrap();
    add_tensor(&weights, "model.layers.0.self_attn.q_proj.bias");
    let message = refused(copy.path());
    assert!(
        message.contains("holds 1 tensors") && message.contains("`model.layers.0.self_attn.q_proj.bias`"),
        "{message}"
    );
}

#[test]
fn ends_and_rotary_settings_are_written_in_both_spellings() {
    for (keys, scaling) in [
        (r#"{"rope_parameters": {"rope_type": "default", "rope_theta": 100000.0}}"#, None),
        (r#"{"rope_scaling": {"rope_type": "default", "rope_theta": 100000.0}}"#, None),
        (r#"{"rope_theta": 1e5, "rope_scaling": {"type": "linear", "factor": 2.0}}"#, Some("linear")),
        (r#"{"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 100000.0}}"#, Some("linear")),
    ] {
        let (dir, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        tiny::decoder().save(dir.path()).unwrap();
        let path = dir.path().join("config.json");
        let mut config: serde_json::Map<_, _> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        config.extend(serde_json::from_str::<serde_json::Map<_, _>>(keys).unwrap());
        config.insert("eos_token_id".into(), serde_json::json!([2, 5]));
        fs::write(&path, serde_json::to_vec(&config).unwrap()).unwrap();
        let decoder = Decoder::load(dir.path(), &Finetuning::Frozen, 0).unwrap();
        assert_eq!(decoder.config().theta(), 1e5, "{keys}");
        decoder.save(out.path()).unwrap();
        let read = |name: &str| -> serde_json::Value {
            serde_json::from_slice(&fs::read(out.path().join(name)).unwrap()).unwrap()
        };
        let written = read("config.json");
        assert_eq!((&written["rope_theta"], &written["rope_parameters"]["rope_theta"]), (&1e5.into(), &1e5.into()));
        assert_eq!(written["rope_parameters"]["rope_type"], scaling.unwrap_or("default"));
        assert_eq!(written["rope_scaling"]["rope_type"].as_str(), scaling, "{written}");
        assert_eq!(read("generation_config.json")["eos_token_id"], serde_json::json!([2, 5]));
        assert_eq!(Decoder::load(out.path(), &Finetuning::Frozen, 0).unwrap().config().theta(), 1e5);
    }
}
