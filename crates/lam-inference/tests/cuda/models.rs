//! One small model on both devices, with and without adapters.

use std::path::PathBuf;
use std::sync::OnceLock;

use lam_cuda::{Libraries, Settings, emulation};
use lam_model::{Decoder, Device, Initialization, LoraConfig, Precision};
use serde_json::json;

use crate::tiny::VOCABULARY;

/// The device that tests share.
fn device() -> Device {
    static DEVICE: OnceLock<lam_cuda::Device> = OnceLock::new();
    let open = || {
        let below = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let libraries = Libraries::in_folder(&emulation::build(&below).unwrap()).unwrap();
        let cache = Some(below.join("cache"));
        let settings = Settings { ordinal: 0, memory_bytes: 64 << 20, cache, poison: true, synchronous: false };
        lam_cuda::Device::open_with(&libraries, &settings).unwrap()
    };
    Device::Cuda(DEVICE.get_or_init(open).clone())
}

/// The model on the processor, in bf16.
pub fn plain() -> Decoder {
    let config = serde_json::from_value(json!({
        "model_type": "mistral", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "vocab_size": VOCABULARY,
        "initializer_range": 0.15,
    }))
    .unwrap();
    let mut decoder = Decoder::init(config, &Initialization::Normal, 5).unwrap();
    decoder.set_precision(Precision::Bf16).unwrap();
    decoder
}

/// The same with an adapter that does something.
pub fn adapted(seed: u64) -> Decoder {
    let mut decoder = plain();
    decoder.new_adapter(&LoraConfig { lora_r: 4, lora_alpha: 8.0, ..LoraConfig::default() }, seed).unwrap();
    for (name, variable) in decoder.variables() {
        if name.contains("lora_B") {
            variable.set(&variable.ones_like().unwrap().affine(0.04 * seed as f64, 0.0).unwrap()).unwrap();
        }
    }
    decoder
}

/// A decoder brought to the device.
pub fn there(mut decoder: Decoder) -> Decoder {
    decoder.to_device(&device()).unwrap();
    decoder
}
