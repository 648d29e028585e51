//! Every mode trains what it says, all of it, and documents in a batch do not see each other.

use std::sync::Arc;

use lam_model::{
    Allowed, Decoder, Finetuning, Hidden, LoraConfig, Mode, PackedBatch, Prefix, Target, TargetModules, TokenSet,
    shared_rows,
};

use crate::reference::{difference, targets};
use crate::tiny;

fn check_gradients(decoder: &Decoder, count: usize) {
    let batch = tiny::batch();
    let loss = decoder
        .cross_entropy(&decoder.forward(&batch, Mode::Train { dropout_seed: Some(1) }).unwrap(), &targets(&batch))
        .unwrap();
    let gradients = loss.backward().unwrap();
    let variables = decoder.variables();
    assert_eq!(variables.len(), count);
    for (name, variable) in variables {
        let gradient = gradients.get(&variable).unwrap_or_else(|| panic!("`{name}` has no gradient"));
        let size = gradient.abs().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(size > 0.0 && size.is_finite(), "`{name}`: {size}");
    }
}

#[test]
fn every_trainable_variable_has_a_gradient() {
    check_gradients(&tiny::decoder(), 2 * 9 + 3);
    for dropout in [0.0, 0.2] {
        let decoder = tiny::reloaded(&Finetuning::Lora(tiny::lora(dropout)));
        tiny::wake(&decoder);
        check_gradients(&decoder, 2 * 7 * 2);
    }
    let modules = TargetModules::List(vec!["v_proj".into(), "q_proj".into()]);
    let decoder = tiny::reloaded(&Finetuning::Lora(LoraConfig { lora_target_modules: modules, ..tiny::lora(0.0) }));
    tiny::wake(&decoder);
    check_gradients(&decoder, 2 * 2 * 2);
    assert_eq!(decoder.variables()[0].0, "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight");
    assert!(tiny::reloaded(&Finetuning::Frozen).variables().is_empty());
}

#[test]
fn token_log_probs_train_every_variable_too() {
    let (decoder, batch) = (tiny::decoder(), tiny::batch());
    let hidden = decoder.forward(&batch, Mode::Train { dropout_seed: None }).unwrap();
    let (log_probs, entropies) = decoder.token_logprobs_and_entropies(&hidden, &[3, 30], &[1, 2], 1.0).unwrap();
    let loss = (log_probs.sum_all().unwrap() + entropies.sum_all().unwrap()).unwrap();
    let gradients = loss.backward().unwrap();
    for (name, variable) in decoder.variables() {
        assert!(gradients.get(&variable).is_some(), "`{name}` has no gradient");
    }
}

#[test]
fn where_some_tokens_may_follow_the_probability_is_theirs_alone() {
    let (decoder, batch) = (tiny::decoder(), tiny::batch());
    let hidden = decoder.forward(&batch, Mode::Evaluate).unwrap();
    let among = |tokens: &[u32]| Some(Arc::new(TokenSet::new(tokens, decoder.config().vocab_size)));
    let of = |positions: &[usize], tokens: &[u32], allowed: &[Allowed]| {
        decoder.token_logprobs_among(&hidden, (positions, tokens), allowed, 0.8)
    };
    let values = |positions: &[usize], tokens: &[u32], allowed: &[Allowed]| {
        of(positions, tokens, allowed).unwrap().to_vec1::<f32>().unwrap()
    };
    let set = || among(&[1, 4, 9]);
    let found = values(&[3, 3, 3, 30], &[1, 4, 9, 2], &[set(), set(), set(), None]);
    assert!((found[..3].iter().map(|value| value.exp()).sum::<f32>() - 1.0).abs() < 1e-5, "{found:?}");
    let whole = decoder.token_logprobs(&hidden, &[3, 3, 3, 30], &[1, 4, 9, 2], 0.8).unwrap().to_vec1::<f32>().unwrap();
    // Among themselves they stand as before, and where all may follow nothing changes.
    assert!((found[0] - found[1] - (whole[0] - whole[1])).abs() < 1e-5 && found[3] == whole[3], "{found:?} {whole:?}");
    assert!(of(&[3], &[2], &[set()]).unwrap_err().to_string().contains("not among those that may follow"));
    assert!(of(&[3], &[2], &[]).is_err());
}

#[test]
fn a_fresh_adapter_changes_nothing() {
    let plain = tiny::decoder().forward(&tiny::batch(), Mode::Train { dropout_seed: None }).unwrap();
    let adapted = tiny::reloaded(&Finetuning::Lora(tiny::lora(0.0)))
        .forward(&tiny::batch(), Mode::Train { dropout_seed: None })
        .unwrap();
    assert_eq!(difference(&adapted.to_tensor().unwrap(), &plain.to_tensor().unwrap()), 0.0);
}

#[test]
fn a_document_is_the_same_alone_and_packed() {
    let (decoder, batch) = (tiny::decoder(), tiny::batch());
    let hidden =
        |batch: &PackedBatch| decoder.forward(batch, Mode::Train { dropout_seed: None }).unwrap().to_tensor().unwrap();
    let packed = hidden(&batch);
    let mut start = 0;
    for &length in &batch.lengths {
        let alone = PackedBatch::from_documents([&batch.input_ids[start..start + length]]);
        let alone = hidden(&alone);
        assert!(difference(&packed.narrow(0, start, length).unwrap(), &alone) < 1e-5);
        start += length;
    }
}

#[test]
fn eight_documents_at_once_give_the_gradient_of_one_at_a_time() {
    let decoder = tiny::decoder();
    let documents: Vec<Vec<u32>> = (0..8).map(|i| (0..5 + i).map(|j| (i * 5 + j * 3) % 37).collect()).collect();
    let gradient = |documents: &[Vec<u32>]| {
        let batch = PackedBatch::from_documents(documents);
        let loss = decoder
            .cross_entropy(&decoder.forward(&batch, Mode::Train { dropout_seed: None }).unwrap(), &targets(&batch))
            .unwrap();
        loss.backward().unwrap()
    };
    let at_once = gradient(&documents);
    let singly: Vec<_> = documents.chunks(1).map(gradient).collect();
    for (name, variable) in decoder.variables() {
        let mut sum = variable.zeros_like().unwrap();
        for store in &singly {
            sum = (sum + store.get(&variable).unwrap()).unwrap();
        }
        let off = difference(&sum, at_once.get(&variable).unwrap());
        assert!(off < 2e-6, "`{name}` is off by {off}");
    }
}

/// Texts of which some begin alike, and where each may share.
fn texts() -> Vec<(Vec<u32>, usize)> {
    let begun = |n: u32, rest: &[u32]| (0..n).map(|i| i * 5 % 37).chain(rest.iter().copied()).collect::<Vec<u32>>();
    vec![
        (begun(17, &[1, 2]), 17),
        (vec![9, 8, 7], 2),
        (begun(17, &[3]), 17),
        (begun(16, &[4, 4, 4]), 18),
        (vec![9, 8, 7], 2),
        (begun(17, &[1, 2]), 10),
    ]
}

#[test]
fn texts_that_begin_alike_share_rows_and_give_the_same_states_and_gradients() {
    let decoder = tiny::decoder();
    let texts = texts();
    let beginnings: Vec<_> = texts.iter().map(|(text, shareable)| Prefix { text, shareable: *shareable }).collect();
    let (shared, places) = PackedBatch::sharing(&beginnings);
    let apart = PackedBatch::from_documents(texts.iter().map(|(text, _)| text));
    // Sixteen tokens for the three that may share so many; the others stand alone.
    assert_eq!(apart.tokens() - shared.tokens(), 2 * 16);
    assert_eq!(shared.tokens(), shared_rows(&beginnings));
    let (hidden_shared, hidden_apart) = (
        decoder.forward(&shared, Mode::Train { dropout_seed: None }).unwrap(),
        decoder.forward(&apart, Mode::Train { dropout_seed: None }).unwrap(),
    );
    let (mut in_shared, mut in_apart, mut start) = (Vec::new(), Vec::new(), 0);
    for ((text, _), place) in texts.iter().zip(&places) {
        for (i, &token) in text.iter().enumerate() {
            assert_eq!(shared.input_ids[place.row(i)], token);
            let row = |hidden: &Hidden, row| hidden.to_tensor().unwrap().narrow(0, row, 1).unwrap();
            assert!(difference(&row(&hidden_shared, place.row(i)), &row(&hidden_apart, start + i)) < 1e-5);
        }
        for (i, &token) in text.iter().enumerate().skip(1) {
            in_shared.push(Target { position: place.row(i - 1), token, weight: 1.0 });
            in_apart.push(Target { position: start + i - 1, token, weight: 1.0 });
        }
        start += text.len();
    }
    let gradient = |hidden, targets: &[Target]| decoder.cross_entropy(hidden, targets).unwrap().backward().unwrap();
    let (by_shared, by_apart) = (gradient(&hidden_shared, &in_shared), gradient(&hidden_apart, &in_apart));
    for (name, variable) in decoder.variables() {
        let off = difference(by_shared.get(&variable).unwrap(), by_apart.get(&variable).unwrap());
        assert!(off < 5e-6, "`{name}` is off by {off}");
    }
}

#[test]
fn a_shared_text_longer_than_the_window_is_refused() {
    let texts: Vec<Vec<u32>> = (0..2).map(|last| (0..20).chain([last]).collect()).collect();
    let beginnings: Vec<_> = texts.iter().map(|text| Prefix { text, shareable: 20 }).collect();
    let error = tiny::decoder()
        .forward(&PackedBatch::sharing(&beginnings).0, Mode::Train { dropout_seed: None })
        .unwrap_err()
        .to_string();
    assert!(error.contains("21 tokens shares its beginning") && error.contains("window sees 20"), "{error}");
}

#[test]
fn a_bad_batch_is_refused() {
    let decoder = tiny::decoder();
    let refused = |input_ids: Vec<u32>, lengths: Vec<usize>| {
        decoder
            .forward(&PackedBatch { input_ids, lengths, forks: Vec::new() }, Mode::Train { dropout_seed: None })
            .unwrap_err()
            .to_string()
    };
    assert!(refused(vec![1, 2], vec![3]).contains("lengths"));
    let beyond = 0..3;
    let forked = PackedBatch { input_ids: vec![1, 2], lengths: vec![1, 1], forks: vec![beyond] };
    assert!(
        decoder
            .forward(&forked, Mode::Train { dropout_seed: None })
            .unwrap_err()
            .to_string()
            .contains("the forks [0..3]")
    );
    assert!(refused(vec![1, 99], vec![2]).contains("token 99 is outside the embedding of 37 rows"));
}
