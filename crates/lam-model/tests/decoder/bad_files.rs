//! What is wrong with a model directory is said with the file, the name and the values.

use std::fs;
use std::path::Path;

use lam_model::{Decoder, Finetuning};
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
    assert!(refused(copy.path()).contains("`model_type` = gpt2: only `mistral`"));
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
    let mut other = tiny::decoder();
    let message = other.load_adapter(&directory("lora"), false).unwrap_err().to_string();
    assert!(message.contains("expected"), "{message}");
    let copy = copied("lora");
    edit(&copy.path().join("adapter_config.json"), "self_attn.q_proj", "self_attn.query");
    let message = other.load_adapter(copy.path(), false).unwrap_err().to_string();
    assert!(message.contains("`query`, which matches no module"), "{message}");
    let mut one_layer = Decoder::load(&directory("grouped"), &Finetuning::Frozen, 0).unwrap();
    let copy = copied("rslora");
    edit(&copy.path().join("adapter_config.json"), "\"down_proj\"", "\"q_proj\"");
    let message = one_layer.load_adapter(copy.path(), false).unwrap_err().to_string();
    assert!(message.contains("down_proj.lora_A.weight` matches no module"), "{message}");
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
