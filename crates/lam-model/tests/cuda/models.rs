//! Small random models, on both devices.

use std::path::PathBuf;
use std::sync::OnceLock;

use candle_core::Tensor;
use lam_cuda::{Libraries, Settings, emulation};
use lam_model::{
    Decoder, DecoderConfig, Device, Finetuning, Initialization, LoraConfig, PackedBatch, Precision, Target,
};
use serde_json::{Value, json};

const MIB: usize = 1 << 20;

/// What this machine lacks for these tests, or nothing.
pub fn missing() -> Option<String> {
    if on_the_card() { None } else { emulation::missing() }
}

fn on_the_card() -> bool {
    std::env::var_os("LAM_TEST_CUDA").is_some_and(|value| value == "device")
}

/// Where the emulation is, unless a card is tested.
pub fn emulation_folder() -> Option<PathBuf> {
    let below = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    (!on_the_card()).then(|| emulation::build(&below).unwrap())
}

/// A device with so much memory.
pub fn device_of(mib: usize) -> lam_cuda::Device {
    if on_the_card() {
        return lam_cuda::Device::open(0, mib * MIB).unwrap();
    }
    let below = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let libraries = Libraries::in_folder(&emulation::build(&below).unwrap()).unwrap();
    let cache = Some(below.join("cache"));
    let settings = Settings { ordinal: 0, memory_bytes: mib * MIB, cache, poison: true, synchronous: false };
    lam_cuda::Device::open_with(&libraries, &settings).unwrap()
}

/// The device that tests share.
pub fn device() -> Device {
    static DEVICE: OnceLock<lam_cuda::Device> = OnceLock::new();
    Device::Cuda(DEVICE.get_or_init(|| device_of(256)).clone())
}

/// A model of two layers, with some keys otherwise.
pub fn config(other: Value) -> DecoderConfig {
    let mut keys = json!({
        "model_type": "mistral", "hidden_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "head_dim": 64, "intermediate_size": 160, "vocab_size": 104,
        "max_position_embeddings": 512, "initializer_range": 0.08, "sliding_window": null, "rope_theta": 1e4,
    });
    keys.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    serde_json::from_value(keys).unwrap()
}

pub fn lora() -> LoraConfig {
    LoraConfig { lora_r: 4, lora_alpha: 8.0, ..LoraConfig::default() }
}

/// A model in bf16 on the processor, its adapter awake.
pub fn on_cpu(config: DecoderConfig, finetuning: &Finetuning) -> Decoder {
    let directory = tempfile::tempdir().unwrap();
    Decoder::init(config, &Initialization::Normal, 3).unwrap().save(directory.path()).unwrap();
    let mut decoder = Decoder::load(directory.path(), finetuning, 5).unwrap();
    decoder.set_precision(Precision::Bf16).unwrap();
    wake(&decoder);
    decoder
}

/// The same model on the device.
pub fn on_device(config: DecoderConfig, finetuning: &Finetuning) -> Decoder {
    let mut decoder = on_cpu(config, finetuning);
    decoder.to_device(&device()).unwrap();
    decoder
}

/// Gives an adapter's second factor values, so that it does something.
pub fn wake(decoder: &Decoder) {
    for (i, (name, variable)) in decoder.variables().into_iter().enumerate() {
        if name.contains("lora_B") {
            let values: Vec<f32> =
                (0..variable.elem_count()).map(|j| ((i * 31 + j * 17) % 23) as f32 / 60.0 - 0.2).collect();
            let values = Tensor::from_vec(values, variable.shape().clone(), variable.device()).unwrap();
            variable.set(&values).unwrap();
        }
    }
}

/// Documents of odd lengths.
pub fn batch() -> PackedBatch {
    let tokens: Vec<u32> = (0..150).map(|i| (i * 7 + i * i % 5) % 101).collect();
    PackedBatch::from_documents([&tokens[..67], &tokens[67..68], &tokens[68..]])
}

/// Every token of a batch but the last is read, with different weights.
pub fn targets(batch: &PackedBatch) -> Vec<Target> {
    let tokens = &batch.input_ids;
    let target =
        |position: usize| Target { position, token: tokens[position + 1], weight: 0.5 + (position % 3) as f32 };
    (0..tokens.len() - 1).map(target).collect()
}

/// Size of the difference, relative to the size of what is right.
pub fn distance(found: &Tensor, right: &Tensor) -> f32 {
    assert_eq!(found.dims(), right.dims());
    let size = |x: &Tensor| x.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap().sqrt();
    let off = size(&(found - right).unwrap());
    assert!(off.is_finite(), "not a number");
    off / size(right).max(1e-12)
}
