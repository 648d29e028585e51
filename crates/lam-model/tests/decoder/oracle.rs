//! A second implementation as the oracle: our logits against candle-transformers' Mistral and its quantised Mistral
//! over the same random weights, token by token over a cache and whole texts without one.
//!
//! candle's `sliding_window` counts the tokens before the present one, Hugging Face's and ours the present one too. Its
//! cached steps see everything, whatever the window; so with a window its whole forward is the measure of our steps.

use std::io::Cursor;

use candle_core::quantized::{GgmlDType, QTensor, gguf_file};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{mistral, quantized_mistral};
use lam_model::{CacheOptions, Decoder, DecoderConfig, Finetuning, Initialization, Mode, PackedBatch};
use tempfile::TempDir;

use crate::tiny;

const VOCABULARY: usize = 61;
const LENGTH: usize = 30;

/// Four query heads over two key-value heads. Weights are as large for any width that attention is neither even nor
/// fixed on one token.
fn config(hidden: usize, window: Option<usize>) -> DecoderConfig {
    serde_json::from_value(serde_json::json!({
        "model_type": "mistral", "hidden_size": hidden, "num_hidden_layers": 3, "num_attention_heads": 4,
        "num_key_value_heads": 2, "intermediate_size": 2 * hidden, "vocab_size": VOCABULARY, "rope_theta": 5000.0,
        "max_position_embeddings": LENGTH, "rms_norm_eps": 1e-5, "initializer_range": 1.2 / (hidden as f64).sqrt(), "sliding_window": window,
    }))
    .unwrap()
}

/// A saved model whose norms are not all ones.
fn saved(config: DecoderConfig) -> TempDir {
    let decoder = Decoder::init(config, &Initialization::Normal, 11).unwrap();
    for (name, variable) in decoder.variables().into_iter().filter(|(name, _)| name.contains("norm")) {
        let values = (0..variable.elem_count()).map(|i| 0.6 + ((i * 29 + name.len()) % 17) as f32 / 20.0).collect();
        variable.set(&Tensor::from_vec::<_, f32>(values, variable.shape(), &Device::Cpu).unwrap()).unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    decoder.save(directory.path()).unwrap();
    directory
}

fn tensors(directory: &TempDir) -> std::collections::HashMap<String, Tensor> {
    candle_core::safetensors::load(directory.path().join("model.safetensors"), &Device::Cpu).unwrap()
}

/// The same shape in candle's words.
fn theirs(config: &DecoderConfig) -> mistral::Config {
    mistral::Config {
        vocab_size: config.vocab_size,
        hidden_size: config.hidden_size,
        intermediate_size: config.intermediate_size,
        num_hidden_layers: config.num_hidden_layers,
        num_attention_heads: config.num_attention_heads,
        head_dim: config.head_dim,
        num_key_value_heads: config.num_key_value_heads,
        hidden_act: candle_nn::Activation::Silu,
        max_position_embeddings: config.max_position_embeddings,
        rms_norm_eps: config.rms_norm_eps,
        rope_theta: config.theta(),
        sliding_window: config.sliding_window.map(|window| window - 1),
        use_flash_attn: false,
    }
}

fn text() -> Vec<u32> {
    (0..LENGTH as u32).map(|i| (i * 13 + i * i % 7) % VOCABULARY as u32).collect()
}

/// Logits after each token of a text. Shape: [tokens][V].
type Logits = Vec<Vec<f32>>;

/// Our training forward over the whole text.
fn ours_whole(decoder: &Decoder) -> Logits {
    let hidden = decoder.forward(&PackedBatch::from_documents([text()]), Mode::Evaluate).unwrap();
    decoder.logits(&hidden, &(0..LENGTH).collect::<Vec<_>>()).unwrap().to_vec2().unwrap()
}

/// Our generation: a prompt at once, then token by token over its cache.
fn ours_cached(decoder: &Decoder, options: CacheOptions) -> Logits {
    let (mut cache, text) = (decoder.new_cache_with(1, options).unwrap(), text());
    text.iter().map(|token| cache.decode(&[(0, &[*token])]).unwrap()).collect()
}

/// Their forward from a position on; it gives the logits after the last token.
type Forward<'a> = &'a mut dyn FnMut(&Tensor, usize) -> Result<Tensor>;

fn last(forward: Forward<'_>, tokens: &[u32], position: usize) -> Vec<f32> {
    let logits = forward(&Tensor::new(tokens, &Device::Cpu).unwrap().unsqueeze(0).unwrap(), position).unwrap();
    logits.flatten_all().unwrap().to_vec1().unwrap()
}

/// Token by token over their cache.
fn theirs_cached(forward: Forward<'_>) -> Logits {
    text().iter().enumerate().map(|(position, token)| last(forward, &[*token], position)).collect()
}

/// Every beginning of the text as a whole.
fn theirs_whole(forward: Forward<'_>) -> Logits {
    (1..=LENGTH).map(|length| last(forward, &text()[..length], 0)).collect()
}

/// Largest difference over all tokens, relative to the largest logit.
fn difference(ours: &Logits, theirs: &Logits) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let largest = theirs.iter().flatten().fold(0.0_f32, |a, b| a.max(b.abs()));
    let off = ours.iter().flatten().zip(theirs.iter().flatten()).map(|(a, b)| (a - b).abs());
    assert_eq!(ours.iter().flatten().count(), LENGTH * VOCABULARY);
    off.fold(0.0, f32::max) / largest
}

/// Both sum in f32, in another order: a few units in the last place of each of three layers.
const F32: f32 = 1e-5;

#[test]
fn logits_equal_candles_mistral_with_and_without_a_cache() {
    for window in [None, Some(7)] {
        let config = config(64, window);
        let directory = saved(config.clone());
        let decoder = Decoder::load(directory.path(), &Finetuning::Frozen, 0).unwrap();
        let (whole, cached) = (ours_whole(&decoder), ours_cached(&decoder, CacheOptions::default()));
        let weights = VarBuilder::from_tensors(tensors(&directory), DType::F32, &Device::Cpu);
        let mut model = mistral::Model::new(&theirs(&config), weights).unwrap();
        let expected = theirs_whole(&mut |tokens, position| {
            model.clear_kv_cache();
            model.forward(tokens, position)
        });
        for found in [&whole, &cached] {
            let off = difference(found, &expected);
            assert!(off < F32, "window {window:?}: {off}");
        }
        model.clear_kv_cache();
        let steps = theirs_cached(&mut |tokens, position| model.forward(tokens, position));
        let off = difference(&cached, &steps);
        assert!(if window.is_none() { off < F32 } else { off > 100.0 * F32 }, "window {window:?}, their cache: {off}");
    }
}

/// GGUF bytes with the linear layers of the blocks in `form`, everything else in f32, as under our QLoRA. If
/// `expanded`, what was rounded to `form` is stored in f32: candle then multiplies it as it is.
fn gguf(directory: &TempDir, form: GgmlDType, expanded: bool) -> Vec<u8> {
    let quantised = |(name, tensor): (String, Tensor)| {
        let form = if name.contains("_proj") { form } else { GgmlDType::F32 };
        let tensor = QTensor::quantize(&tensor, form).unwrap();
        let wide = || QTensor::quantize(&tensor.dequantize(&Device::Cpu).unwrap(), GgmlDType::F32).unwrap();
        (name, if expanded { wide() } else { tensor })
    };
    let tensors: Vec<_> = tensors(directory).into_iter().map(quantised).collect();
    let named: Vec<_> = tensors.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let mut bytes = Cursor::new(Vec::new());
    gguf_file::write(&mut bytes, &[], &named).unwrap();
    bytes.into_inner()
}

/// Logits of candle's quantised Mistral: of whole texts; and over its cache, where that knows no window.
fn theirs_quantised(config: &DecoderConfig, bytes: &[u8]) -> Vec<Logits> {
    let weights = quantized_mistral::VarBuilder::from_gguf_buffer(bytes, &Device::Cpu).unwrap();
    let mut model = quantized_mistral::Model::new(&theirs(config), weights).unwrap();
    let whole = theirs_whole(&mut |tokens, position| {
        model.clear_kv_cache();
        model.forward(tokens, position)
    });
    model.clear_kv_cache();
    let cached = config.sliding_window.is_none();
    let cached = cached.then(|| theirs_cached(&mut |tokens, position| model.forward(tokens, position)));
    [whole].into_iter().chain(cached).collect()
}

/// We round the expanded weights to bf16: each is off by a thousandth, and the largest of all logits after three
/// layers by 0.015. Without any quantisation they are off by 0.03 to 0.8, at least twice as far.
const EXPANDED: f32 = 2e-2;
/// candle's products of blocks also round their inputs to 8 bits with a common factor: each is off by half a hundredth,
/// the logits by up to 0.055.
const BLOCKS: f32 = 1e-1;

#[test]
fn quantised_logits_are_those_of_candles_quantised_mistral() {
    for (bits, hidden, form) in [(8, 64, GgmlDType::Q8_0), (4, 64, GgmlDType::Q4_0), (4, 256, GgmlDType::Q4K)] {
        for window in [None, Some(7)] {
            let config = config(hidden, window);
            let directory = saved(config.clone());
            let qlora = Finetuning::Qlora { lora: tiny::lora(0.0), bits };
            let decoder = Decoder::load(directory.path(), &qlora, 0).unwrap();
            let plain = ours_whole(&Decoder::load(directory.path(), &Finetuning::Frozen, 0).unwrap());
            let ours = [ours_whole(&decoder), ours_cached(&decoder, CacheOptions::default())];
            for (expanded, tolerance) in [(true, EXPANDED), (false, BLOCKS)] {
                for expected in theirs_quantised(&config, &gguf(&directory, form, expanded)) {
                    let unquantised = difference(&plain, &expected);
                    for found in &ours {
                        let off = difference(found, &expected);
                        assert!(!expanded || 2.0 * off < unquantised, "{form:?}: {off} {unquantised}");
                        assert!(off < tolerance, "{form:?}, window {window:?}, expanded {expanded}: {off}");
                    }
                }
            }
        }
    }
}
