//! One call of the decoder in generation: any number of new tokens for any slots.

use rayon::prelude::*;

use super::cache::{KEY_BLOCK, KvCache, Past};
use crate::batch::check_tokens;
use crate::kernel::dispatch::dispatched;
use crate::kernel::panel::Source;
use crate::kernel::rows;
use crate::ops::attention::Heads;
use crate::ops::{embedding, rms_norm, swiglu};
use crate::{Decoder, ModelError};

/// A new token: where it goes.
struct Row {
    slot: usize,
    position: usize,
}

/// Key blocks scored side by side, and value rows mixed side by side, so that sums do not wait for each other.
const ABREAST: usize = 4;
/// Values mixed at once.
const MIXED: usize = 32;

/// Scores of a query against `N` blocks of 16 keys, `stride` apart; each score is summed in the order of its inputs.
#[inline(always)]
fn scores_of<const N: usize>(query: &[f32], keys: &[f32], stride: usize, factor: f32, scores: &mut [f32]) {
    let mut sums = [[0.0_f32; KEY_BLOCK]; N];
    let blocks: [&[f32]; N] = std::array::from_fn(|i| &keys[i * stride..][..query.len() * KEY_BLOCK]);
    for (c, value) in query.iter().enumerate() {
        for (sums, keys) in sums.iter_mut().zip(&blocks) {
            for (sum, key) in sums.iter_mut().zip(&keys[c * KEY_BLOCK..(c + 1) * KEY_BLOCK]) {
                *sum += value * key;
            }
        }
    }
    for (score, sum) in scores.iter_mut().zip(sums.as_flattened()) {
        *score = sum * factor;
    }
}

dispatched! {
    /// Scores of a query against blocks of 16 keys: `keys` holds, a block at a time, E rows of 16, `stride` apart.
    fn block_scores(query: &[f32], keys: &[f32], stride: usize, factor: f32, scores: &mut [f32]) {
        let count = scores.len() / KEY_BLOCK;
        let abreast = count / ABREAST * ABREAST;
        for block in (0..abreast).step_by(ABREAST) {
            scores_of::<ABREAST>(query, &keys[block * stride..], stride, factor, &mut scores[block * KEY_BLOCK..]);
        }
        for block in abreast..count {
            scores_of::<1>(query, &keys[block * stride..], stride, factor, &mut scores[block * KEY_BLOCK..]);
        }
    }
}
dispatched! {
    /// out = Σ weight × row of `values`, whose rows are `stride` apart; always summed in the same four parts.
    fn mix(weights: &[f32], values: &[f32], stride: usize, out: &mut [f32]) {
        let whole = out.len() / MIXED * MIXED;
        for start in (0..whole).step_by(MIXED) {
            let mut sums = [[0.0_f32; MIXED]; ABREAST];
            for (i, weights) in weights.chunks(ABREAST).enumerate() {
                for (j, (weight, sums)) in weights.iter().zip(&mut sums).enumerate() {
                    let row = &values[(i * ABREAST + j) * stride + start..][..MIXED];
                    for (sum, value) in sums.iter_mut().zip(row) {
                        *sum += weight * value;
                    }
                }
            }
            for (c, out) in out[start..start + MIXED].iter_mut().enumerate() {
                *out = sums.iter().map(|sums| sums[c]).sum();
            }
        }
        for (c, out) in out.iter_mut().enumerate().skip(whole) {
            *out = weights.iter().enumerate().map(|(i, weight)| weight * values[i * stride + c]).sum();
        }
    }
}

impl Decoder {
    /// Appends tokens to slots and returns the logits after the last token of each input. Shape: [B, V].
    ///
    /// Whole prompts and single tokens can be mixed. A slot may appear once.
    ///
    /// # Errors
    /// When a slot does not exist or appears twice, an input is empty, or a token is outside the embedding.
    pub fn decode(&self, cache: &mut KvCache, inputs: &[(usize, &[u32])]) -> Result<Vec<f32>, ModelError> {
        let (rows, tokens) = self.place(cache, inputs)?;
        let d = self.config.hidden_size;
        let eps = self.config.rms_norm_eps as f32;
        let model = cache.model.clone();
        let longest = rows.iter().map(|row| row.position + 1).max().unwrap_or(0);
        cache.rope.extend(longest);
        let mut x = embedding::forward(&tokens, Source::F32(&model.embedding), d);
        let mut h = vec![0.0; x.len()];
        for (layer, block) in model.blocks.iter().enumerate() {
            rms_norm::forward(&x, &block.input_norm, eps, &mut h);
            let o = self.attend(cache, layer, &rows, block.qkv.apply(&h));
            rows::add(&mut x, &block.o.apply(&o));
            rms_norm::forward(&x, &block.post_norm, eps, &mut h);
            let product = feed_forward(&block.gate_up.apply(&h), block.gate_up.outputs());
            rows::add(&mut x, &block.down.apply(&product));
        }
        for (slot, tokens) in inputs {
            cache.lengths[*slot] += tokens.len();
        }
        let mut last = Vec::with_capacity(inputs.len() * d);
        let mut end = 0;
        for (_, tokens) in inputs {
            end += tokens.len();
            last.extend_from_slice(&x[(end - 1) * d..end * d]);
        }
        let mut normed = vec![0.0; last.len()];
        rms_norm::forward(&last, &model.norm, eps, &mut normed);
        Ok(model.head.apply(&normed))
    }

    fn place(&self, cache: &KvCache, inputs: &[(usize, &[u32])]) -> Result<(Vec<Row>, Vec<u32>), ModelError> {
        let (mut rows, mut tokens) = (Vec::new(), Vec::new());
        for (i, &(slot, new)) in inputs.iter().enumerate() {
            if slot >= cache.slots() || new.is_empty() || inputs[..i].iter().any(|(earlier, _)| *earlier == slot) {
                return Err(ModelError::Batch(format!(
                    "input {i}: slot {slot} of {} must appear once, with at least one token",
                    cache.slots()
                )));
            }
            check_tokens(new, self.config.vocab_size)?;
            rows.extend((0..new.len()).map(|j| Row { slot, position: cache.lengths[slot] + j }));
            tokens.extend_from_slice(new);
        }
        Ok((rows, tokens))
    }

    /// Turns queries and keys, stores keys and values, and attends. Shape of `qkv`: [rows, (H + 2 K) E].
    fn attend(&self, cache: &mut KvCache, layer: usize, rows: &[Row], mut qkv: Vec<f32>) -> Vec<f32> {
        let heads = self.heads();
        let (wq, wk) = (heads.query * heads.dim, heads.key_value * heads.dim);
        for (row, qkv) in rows.iter().zip(qkv.chunks_mut(wq + 2 * wk)) {
            cache.rope.turn_row(&mut qkv[..wq + wk], row.position, 1.0);
            let (key, value) = qkv[wq..].split_at(wk);
            cache.past[layer][row.slot].put(row.position, key, value);
        }
        let past = &cache.past[layer];
        let mut o = vec![0.0; rows.len() * wq];
        o.par_chunks_mut(wq).zip(qkv.par_chunks(wq + 2 * wk)).zip(rows).with_min_len(8).for_each(|((o, qkv), row)| {
            attend_row(heads, &past[row.slot], row.position, &qkv[..wq], o);
        });
        o
    }
}

/// Attention of one token over the positions it sees.
fn attend_row(heads: Heads, past: &Past, position: usize, queries: &[f32], o: &mut [f32]) {
    let (e, wk) = (heads.dim, heads.key_value * heads.dim);
    let oldest = (position + 1).saturating_sub(heads.window.unwrap_or(usize::MAX));
    let first_block = oldest / KEY_BLOCK;
    let blocks = position / KEY_BLOCK + 1 - first_block;
    let mut scores = vec![0.0; blocks * KEY_BLOCK];
    let seen = oldest - first_block * KEY_BLOCK..position + 1 - first_block * KEY_BLOCK;
    for (h, (query, o)) in queries.chunks(e).zip(o.chunks_mut(e)).enumerate() {
        let j = h * heads.key_value / heads.query;
        let keys = &past.keys[(first_block * wk + j * e) * KEY_BLOCK..];
        block_scores(query, keys, wk * KEY_BLOCK, 1.0 / (e as f32).sqrt(), &mut scores);
        let visible = &mut scores[seen.clone()];
        let highest = rows::max(visible);
        let sum = rows::exp_sum(visible, highest);
        rows::scale(visible, 1.0 / sum);
        mix(visible, &past.values[oldest * wk + j * e..], wk, o);
    }
}

/// silu(gate) up, where a row holds both side by side.
fn feed_forward(gate_up: &[f32], outputs: usize) -> Vec<f32> {
    let half = outputs / 2;
    let mut product = vec![0.0; gate_up.len() / 2];
    for (y, row) in product.chunks_mut(half).zip(gate_up.chunks(outputs)) {
        let (gate, up) = row.split_at(half);
        swiglu::product(gate, up, y);
    }
    product
}
