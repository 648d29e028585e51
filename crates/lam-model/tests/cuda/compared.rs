//! Gradients of all that is trained, beside the processor's in bf16.

use candle_core::Tensor;
use lam_learn::{AdamWConfig, AdamWStep};
use lam_model::{Decoder, DecoderConfig, Finetuning, LoraConfig, Mode, PackedBatch, Prefix, Target, TargetModules};
use serde_json::{Value, json};

use crate::models::{batch, config, distance, lora, on_cpu, on_device, targets};

/// What two ways of rounding to bf16 may be apart in a gradient, by its norm.
const LIMIT: f32 = 4e-2;

/// Compares the gradients of two losses, ours on the device, by each trained weight and in all.
pub fn device_gradients(ours: &Decoder, our_loss: &Tensor, right: &Decoder, loss: &Tensor, limit: f32) {
    assert!(distance(&our_loss.detach(), &loss.detach()) < 1e-2, "losses {our_loss} {loss}");
    let store = loss.backward().unwrap();
    our_loss.backward().unwrap();
    let parameters = ours.device_parameters().unwrap();
    let names: Vec<String> = right.variables().into_iter().map(|(name, _)| name).collect();
    assert_eq!(parameters.names(), names);
    let norm = parameters.squared_norm().unwrap().sqrt();
    // A first step without a rate leaves a tenth of the gradient in the first moment.
    let config = AdamWConfig { beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.0 };
    parameters.step(&AdamWStep { config, learning_rate: 0.0, corrections: (0.1, 0.001), scale: 1.0 }).unwrap();
    let (mut off, mut whole) = (0.0, 0.0);
    for ((name, variable), (_, first, _)) in right.variables().into_iter().zip(parameters.moments().unwrap()) {
        let (found, right) = ((first * 10.0).unwrap(), store.get(&variable).unwrap());
        let own = distance(&found, right);
        let size = right.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(own < 3.0 * limit || size < 1e-8, "{name}: {own}");
        off += own * own * size;
        whole += size;
    }
    let off = (off / whole).sqrt();
    assert!(off < limit, "all gradients: {off}");
    assert!((norm / f64::from(whole.sqrt()) - 1.0).abs() < f64::from(limit), "norms {norm} {}", whole.sqrt());
}

fn compare(config: DecoderConfig, finetuning: &Finetuning, batch: &PackedBatch, targets: &[Target], mode: Mode) {
    let (mut ours, mut right) = (on_device(config.clone(), finetuning), on_cpu(config, finetuning));
    for decoder in [&mut ours, &mut right] {
        decoder.set_gradient_checkpointing(false);
    }
    let loss = |decoder: &Decoder| {
        let hidden = decoder.forward(batch, mode).unwrap();
        decoder.cross_entropy_counted(&hidden, targets).unwrap()
    };
    let ((our_loss, our_hits), (loss, hits)) = (loss(&ours), loss(&right));
    assert!(our_hits.abs_diff(hits) <= targets.len() / 50 + 1, "{our_hits} {hits}");
    device_gradients(&ours, &our_loss, &right, &loss, LIMIT);
}

fn compare_plain(other: Value, finetuning: &Finetuning) {
    let batch = batch();
    compare(config(other), finetuning, &batch, &targets(&batch), Mode::Train { dropout_seed: None });
}

pub fn an_adapter_gets_its_gradients() {
    compare_plain(json!({}), &Finetuning::Lora(lora()));
}

pub fn an_adapter_on_some_layers_gets_its_gradients() {
    for modules in [&["q_proj", "v_proj"][..], &["down_proj"], &["k_proj", "o_proj", "up_proj"]] {
        let modules = modules.iter().map(|&name| name.to_owned()).collect();
        let lora = LoraConfig { lora_target_modules: TargetModules::List(modules), ..lora() };
        compare_plain(json!({}), &Finetuning::Lora(lora));
    }
}

pub fn all_weights_get_their_gradients() {
    compare_plain(json!({}), &Finetuning::Full);
}

pub fn biases_and_norms_of_heads_get_their_gradients() {
    for kind in ["qwen2", "qwen3", "llama"] {
        let other = json!({ "model_type": kind, "use_sliding_window": false });
        compare_plain(other.clone(), &Finetuning::Full);
        compare_plain(other, &Finetuning::Lora(lora()));
    }
}

pub fn tied_weights_get_their_gradients() {
    compare_plain(json!({ "tie_word_embeddings": true }), &Finetuning::Full);
}

pub fn quantised_weights_let_gradients_through() {
    let wide = json!({ "hidden_size": 256, "intermediate_size": 256 });
    for (bits, other) in [(8, json!({})), (4, json!({})), (4, wide)] {
        compare_plain(other, &Finetuning::Qlora { lora: lora(), bits });
    }
}

pub fn dropout_drops_the_same() {
    let batch = batch();
    let finetuning = Finetuning::Lora(LoraConfig { lora_dropout: 0.3, ..lora() });
    compare(config(json!({})), &finetuning, &batch, &targets(&batch), Mode::Train { dropout_seed: Some(11) });
}

pub fn recomputed_tapes_give_the_same_gradients() {
    let finetuning = Finetuning::Lora(lora());
    let gradients = |checkpointing: bool| {
        let mut decoder = on_cpu(config(json!({})), &finetuning);
        decoder.set_gradient_checkpointing(checkpointing);
        decoder.to_device(&crate::models::device()).unwrap();
        let hidden = decoder.forward(&batch(), Mode::Train { dropout_seed: None }).unwrap();
        decoder.cross_entropy(&hidden, &targets(&batch())).unwrap().backward().unwrap();
        decoder.device_parameters().unwrap().squared_norm().unwrap()
    };
    assert_eq!(gradients(true), gradients(false));
}

pub fn windows_and_heads_of_every_width() {
    for (head_dim, window) in [(32, None), (64, Some(9)), (80, None), (96, Some(30)), (128, Some(70)), (128, None)] {
        compare_plain(json!({ "head_dim": head_dim, "sliding_window": window }), &Finetuning::Lora(lora()));
    }
}

pub fn texts_that_begin_alike_share_rows() {
    let text = |own: u32, length: u32| -> Vec<u32> {
        (0..70).map(|i| i * 3 % 101).chain((0..length).map(|i| (own + i * 5) % 101)).collect()
    };
    let texts = [text(1, 20), text(2, 33), text(3, 1), (0..41).collect()];
    let prefixes: Vec<Prefix<'_>> = texts.iter().map(|text| Prefix { text, shareable: 69 }).collect();
    let (batch, places) = PackedBatch::sharing(&prefixes);
    assert!(!batch.forks.is_empty());
    let target = |(text, place): (&Vec<u32>, &lam_model::TextRows)| {
        let place = *place;
        let texts = text.clone();
        (69.min(texts.len() - 2)..texts.len() - 1).map(move |i| Target {
            position: place.row(i),
            token: texts[i + 1],
            weight: 1.0,
        })
    };
    let targets: Vec<Target> = texts.iter().zip(&places).flat_map(target).collect();
    for head_dim in [64, 128] {
        let config = config(json!({ "head_dim": head_dim }));
        compare(config, &Finetuning::Lora(lora()), &batch, &targets, Mode::Train { dropout_seed: None });
    }
}
