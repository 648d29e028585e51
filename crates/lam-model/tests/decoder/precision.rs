//! Products in bf16 stay near f32, and a quantised base is the model that its expanded weights make.

use candle_core::{Device, Tensor};
use lam_model::{Decoder, DecoderConfig, Finetuning, Initialization, Mode, PackedBatch, Precision};

use crate::reference::{Expected, difference, directory, targets};
use crate::tiny;

fn hidden(decoder: &Decoder, batch: &PackedBatch) -> Tensor {
    decoder.forward(batch, Mode::Train { dropout_seed: None }).unwrap().to_tensor().unwrap()
}

/// Distance relative to the size of what is right.
fn distance(found: &Tensor, right: &Tensor) -> f32 {
    let size = |x: &Tensor| x.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap().sqrt();
    size(&(found - right).unwrap()) / size(right).max(1e-6)
}

/// Loss and named gradients.
fn gradients(decoder: &Decoder) -> (f32, Vec<(String, Tensor)>) {
    let batch = tiny::batch();
    let loss = decoder
        .cross_entropy(&decoder.forward(&batch, Mode::Train { dropout_seed: Some(4) }).unwrap(), &targets(&batch))
        .unwrap();
    let store = loss.backward().unwrap();
    let named = decoder.variables().into_iter().map(|(name, variable)| {
        let gradient = store.get(&variable).unwrap_or_else(|| panic!("`{name}` has no gradient")).clone();
        (name, gradient)
    });
    (loss.to_scalar().unwrap(), named.collect())
}

fn near(ours: &Decoder, right: &Decoder, limit: f32) {
    let ((loss, found), (right_loss, right)) = (gradients(ours), gradients(right));
    assert!((loss / right_loss - 1.0).abs() < limit, "{loss} {right_loss}");
    for ((name, found), (_, right)) in found.iter().zip(&right) {
        let off = distance(found, right);
        assert!(off < limit, "gradient of `{name}` is off by {off}");
    }
}

#[test]
fn bf16_stays_near_the_reference_in_every_mode() {
    // How far PyTorch's autocast is off at worst, by scripts/fixtures/autocast_error.py.
    for (name, autocast) in [("grouped", 0.0904), ("window", 0.0228), ("shards", 0.0156)] {
        let mut decoder = Decoder::load(&directory(name), &Finetuning::Full, 0).unwrap();
        decoder.set_precision(Precision::Bf16).unwrap();
        let expected = Expected::of(name);
        let (batch, positions): (_, Vec<usize>) = (expected.batch(), (0..expected.batch().tokens()).collect());
        let hidden = decoder.forward(&batch, Mode::Train { dropout_seed: None }).unwrap();
        let off = distance(&decoder.logits(&hidden, &positions).unwrap(), expected.get("logits"));
        assert!(off < 0.02, "logits of {name} are off by {off}");
        let store = decoder.cross_entropy(&hidden, &targets(&batch)).unwrap().backward().unwrap();
        for (variable_name, variable) in decoder.variables() {
            let found = store.get(&variable).unwrap_or_else(|| panic!("`{variable_name}` has no gradient"));
            let off = distance(found, expected.get(&format!("grad.{variable_name}")));
            assert!(off < 1.2 * autocast, "{name}: gradient of `{variable_name}` is off by {off}");
        }
    }
    // Rounding alone moves the smallest of these gradients by a twenty-fifth of their size.
    let limit = 0.045;
    for dropout in [0.0, 0.3] {
        let in_f32 = tiny::reloaded(&Finetuning::Lora(tiny::lora(dropout)));
        tiny::wake(&in_f32);
        let mut in_bf16 = tiny::reloaded(&Finetuning::Lora(tiny::lora(dropout)));
        tiny::wake(&in_bf16);
        in_bf16.set_precision(Precision::Bf16).unwrap();
        near(&in_bf16, &in_f32, limit);
        in_bf16.set_gradient_checkpointing(true);
        near(&in_bf16, &in_f32, limit);
    }
}

/// A model whose rows are cut into blocks of 32 and of 256.
fn wide() -> tempfile::TempDir {
    let mut config: DecoderConfig = tiny::config();
    (config.hidden_size, config.intermediate_size) = (96, 256);
    config.head_dim = Some(24);
    let directory = tempfile::tempdir().unwrap();
    Decoder::init(config, &Initialization::Normal, 3).unwrap().save(directory.path()).unwrap();
    directory
}

#[test]
fn gradients_pass_through_a_quantised_base_as_through_its_expanded_weights() {
    let model = wide();
    let plain = Decoder::load(model.path(), &Finetuning::Lora(tiny::lora(0.0)), 5).unwrap();
    let mut sizes = vec![plain.weight_bytes()];
    for bits in [8, 4] {
        let qlora = Finetuning::Qlora { lora: tiny::lora(0.0), bits };
        let mut quantised = Decoder::load(model.path(), &qlora, 5).unwrap();
        tiny::wake(&quantised);
        sizes.push(quantised.weight_bytes());
        let expanded = tempfile::tempdir().unwrap();
        quantised.save(expanded.path()).unwrap();
        let right = Decoder::load(expanded.path(), &Finetuning::Lora(tiny::lora(0.0)), 5).unwrap();
        tiny::wake(&right);
        near(&quantised, &right, 1e-4);
        let shift = difference(
            &hidden(&plain, &tiny::batch()),
            &hidden(&Decoder::load(expanded.path(), &Finetuning::Frozen, 0).unwrap(), &tiny::batch()),
        );
        assert!(shift > 0.0, "{bits} bits change nothing");
        quantised.set_precision(Precision::Bf16).unwrap();
        near(&quantised, &right, 0.09);
    }
    assert!(sizes.is_sorted_by(|a, b| a > b), "{sizes:?}");
}

#[test]
fn other_bits_are_refused() {
    let qlora = Finetuning::Qlora { lora: tiny::lora(0.0), bits: 3 };
    let message = Decoder::load(wide().path(), &qlora, 0).unwrap_err().to_string();
    assert!(message.contains("`quantization_bit` = 3: must be 8 (Q8_0) or 4"), "{message}");
}

#[test]
fn frozen_weights_in_bf16_take_half_the_memory_and_change_nothing() {
    let full = Decoder::load(&directory("shards"), &Finetuning::Full, 0).unwrap();
    let frozen = Decoder::load(&directory("shards"), &Finetuning::Frozen, 0).unwrap();
    assert!(frozen.weight_bytes() * 10 < full.weight_bytes() * 6);
    let batch = Expected::of("shards").batch();
    let (a, b) = (hidden(&full, &batch), hidden(&frozen, &batch));
    assert!(difference(&a, &b) < 1e-5);
    assert_eq!(a.device().location(), Device::Cpu.location());
}
