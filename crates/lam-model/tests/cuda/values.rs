//! Values and what leads back from them to the hidden states.

use std::sync::Arc;

use candle_core::{Tensor, Var};
use lam_model::{Allowed, Decoder, Finetuning, Initialization, Mode, ScalarHead, Target, TokenSet};
use serde_json::json;

use crate::compared::device_gradients;
use crate::models::{batch, config, distance, lora, on_cpu, on_device};

const TRAIN: Mode = Mode::Train { dropout_seed: None };

pub fn logits_are_those_of_the_processor() {
    for (finetuning, limit) in [(Finetuning::Frozen, 1.5e-2), (Finetuning::Lora(lora()), 1.5e-2)] {
        let (ours, right) = (on_device(config(json!({})), &finetuning), on_cpu(config(json!({})), &finetuning));
        let positions = [0, 5, 66, 67, 149];
        let logits = |decoder: &Decoder| {
            decoder.logits(&decoder.forward(&batch(), Mode::Evaluate).unwrap(), &positions).unwrap()
        };
        let off = distance(&logits(&ours), &logits(&right));
        assert!(off < limit, "{finetuning:?}: {off}");
        let hidden = |decoder: &Decoder| decoder.forward(&batch(), Mode::Evaluate).unwrap().to_tensor().unwrap();
        assert!(distance(&hidden(&ours), &hidden(&right)) < limit);
    }
}

pub fn an_adapter_that_is_not_trained_acts() {
    let directory = tempfile::tempdir().unwrap();
    let trained = on_cpu(config(json!({})), &Finetuning::Lora(lora()));
    Decoder::init(config(json!({})), &Initialization::Normal, 3).unwrap().save(directory.path()).unwrap();
    trained.save_adapter(&directory.path().join("adapter"), None).unwrap();
    let source = lam_model::ModelSource::open(directory.path(), Some(&directory.path().join("adapter"))).unwrap();
    let logits =
        |decoder: &Decoder| decoder.logits(&decoder.forward(&batch(), Mode::Evaluate).unwrap(), &[0, 149]).unwrap();
    let mut ours = source.load(&Finetuning::Frozen, 0).unwrap();
    ours.to_device(&crate::models::device()).unwrap();
    let (found, right) = (logits(&ours), logits(&trained));
    let without = logits(&on_cpu(config(json!({})), &Finetuning::Frozen));
    assert!(distance(&found, &right) < 1.5e-2, "{}", distance(&found, &right));
    assert!(distance(&without, &right) > 5e-2, "the adapter does something");
}

/// Loss made of log-probabilities and entropies, each with a weight of its own.
fn of_log_probs(decoder: &Decoder) -> (Tensor, Tensor) {
    let (positions, tokens): (Vec<usize>, Vec<u32>) = (0..60).map(|i| (i * 2 % 149, (i * 7 % 101) as u32)).unzip();
    let hidden = decoder.forward(&batch(), TRAIN).unwrap();
    let (log_probs, entropies) = decoder.token_logprobs_and_entropies(&hidden, &positions, &tokens, 0.7).unwrap();
    let both = Tensor::cat(&[&log_probs, &entropies], 0).unwrap();
    let weights: Vec<f32> = (0..120).map(|i| (i * 5 % 11) as f32 / 7.0 - 0.6).collect();
    let weights = Tensor::from_vec(weights, 120, both.device()).unwrap();
    ((&both * weights).unwrap().sum_all().unwrap(), both.detach())
}

/// Loss made of log-probabilities where only some tokens may follow: at every second place the token and those beside it.
fn of_log_probs_among(decoder: &Decoder) -> (Tensor, Tensor) {
    let (positions, tokens): (Vec<usize>, Vec<u32>) = (0..60).map(|i| (i * 2 % 149, (i * 7 % 101) as u32)).unzip();
    let some = |token: u32| Arc::new(TokenSet::new(&[token, (token + 1) % 101, (token + 33) % 101], 101));
    let allowed: Vec<Allowed> =
        tokens.iter().enumerate().map(|(i, &token)| (i % 2 == 0).then(|| some(token))).collect();
    let hidden = decoder.forward(&batch(), TRAIN).unwrap();
    let log_probs = decoder.token_logprobs_among(&hidden, (&positions, &tokens), &allowed, 0.7).unwrap();
    let weights: Vec<f32> = (0..60).map(|i| (i * 5 % 11) as f32 / 7.0 - 0.6).collect();
    let weights = Tensor::from_vec(weights, 60, log_probs.device()).unwrap();
    ((&log_probs * weights).unwrap().sum_all().unwrap(), log_probs.detach())
}

pub fn log_probabilities_of_what_may_follow_and_their_gradients() {
    let finetuning = Finetuning::Lora(lora());
    let (ours, right) = (on_device(config(json!({})), &finetuning), on_cpu(config(json!({})), &finetuning));
    let ((our_loss, our_values), (loss, values)) = (of_log_probs_among(&ours), of_log_probs_among(&right));
    assert!(distance(&our_values, &values) < 5e-3, "{}", distance(&our_values, &values));
    device_gradients(&ours, &our_loss, &right, &loss, 4e-2);
}

pub fn log_probabilities_entropies_and_their_gradients() {
    let finetuning = Finetuning::Lora(lora());
    let (ours, right) = (on_device(config(json!({})), &finetuning), on_cpu(config(json!({})), &finetuning));
    let ((our_loss, our_values), (loss, values)) = (of_log_probs(&ours), of_log_probs(&right));
    assert!(distance(&our_values, &values) < 5e-3, "{}", distance(&our_values, &values));
    device_gradients(&ours, &our_loss, &right, &loss, 4e-2);
}

/// Loss made of scores.
fn of_scores(decoder: &Decoder, head: &ScalarHead, positions: &[usize]) -> (Tensor, Tensor) {
    let hidden = decoder.forward(&batch(), TRAIN).unwrap();
    let scores = head.scores(&hidden, positions).unwrap();
    let weights: Vec<f32> = (0..positions.len()).map(|i| (i * 5 % 11) as f32 / 7.0 - 0.6).collect();
    let weights = Tensor::from_vec(weights, positions.len(), scores.device()).unwrap();
    ((&scores * weights).unwrap().sum_all().unwrap(), scores.detach())
}

fn gradient_of(head: &ScalarHead, loss: &Tensor) -> Tensor {
    let variable: Var = head.variables().remove(0).1;
    loss.backward().unwrap().get(&variable).unwrap().clone()
}

pub fn scores_and_their_gradients() {
    scores_of(&[3, 66, 67, 149]);
}

pub fn positions_that_are_read_twice_count_twice() {
    scores_of(&[3, 66, 3, 149, 3, 66]);
    let finetuning = Finetuning::Lora(lora());
    let (ours, right) = (on_device(config(json!({})), &finetuning), on_cpu(config(json!({})), &finetuning));
    let target = |i: u32| Target { position: [3, 66, 140][i as usize % 3], token: i * 7 % 101, weight: 1.0 };
    let targets: Vec<Target> = (0..20).map(target).collect();
    let loss = |decoder: &Decoder| decoder.cross_entropy(&decoder.forward(&batch(), TRAIN).unwrap(), &targets).unwrap();
    device_gradients(&ours, &loss(&ours), &right, &loss(&right), 4e-2);
}

fn scores_of(positions: &[usize]) {
    let finetuning = Finetuning::Lora(lora());
    let head = ScalarHead::new(96, 7).unwrap();
    let (ours, right) = (on_device(config(json!({})), &finetuning), on_cpu(config(json!({})), &finetuning));
    let ((our_loss, our_scores), (loss, scores)) =
        (of_scores(&ours, &head, positions), of_scores(&right, &head, positions));
    assert!(distance(&our_scores, &scores) < 1.5e-2, "{}", distance(&our_scores, &scores));
    // The backward runs once: the head's gradient and the adapter's are looked at apart.
    assert!(distance(&gradient_of(&head, &our_loss), &gradient_of(&head, &loss)) < 1.5e-2);
    ours.device_parameters().unwrap().clear_gradients().unwrap();
    let ((our_loss, _), (loss, _)) = (of_scores(&ours, &head, positions), of_scores(&right, &head, positions));
    device_gradients(&ours, &our_loss, &right, &loss, 4e-2);
}
