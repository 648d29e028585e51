//! Generation: against the training forward on the same device, and against the processor's cache.

pub mod adapters;
pub mod graphs;
pub mod memory;
pub mod quantised;
pub mod reads;
pub mod slots;

use candle_core::Tensor;
use lam_model::{Decoder, DecoderConfig, Device, Finetuning, Initialization, Mode, PackedBatch, Precision};

use crate::models::device_of;

pub const VOCABULARY: usize = 48;

/// What a model is like.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub architecture: &'static str,
    /// Query heads, key-value heads, values of each.
    pub heads: (usize, usize, usize),
    pub window: Option<usize>,
}

pub const KIND: Kind = Kind { architecture: "mistral", heads: (4, 2, 64), window: None };

pub fn config(kind: Kind) -> DecoderConfig {
    serde_json::from_value(serde_json::json!({
        "model_type": kind.architecture, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": kind.heads.0,
        "num_key_value_heads": kind.heads.1, "head_dim": kind.heads.2, "intermediate_size": 96,
        "vocab_size": VOCABULARY, "max_position_embeddings": 4096, "initializer_range": 0.12, "rope_theta": 1e4,
        "sliding_window": kind.window, "use_sliding_window": false
    }))
    .unwrap()
}

/// A model from a directory, on the processor, in bf16.
pub fn on_cpu(kind: Kind, finetuning: &Finetuning) -> Decoder {
    on_cpu_of(config(kind), finetuning)
}

/// The same of any sizes.
pub fn on_cpu_of(config: DecoderConfig, finetuning: &Finetuning) -> Decoder {
    let directory = tempfile::tempdir().unwrap();
    let fresh = Decoder::init(config, &Initialization::Normal, 3).unwrap();
    stir(&fresh, |name| name.ends_with(".bias") || name.contains("_norm."), 1.0);
    fresh.save(directory.path()).unwrap();
    let mut decoder = Decoder::load(directory.path(), finetuning, 5).unwrap();
    decoder.set_precision(Precision::Bf16).unwrap();
    decoder
}

/// The same model on a device.
pub fn on(device: &lam_cuda::Device, decoder: &Decoder) -> Decoder {
    let mut decoder = decoder.clone();
    decoder.to_device(&Device::Cuda(device.clone())).unwrap();
    decoder
}

/// A frozen model on a device of its own.
pub fn frozen(kind: Kind) -> Decoder {
    on(&device_of(64), &on_cpu(kind, &Finetuning::Frozen))
}

/// Adds something to variables that begin as zeros or ones, so that they do something.
pub fn stir(decoder: &Decoder, chosen: impl Fn(&str) -> bool, strength: f32) {
    for (i, (_, variable)) in decoder.variables().into_iter().enumerate().filter(|(_, (name, _))| chosen(name)) {
        let value = |j: usize| strength * (((i * 31 + j * 17) % 23) as f32 / 60.0 - 0.2);
        let values = (0..variable.elem_count()).map(value).collect();
        let values = Tensor::from_vec(values, variable.shape().clone(), variable.device()).unwrap();
        variable.set(&(variable.as_tensor() + values).unwrap()).unwrap();
    }
}

pub fn tokens(count: usize, seed: usize) -> Vec<u32> {
    (0..count).map(|i| ((i * 11 + seed * 7 + i * i % 5 + i / 7) % VOCABULARY) as u32).collect()
}

/// Logits of the training forward, after every token.
pub fn whole(decoder: &Decoder, tokens: &[u32]) -> Vec<f32> {
    let hidden = decoder.forward(&PackedBatch::from_documents([tokens]), Mode::Evaluate).unwrap();
    let positions: Vec<usize> = (0..tokens.len()).collect();
    decoder.logits(&hidden, &positions).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// The last row.
pub fn last(logits: &[f32]) -> &[f32] {
    &logits[logits.len() - VOCABULARY..]
}

/// Largest difference, relative to the largest expected value.
pub fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = |values: &mut dyn Iterator<Item = f32>| {
        values.fold(0.0_f32, |most, value| if value.is_nan() { f32::INFINITY } else { most.max(value.abs()) })
    };
    largest(&mut found.iter().zip(expected).map(|(a, b)| a - b)) / largest(&mut expected.iter().copied())
}

/// Within what bf16 leaves of numbers that are rounded at other places.
#[track_caller]
pub fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    let off = difference(found, expected);
    assert!(off < 1.5e-2, "{what}: {off}");
}
