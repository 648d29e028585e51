//! One call of the decoder in generation: any number of new tokens for any slots.

use std::ops::Range;

use super::attention::{Buffers, Bundle, Head, Token, attend, heads_at_once};
use super::cache::Cache;
use super::model::BlockPanels;
use super::panels::{Output, PackedInputs, WIDTH};
use super::workspace::Workspace;
use crate::ModelError;
use crate::backend::cpu::kernel::dispatch::dispatched;
use crate::backend::cpu::kernel::rows;
use crate::backend::cpu::kernel::shared::Shared;
use crate::backend::cpu::kernel::spin_pool::SpinPool;
use crate::backend::cpu::ops::rms_norm::inverse_root;
use crate::generation::read::{AdapterId, Read};

/// Tokens that go through the layers at once: enough to use the weights well, few enough to stay in the caches.
const AT_ONCE: usize = 192;
/// Numbers that are worth a task of their own, where little is done with each.
const WORTH_A_TASK: usize = 1 << 13;

/// A new token: where it goes, and which row of the logits it gets.
struct Row {
    slot: usize,
    position: usize,
    token: u32,
    logits: Option<usize>,
}

impl Cache {
    /// Appends tokens, which were checked, to slots and returns the logits after each scored token, in the order of the
    /// reads. Shape: [Σ scored, V].
    pub(crate) fn read(&mut self, reads: &[Read<'_>]) -> Result<Vec<f32>, ModelError> {
        let rows = self.place(reads);
        let (d, scored) = (self.model.config.hidden_size, reads.iter().map(|read| read.scored).sum::<usize>());
        let mut last = vec![0.0; scored * d];
        let pool = SpinPool::enter();
        for rows in rows.chunks(AT_ONCE) {
            self.run(&pool, rows);
            for (row, x) in rows.iter().zip(self.workspace.x.chunks(d)) {
                if let Some(place) = row.logits {
                    last[place * d..(place + 1) * d].copy_from_slice(x);
                }
            }
        }
        let (model, packed) = (&self.model, &mut self.workspace.packed);
        let mut logits = vec![0.0; scored * model.config.vocab_size];
        pack_normed(&pool, &last, (&model.norm, model.config.rms_norm_eps as f32), packed);
        model.head.apply(&pool, packed, 0..scored, &mut logits, Output::Replace);
        Ok(logits)
    }

    /// Makes room for the new tokens. Those with the same adapter come side by side, and among them those whose slots
    /// begin with the same blocks.
    fn place(&mut self, reads: &[Read<'_>]) -> Vec<Row> {
        let mut places = Vec::new();
        let mut logits = 0;
        for read in reads {
            places.push((read, self.length(read.slot), logits));
            logits += read.scored;
            self.key_values.grow(read.slot, read.tokens.len());
            self.rope.extend(self.length(read.slot));
        }
        places.sort_by_key(|(read, ..)| (self.adapter_of_slot[read.slot], self.key_values.blocks(read.slot)));
        let rows = places.into_iter().flat_map(|(&Read { slot, tokens, scored }, start, logits)| {
            let unscored = tokens.len() - scored;
            tokens.iter().enumerate().map(move |(i, &token)| Row {
                slot,
                position: start + i,
                token,
                logits: (i >= unscored).then(|| logits + i - unscored),
            })
        });
        rows.collect()
    }

    /// All layers for some new tokens; leaves the residual stream in the workspace. Shape: [rows, D].
    fn run(&mut self, pool: &SpinPool, rows: &[Row]) {
        let model = self.model.clone();
        let (d, eps) = (model.config.hidden_size, model.config.rms_norm_eps as f32);
        let (adapted, bundles) = (self.ranges(rows), self.bundles(rows));
        self.workspace.x.resize(rows.len() * d, 0.0);
        for (row, x) in rows.iter().zip(self.workspace.x.chunks_mut(d)) {
            model.embedding.read(row.token as usize, x);
        }
        for (layer, block) in model.blocks.iter().enumerate() {
            let Workspace { x, packed, qkv, .. } = &mut self.workspace;
            pack_normed(pool, x, (&block.input_norm, eps), packed);
            qkv.resize(rows.len() * block.qkv.outputs(), 0.0);
            block.qkv.apply(pool, packed, 0..rows.len(), qkv, Output::Replace);
            self.adapt(pool, (layer, 0), &adapted);
            self.attend(pool, layer, rows, &bundles);
            let Workspace { x, packed, o, .. } = &mut self.workspace;
            pack(pool, o, o.len() / rows.len(), packed);
            block.o.apply(pool, packed, 0..rows.len(), x, Output::Add);
            self.adapt(pool, (layer, 1), &adapted);
            let Workspace { x, packed, .. } = &mut self.workspace;
            pack_normed(pool, x, (&block.post_norm, eps), packed);
            self.feed_forward(pool, (layer, block), &adapted, rows.len());
            let Workspace { x, packed, product, .. } = &mut self.workspace;
            pack_part(pool, product, product.len() / rows.len(), model.config.intermediate_size, packed);
            block.down.apply(pool, packed, 0..rows.len(), x, Output::Add);
            self.adapt(pool, (layer, 3), &adapted);
        }
    }

    /// Which rows have an adapter.
    fn ranges(&self, rows: &[Row]) -> Vec<(AdapterId, Range<usize>)> {
        let mut ranges: Vec<(AdapterId, Range<usize>)> = Vec::new();
        for (i, row) in rows.iter().enumerate() {
            let Some(adapter) = self.adapter_of_slot[row.slot] else { continue };
            match ranges.last_mut() {
                Some((last, range)) if *last == adapter => range.end = i + 1,
                _ => ranges.push((adapter, i..i + 1)),
            }
        }
        ranges
    }

    /// Adds the adapters' part of a group of layers to the rows that have one.
    fn adapt(&mut self, pool: &SpinPool, (layer, group): (usize, usize), adapted: &[(AdapterId, Range<usize>)]) {
        let Workspace { x, packed, qkv, gate_up, .. } = &mut self.workspace;
        let y = match group {
            0 => qkv,
            2 => gate_up,
            _ => x,
        };
        for (adapter, rows) in adapted {
            if let Some(factors) = self.adapters[adapter.0].factors(layer, group) {
                factors.add(pool, packed, rows.clone(), y);
            }
        }
    }

    /// Finishes and rotates queries and keys, stores keys and values, and attends.
    fn attend(&mut self, pool: &SpinPool, layer: usize, rows: &[Row], bundles: &[Bundle]) {
        let (heads, block) = (self.model.heads, &self.model.blocks[layer]);
        let eps = self.model.config.rms_norm_eps as f32;
        let (e, wq, wk) = (heads.dim, heads.query * heads.dim, heads.key_value * heads.dim);
        let Workspace { qkv, o, .. } = &mut self.workspace;
        let (cache, rope, width) = (&self.key_values, &self.rope, wq + 2 * wk);
        let shared = Shared::new(qkv);
        pool.split(rows.len(), WORTH_A_TASK.div_ceil(width), &|range| {
            for (i, row) in range.clone().zip(&rows[range]) {
                // SAFETY: only this task has this row, and no other token its position.
                let qkv = unsafe { shared.part(i * width, width) };
                block.finish(qkv, heads, eps);
                rope.rotate_row(&mut qkv[..wq + wk], row.position, 1.0);
                let (keys, values) = qkv[wq..].split_at(wk);
                for (head, (key, value)) in keys.chunks(e).zip(values.chunks(e)).enumerate() {
                    // SAFETY: as above.
                    unsafe { cache.put((row.slot, row.position), (layer, head), key, value) };
                }
            }
        });
        o.resize(rows.len() * wq, 0.0);
        let (o, group) = (Shared::new(o), heads.query / heads.key_value);
        pool.split(bundles.len() * heads.key_value, 1, &|range| {
            let mut buffers = Buffers::new();
            let mut item = range.start;
            while item < range.end {
                let (bundle, head) = (&bundles[item / heads.key_value], item % heads.key_value);
                let count = heads_at_once(bundle, group, (heads.key_value - head).min(range.end - item));
                let first = head * group * e;
                let (queries, results) =
                    (Head { numbers: &**qkv, width, first }, Head { numbers: o, width: wq, first });
                // SAFETY: only this task has these rows in these heads.
                unsafe { attend(cache, (bundle, group), (layer, head..head + count), queries, &mut buffers, results) };
                item += count;
            }
        });
    }

    /// Which rows are attended for together.
    fn bundles(&self, rows: &[Row]) -> Vec<Bundle> {
        let window = self.model.heads.window.unwrap_or(usize::MAX);
        let token = |row: &Row| Token {
            slot: row.slot,
            oldest: (row.position + 1).saturating_sub(window),
            position: row.position,
        };
        let tokens: Vec<Token> = rows.iter().map(token).collect();
        Bundle::all(&self.key_values, &tokens, self.model.heads.query / self.model.heads.key_value)
    }

    /// silu(gate) up of the packed rows, into the workspace. Those with an adapter are gated after it was added.
    fn feed_forward(
        &mut self,
        pool: &SpinPool,
        (layer, block): (usize, &BlockPanels),
        adapted: &[(AdapterId, Range<usize>)],
        rows: usize,
    ) {
        let Workspace { packed, gate_up, product, .. } = &mut self.workspace;
        let outputs = block.gate_up.outputs();
        product.resize(rows * outputs / 2, 0.0);
        let plain = adapted.first().map_or(rows, |(_, range)| range.start);
        block.gate_up.apply(pool, packed, 0..plain, product, Output::SwiGlu);
        if plain < rows {
            gate_up.resize(rows * outputs, 0.0);
            block.gate_up.apply(pool, packed, plain..rows, gate_up, Output::Replace);
            self.adapt(pool, (layer, 2), adapted);
            let Workspace { gate_up, product, .. } = &mut self.workspace;
            gated(&gate_up[plain * outputs..], &mut product[plain * outputs / 2..]);
        }
    }
}

/// Rows in the numbers of the weights.
fn pack(pool: &SpinPool, x: &[f32], width: usize, packed: &mut PackedInputs) {
    pack_part(pool, x, width, width, packed);
}

/// The first `k` of each row's `width` numbers.
fn pack_part(pool: &SpinPool, x: &[f32], width: usize, k: usize, packed: &mut PackedInputs) {
    let count = x.len() / width;
    let place = packed.reset(count, k);
    pool.split(count, WORTH_A_TASK.div_ceil(width), &|range| {
        for row in range {
            // SAFETY: only this task has this row.
            unsafe { place.put(row, &x[row * width..][..k]) };
        }
    });
}

/// RMSNorm of each row, in the numbers of the weights.
fn pack_normed(pool: &SpinPool, x: &[f32], (weight, eps): (&[f32], f32), packed: &mut PackedInputs) {
    let d = weight.len();
    let place = packed.reset(x.len() / d, d);
    pool.split(x.len() / d, WORTH_A_TASK.div_ceil(d), &|range| {
        let mut normed = vec![0.0; d];
        for row in range {
            let x = &x[row * d..(row + 1) * d];
            rows::scaled_product(&mut normed, x, weight, inverse_root(x, eps));
            // SAFETY: only this task has this row.
            unsafe { place.put(row, &normed) };
        }
    });
}

dispatched! {
    /// silu(gate) up, where halves of panels stand side by side.
    fn gated(gate_up: &[f32], product: &mut [f32]) {
        for (y, panel) in product.chunks_exact_mut(WIDTH / 2).zip(gate_up.chunks_exact(WIDTH)) {
            let (gates, ups) = panel.split_at(WIDTH / 2);
            for (y, (gate, up)) in y.iter_mut().zip(gates.iter().zip(ups)) {
                *y = gate / (1.0 + rows::exp(-gate)) * up;
            }
        }
    }
}
