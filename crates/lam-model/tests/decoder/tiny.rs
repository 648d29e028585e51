//! Small random models.

use lam_model::{Decoder, DecoderConfig, Finetuning, Initialization, LoraConfig, PackedBatch};

pub fn config() -> DecoderConfig {
    serde_json::from_value(serde_json::json!({
        "model_type": "mistral", "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 6, "intermediate_size": 40, "vocab_size": 37,
        "max_position_embeddings": 64, "initializer_range": 0.2, "sliding_window": 20
    }))
    .unwrap()
}

pub fn decoder() -> Decoder {
    Decoder::init(config(), &Initialization::Normal, 3).unwrap()
}

pub fn lora(dropout: f64) -> LoraConfig {
    LoraConfig { lora_r: 2, lora_alpha: 4.0, lora_dropout: dropout, ..LoraConfig::default() }
}

/// The same model from a directory, in another mode.
pub fn reloaded(finetuning: &Finetuning) -> Decoder {
    let directory = tempfile::tempdir().unwrap();
    decoder().save(directory.path()).unwrap();
    Decoder::load(directory.path(), finetuning, 5).unwrap()
}

/// Gives an adapter's second factor values, so that it does something.
pub fn wake(decoder: &Decoder) {
    for (i, (name, variable)) in decoder.variables().into_iter().enumerate() {
        if name.contains("lora_B") {
            let n = variable.elem_count();
            let values: Vec<f32> = (0..n).map(|j| ((i * 31 + j * 17) % 23) as f32 / 60.0 - 0.2).collect();
            let values = candle_core::Tensor::from_vec(values, variable.shape().clone(), variable.device()).unwrap();
            variable.set(&values).unwrap();
        }
    }
}

pub fn batch() -> PackedBatch {
    let tokens: Vec<u32> = (0..60).map(|i| (i * 7 + i * i % 5) % 37).collect();
    PackedBatch::from_documents([&tokens[..25], &tokens[25..26], &tokens[26..]])
}
