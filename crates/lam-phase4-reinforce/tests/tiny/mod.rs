//! A tiny decoder, and the policy that is trained of it.

use std::path::Path;

use lam_model::{Decoder, DecoderConfig, Finetuning, Initialization, LoraConfig};

/// Seed of weights, adapter and order.
pub const SEED: u64 = 5;

/// Writes the decoder.
pub fn base(directory: &Path) {
    let config: DecoderConfig = serde_json::from_value(serde_json::json!({
        "model_type": "mistral", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 31, "initializer_range": 0.1,
    }))
    .unwrap();
    Decoder::init(config, &Initialization::Normal, SEED).unwrap().save(directory).unwrap();
}

/// It with an adapter.
pub fn policy(directory: &Path) -> Decoder {
    let lora = LoraConfig { lora_r: 4, ..LoraConfig::default() };
    Decoder::load(directory, &Finetuning::Lora(lora), SEED).unwrap()
}
