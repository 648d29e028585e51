//! Generation of one sequence, against the processor's operations over whole sequences.

use super::norms::{product, table};
use super::*;
use crate::backend::cpu::ops::attention::{self, Inputs};
use crate::backend::cpu::ops::rms_norm;
use crate::backend::cpu::ops::rope::Rope;
use crate::backend::cpu::storage::activation::Activation;
use crate::backend::cuda::ops::decode::Cache;
use crate::backend::run::Heads;
use crate::batch::Span;
use crate::rotary::Rotary;

#[test]
fn products_of_one_row_are_normed_added_and_gated() {
    let Some(ops) = test_ops() else { return };
    let (n, k) = (54, 264);
    let (w, x, norm) = (exact(n * k, 1), finite_difference::values(k, 2), exact(k, 3));
    let (own, weight) = (Matrix::of(&ops, &w, k, k + 16), Matrix::of(&ops, &norm, k, k));
    let row = ops.device.upload(&x).unwrap();
    let mut normed = vec![0f32; k];
    rms_norm::forward(&x, &norm, 1e-2, &mut normed);
    let normed = product(&normed, &w, k);

    let mut y = ops.device.alloc::<f32>(n).unwrap();
    let with_norm = (row.all(), Some((weight.values.all(), 1e-2)));
    ops.decode_product(own.place(), (n, k), with_norm, y.all_mut(), false).unwrap();
    near("normed", &ops.device.read(&y).unwrap(), &normed, 1e-5);
    ops.decode_product(own.place(), (n, k), (row.all(), None), y.all_mut(), true).unwrap();
    let wanted: Vec<f32> = product(&x, &w, k).iter().zip(&normed).map(|(a, b)| a + b).collect();
    near("added", &ops.device.read(&y).unwrap(), &wanted, 1e-5);

    let f = n / 2;
    let mut p = ops.device.alloc::<f32>(f).unwrap();
    ops.decode_gate_up(own.place(), (f, k), with_norm, p.all_mut()).unwrap();
    let wanted: Vec<f32> = (0..f).map(|i| normed[i] / (1.0 + (-normed[i]).exp()) * normed[f + i]).collect();
    near("gated", &ops.device.read(&p).unwrap(), &wanted, 1e-5);
}

#[test]
fn attention_token_by_token_equals_that_over_all() {
    let Some(ops) = test_ops() else { return };
    for (dim, query, key_value, window) in [(64, 4, 2, None), (128, 2, 1, Some(5)), (80, 3, 3, None), (32, 2, 1, None)]
    {
        let (t, positions, heads) = (9, 12, Heads { query, key_value, dim, window });
        let (wq, wk) = (query * dim, key_value * dim);
        // The cache holds bf16; keys that are rotated are rounded again, and so differ a little.
        let (q, k, v) = (exact(t * wq, 1), exact(t * wk, 2), exact(t * wk, 3));
        let rotary = Rotary::plain(dim, 1e4);
        let [mut rotated_q, mut rotated_k] = [&q, &k].map(|values| Activation::F32(values.clone().into()));
        let (rope, places) = (Rope::new(rotary.clone(), t), (0..t).collect::<Vec<_>>());
        rope.rotate(&mut rotated_q, wq, &places, 1.0);
        rope.rotate(&mut rotated_k, wk, &places, 1.0);
        let (values, spans) = (Activation::F32(v.clone().into()), [Span::new(0, &[t])]);
        let mut wanted = Activation::F32(vec![f32::NAN; t * wq].into());
        let inputs = Inputs { q: &rotated_q, k: &rotated_k, v: &values, spans: &spans };
        attention::forward(heads, inputs, &mut wanted, &mut vec![f32::NAN; t * query]);
        let Activation::F32(wanted) = wanted else { unreachable!("it was f32") };

        let table = ops.device.upload(&table(&rotary, positions)).unwrap();
        let [mut keys, mut held] = [(); 2].map(|()| ops.device.alloc::<bf16>(wk * positions).unwrap());
        let part = 4;
        let mut partial = ops.device.alloc::<f32>(query * positions.div_ceil(part) * (dim + 2)).unwrap();
        let (mut counter, mut o) = (ops.device.zeros::<i32>(key_value).unwrap(), ops.device.alloc::<f32>(wq).unwrap());
        let mut found = Vec::new();
        for row in 0..t {
            let state = ops.device.upload(&[0, row as i32]).unwrap();
            let own = [&q[row * wq..][..wq], &k[row * wk..][..wk], &v[row * wk..][..wk]].concat();
            let qkv = ops.device.upload(&own).unwrap();
            let cache = Cache {
                keys: keys.all_mut(),
                values: held.all_mut(),
                partial: partial.all_mut(),
                counter: counter.all_mut(),
                positions,
                part,
            };
            ops.decode_attention(state.all(), qkv.all(), table.all(), heads, cache, o.all_mut()).unwrap();
            found.extend(ops.device.read(&o).unwrap());
        }
        near(&format!("heads of {dim}"), &found, &wanted, 4e-3);
    }
}

#[test]
fn the_most_probable_token_is_next() {
    let Some(ops) = test_ops() else { return };
    let (v, d) = (2050, 40);
    let mut logits = finite_difference::values(v, 1);
    // The first of two that are the largest.
    (logits[700], logits[1999]) = (3.0, 3.0);
    let embedding = exact(v * d, 2);
    let (own, table) = (ops.device.upload(&logits).unwrap(), Matrix::of(&ops, &embedding, d, d));
    let mut state = ops.device.upload(&[5i32, 2]).unwrap();
    let (mut out, mut x) = (ops.device.zeros::<i32>(4).unwrap(), ops.device.alloc::<f32>(d).unwrap());
    ops.decode_pick(own.all(), state.all_mut(), out.all_mut(), false).unwrap();
    assert_eq!(ops.device.read(&state).unwrap(), [5, 3]);
    ops.decode_pick(own.all(), state.all_mut(), out.all_mut(), true).unwrap();
    assert_eq!(
        (ops.device.read(&state).unwrap(), ops.device.read(&out).unwrap()),
        (vec![700, 4], vec![0, 0, 700, 700])
    );
    ops.decode_embed(state.all(), table.values.all(), x.all_mut()).unwrap();
    assert_eq!(ops.device.read(&x).unwrap(), embedding[700 * d..][..d]);
}
