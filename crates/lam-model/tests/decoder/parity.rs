//! Logits, losses, gradients and trained weights equal those of transformers, PEFT and PyTorch.

use candle_core::Tensor;
use lam_model::{Decoder, Finetuning, LoraConfig, Mode, ModelSource, ScalarHead, is_reward_model};

use crate::reference::{Expected, difference, directory, targets};

fn compare(decoder: &Decoder, expected: &Expected) {
    within(1e-4, decoder, expected);
}

/// Logits, loss and gradients are nearer than this to the expected ones, relative to the largest of each tensor.
pub fn within(tolerance: f32, decoder: &Decoder, expected: &Expected) {
    let batch = expected.batch();
    let hidden = decoder.forward(&batch, Mode::Train { dropout_seed: None }).unwrap();
    let positions: Vec<usize> = (0..batch.tokens()).collect();
    let logits = decoder.logits(&hidden, &positions).unwrap();
    let off = difference(&logits, expected.get("logits"));
    assert!(off < tolerance, "logits are off by {off}");
    let loss = decoder.cross_entropy(&hidden, &targets(&batch)).unwrap();
    assert!(difference(&loss.reshape(1).unwrap(), expected.get("loss")) < tolerance, "loss");
    let gradients = loss.backward().unwrap();
    for (name, variable) in decoder.variables() {
        let found = gradients.get(&variable).unwrap_or_else(|| panic!("`{name}` has no gradient"));
        let off = difference(found, expected.get(&format!("grad.{name}")));
        assert!(off < tolerance, "gradient of `{name}` is off by {off}");
    }
}

#[test]
fn a_full_model_with_grouped_queries_and_untied_embeddings() {
    compare(&Decoder::load(&directory("grouped"), &Finetuning::Full, 0).unwrap(), &Expected::of("grouped"));
}

#[test]
fn a_sliding_window_with_tied_embeddings_and_the_older_rope_form() {
    compare(&Decoder::load(&directory("window"), &Finetuning::Full, 0).unwrap(), &Expected::of("window"));
}

#[test]
fn bf16_shards_and_a_head_of_eighty() {
    compare(&Decoder::load(&directory("shards"), &Finetuning::Full, 0).unwrap(), &Expected::of("shards"));
}

#[test]
fn adapters_on_every_layer_and_with_rank_stabilised_scale() {
    for name in ["lora", "rslora"] {
        let source = ModelSource::open(&directory("grouped"), Some(&directory(name))).unwrap();
        let mut decoder = source.load(&Finetuning::Lora(LoraConfig::default()), 0).unwrap();
        assert!(!decoder.variables().is_empty());
        compare(&decoder, &Expected::of(name));
        decoder.merge_adapter().unwrap();
        let expected = Expected::of(name);
        let hidden = decoder.forward(&expected.batch(), Mode::Train { dropout_seed: None }).unwrap();
        let positions: Vec<usize> = (0..expected.batch().tokens()).collect();
        let logits = decoder.logits(&hidden, &positions).unwrap();
        assert!(difference(&logits, expected.get("logits")) < 1e-4, "merged");
    }
}

#[test]
fn checkpointing_changes_no_gradient() {
    let mut decoder = Decoder::load(&directory("grouped"), &Finetuning::Full, 0).unwrap();
    decoder.set_gradient_checkpointing(true);
    compare(&decoder, &Expected::of("grouped"));
}

#[test]
fn ten_steps_of_adamw_end_at_pytorchs_weights() {
    let expected = Expected::of("grouped");
    let (batch, decoder) = (expected.batch(), Decoder::load(&directory("grouped"), &Finetuning::Full, 0).unwrap());
    let targets: Vec<_> =
        targets(&batch).into_iter().map(|target| lam_model::Target { weight: 1.0 / 22.0, ..target }).collect();
    let variables = decoder.variables();
    let zeros = || -> Vec<Tensor> { variables.iter().map(|(_, v)| v.zeros_like().unwrap()).collect() };
    let (mut first, mut second) = (zeros(), zeros());
    for step in 1..=10 {
        let loss = decoder
            .cross_entropy(&decoder.forward(&batch, Mode::Train { dropout_seed: None }).unwrap(), &targets)
            .unwrap();
        let gradients = loss.backward().unwrap();
        for (i, (_, variable)) in variables.iter().enumerate() {
            let g = gradients.get(variable).unwrap();
            first[i] = ((&first[i] * 0.9).unwrap() + (g * 0.1).unwrap()).unwrap();
            second[i] = ((&second[i] * 0.95).unwrap() + (g.sqr().unwrap() * 0.05).unwrap()).unwrap();
            let m = (&first[i] / (1.0 - 0.9f64.powi(step))).unwrap();
            let v = (&second[i] / (1.0 - 0.95f64.powi(step))).unwrap();
            let update = (m / (v.sqrt().unwrap() + 1e-8).unwrap()).unwrap();
            variable.set(&(variable.as_tensor() - (update * 1e-2).unwrap()).unwrap()).unwrap();
        }
    }
    for (name, variable) in &variables {
        let off = difference(variable, expected.get(&format!("adamw.{name}")));
        assert!(off < 1e-3, "`{name}` is off by {off}");
    }
}

#[test]
fn a_reward_model_scores_as_the_sequence_classifier() {
    let expected = Expected::of("reward");
    let batch = expected.batch();
    let ends: Vec<usize> = batch
        .lengths
        .iter()
        .scan(0, |end, length| {
            *end += length;
            Some(*end - 1)
        })
        .collect();
    let (decoder, head) = Decoder::load_reward_model(&directory("reward")).unwrap();
    let scores = head.scores(&decoder.forward(&batch, Mode::Train { dropout_seed: None }).unwrap(), &ends).unwrap();
    assert!(difference(&scores, expected.get("scores")) < 1e-4);
    let copy = tempfile::tempdir().unwrap();
    decoder.save_reward_model(&head, 0, copy.path()).unwrap();
    assert!(is_reward_model(copy.path()).unwrap() && is_reward_model(&directory("reward")).unwrap());
    assert!(!is_reward_model(&directory("grouped")).unwrap());
    let (decoder, head): (Decoder, ScalarHead) = Decoder::load_reward_model(copy.path()).unwrap();
    let scores = head.scores(&decoder.forward(&batch, Mode::Train { dropout_seed: None }).unwrap(), &ends).unwrap();
    assert!(difference(&scores, expected.get("scores")) < 1e-4);
}

#[test]
fn an_adapter_written_here_is_the_adapter_that_was_read() {
    let source = ModelSource::open(&directory("grouped"), Some(&directory("lora"))).unwrap();
    let decoder = source.load(&Finetuning::Frozen, 0).unwrap();
    let copy = tempfile::tempdir().unwrap();
    decoder.save_adapter(copy.path(), Some("base")).unwrap();
    let read = |path: &std::path::Path| {
        candle_core::safetensors::load(path.join("adapter_model.safetensors"), &candle_core::Device::Cpu).unwrap()
    };
    let (ours, theirs) = (read(copy.path()), read(&directory("lora")));
    assert_eq!(ours.len(), theirs.len());
    for (name, tensor) in theirs {
        assert_eq!(difference(&ours[&name], &tensor), 0.0, "{name}");
    }
    let lora: &LoraConfig = decoder.lora().unwrap();
    assert_eq!((lora.lora_r, lora.lora_alpha), (3, 5.0));
}
