//! Cross-entropy, log-probabilities and entropies, against the processor's operations over an output layer that is the
//! identity: hidden states are then the logits, and the gradients by them are those by the logits.

use std::sync::Arc;

use candle_core::{Tensor, Var};

use super::*;
use crate::backend::cpu::ops::cross_entropy::cross_entropy;
use crate::backend::cpu::ops::log_probs::LogProbs;
use crate::backend::cpu::storage;
use crate::backend::cpu::storage::weight::Weight;
use crate::token_set::Allowed;
use crate::{Precision, Target, TokenSet};

/// The identity as an output layer.
fn identity(v: usize) -> Weight {
    let values = (0..v * v).map(|i| f32::from(u8::from(i / v == i % v))).collect();
    Weight::frozen("head".into(), storage::tensor(values, (v, v)).unwrap()).unwrap()
}

fn logits(n: usize, v: usize) -> Vec<f32> {
    finite_difference::values(n * v, 1).iter().map(|value| value * 6.0).collect()
}

/// Rows with the zeros that the kernels write behind them.
fn with_zeros(values: &[f32], v: usize) -> Vec<f32> {
    let width = v.next_multiple_of(8);
    values.chunks(v).flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0.0, width - v))).collect()
}

#[test]
fn losses_hits_and_gradients_are_the_processors() {
    let Some(ops) = test_ops() else { return };
    for (n, v) in [(5, 1160), (7, 50), (3, 37), (2, 5001)] {
        let x = logits(n, v);
        let mut targets: Vec<Target> =
            (0..n).map(|i| Target { position: i, token: (i * 7 % v) as u32, weight: 0.5 + (i % 3) as f32 }).collect();
        // One that is the most probable token.
        let row = &x[v..2 * v];
        targets[1].token = (0..v).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap() as u32;
        let hidden = Var::from_tensor(&storage::tensor(x.clone(), (n, v)).unwrap()).unwrap();
        let (loss, known) = cross_entropy(&hidden, &identity(v), &targets, Precision::F32).unwrap();
        let gradients = loss.backward().unwrap();
        let wanted = gradients.get(&hidden).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();

        let own = ops.device.upload(&x).unwrap();
        let tokens = ops.device.upload(&integers(targets.iter().map(|target| target.token as usize))).unwrap();
        let weights = ops.device.upload(&targets.iter().map(|target| target.weight).collect::<Vec<_>>()).unwrap();
        let (mut losses, mut hits) = (ops.device.alloc::<f32>(n).unwrap(), ops.device.alloc::<i32>(n).unwrap());
        let width = v.next_multiple_of(8);
        for wants in [true, false] {
            let mut gradient = Matrix::empty(&ops, n, width, width + 8);
            let into = wants.then(|| gradient.place_mut());
            let places = (losses.all_mut(), hits.all_mut());
            ops.cross_entropy(own.all(), (tokens.all(), weights.all()), (n, v), places, into).unwrap();
            let sum: f32 = ops.device.read(&losses).unwrap().iter().sum();
            near("loss", &[sum], &[loss.to_scalar::<f32>().unwrap()], 1e-5);
            assert_eq!(ops.device.read(&hits).unwrap().iter().sum::<i32>() as usize, known.correct);
            if wants {
                near(&format!("gradient, {v} tokens"), &gradient.read(&ops), &with_zeros(&wanted, v), 4e-3);
            }
        }
    }
}

#[test]
fn a_row_without_a_target_has_no_part() {
    let Some(ops) = test_ops() else { return };
    let (n, v) = (2, 24);
    let own = ops.device.upload(&logits(n, v)).unwrap();
    let (tokens, weights) = (ops.device.upload(&[-1i32, 3]).unwrap(), ops.device.upload(&[1f32, 0.0]).unwrap());
    let (mut losses, mut hits) = (ops.device.alloc::<f32>(n).unwrap(), ops.device.alloc::<i32>(n).unwrap());
    let mut gradient = Matrix::empty(&ops, n, v, v);
    let (of, places) = ((tokens.all(), weights.all()), (losses.all_mut(), hits.all_mut()));
    ops.cross_entropy(own.all(), of, (n, v), places, Some(gradient.place_mut())).unwrap();
    assert_eq!(ops.device.read(&losses).unwrap(), [0.0, 0.0]);
    assert_eq!(ops.device.read(&hits).unwrap()[0], 0);
    assert!(gradient.read(&ops).iter().all(|value| *value == 0.0));
}

/// What may follow: a row's own token, and every third one.
fn every_third_and(tokens: &[u32], v: usize) -> Vec<Allowed> {
    let among = |&token: &u32| {
        let some: Vec<u32> = (0..v as u32).filter(|other| *other == token || other % 3 == 1).collect();
        Some(Arc::new(TokenSet::new(&some, v)))
    };
    tokens.iter().map(among).collect()
}

#[test]
fn log_probabilities_entropies_and_gradients_are_the_processors() {
    let Some(ops) = test_ops() else { return };
    let sizes = [(9, 37, 1.0), (4, 1160, 0.4), (3, 50, 1.7)];
    for ((n, v, temperature), is_constrained) in sizes.into_iter().flat_map(|size| [(size, false), (size, true)]) {
        let (x, g) = (logits(n, v), finite_difference::values(2 * n, 3));
        let tokens: Vec<u32> = (0..n).map(|i| (i * 5 % v) as u32).collect();
        let allowed = if is_constrained { every_third_and(&tokens, v) } else { Vec::new() };
        let hidden = Var::from_tensor(&storage::tensor(x.clone(), (n, v)).unwrap()).unwrap();
        let operation = LogProbs {
            positions: (0..n).collect(),
            tokens: tokens.clone(),
            head: identity(v),
            precision: Precision::F32,
            temperature,
            allowed: allowed.clone(),
        };
        let both = hidden.apply_op2(&storage::tensor(vec![0.0], 1).unwrap(), operation).unwrap();
        let loss = (&both * &Tensor::from_vec(g.clone(), (2, n), both.device()).unwrap()).unwrap().sum_all().unwrap();
        let gradients = loss.backward().unwrap();
        let by_logits = gradients.get(&hidden).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let both = both.to_vec2::<f32>().unwrap();

        let mut own = ops.device.upload(&x).unwrap();
        if is_constrained {
            let words = allowed.iter().flat_map(|set: &Allowed| set.as_ref().unwrap().words().to_vec());
            let words = ops.device.upload(&words.map(u32::cast_signed).collect::<Vec<_>>()).unwrap();
            ops.keep_allowed(words.all(), (n, v), own.all_mut()).unwrap();
        }
        let tokens = ops.device.upload(&integers(tokens.iter().map(|&token| token as usize))).unwrap();
        let of = (own.all(), tokens.all());
        let (mut log_probs, mut entropies) = (ops.device.alloc(n).unwrap(), ops.device.alloc(n).unwrap());
        let places = (log_probs.all_mut(), entropies.all_mut());
        ops.log_probs(of, 1.0 / temperature, (n, v), places).unwrap();
        near("log-probabilities", &ops.device.read(&log_probs).unwrap(), &both[0], 1e-5);
        near("entropies", &ops.device.read(&entropies).unwrap(), &both[1], 1e-4);
        let (by_log_prob, by_entropy) = (ops.device.upload(&g[..n]).unwrap(), ops.device.upload(&g[n..]).unwrap());
        let width = v.next_multiple_of(8);
        let mut gradient = Matrix::empty(&ops, n, width, width);
        let by = (by_log_prob.all(), by_entropy.all());
        ops.log_probs_backward(of, 1.0 / temperature, by, (n, v), gradient.place_mut()).unwrap();
        near("gradient", &gradient.read(&ops), &with_zeros(&by_logits, v), 4e-3);
    }
}
