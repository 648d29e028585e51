//! Attention of one token over cached keys and values. Query heads that share keys and values read them together.

use super::key_values::{BLOCK, COLUMNS, KeyValues};
use crate::KeyValueFormat;
use crate::backend::cpu::kernel::lanes::Lanes;
use crate::backend::cpu::kernel::rows;
use crate::backend::cpu::kernel::with_lanes::with_lanes;

/// A token's queries of one group, and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Query<'a> {
    /// Shape: [G, E].
    pub(crate) queries: &'a [f32],
    pub(crate) slot: usize,
    pub(crate) layer: usize,
    /// The key-value head.
    pub(crate) head: usize,
    /// The oldest and the newest position it sees.
    pub(crate) oldest: usize,
    pub(crate) position: usize,
}

/// Buffers of a task, kept from one query to the next.
#[derive(Default)]
pub(crate) struct Buffers {
    /// Queries as the keys want them: numbers, or pairs.
    queries: Vec<u32>,
    /// [G, positions], from the first position of the oldest block on.
    scores: Vec<f32>,
    /// Weights as the values want them: numbers, or pairs.
    weights: Vec<u32>,
    /// [G, E'].
    sums: Vec<f32>,
}

impl Buffers {
    /// Makes room for a group of heads with `e` inputs, `places` positions and `width` outputs.
    fn reset(&mut self, group: usize, [e, places, width]: [usize; 3], step: usize) {
        self.queries.resize(group * e / step, 0);
        self.scores.resize(group * places, 0.0);
        self.weights.resize(group * places / step, 0);
        self.sums.resize(group * width, 0.0);
    }
}

/// softmax(q kᵀ / sqrt(E)) v for the queries of a group. Shape of `o`: [G, E].
pub(crate) fn attend(cache: &KeyValues, query: Query<'_>, buffers: &mut Buffers, o: &mut [f32]) {
    let (e, width) = (cache.shape.dim, cache.shape.value_width());
    let group = query.queries.len() / e;
    let first = query.oldest / BLOCK;
    let blocks: Vec<*const u32> = cache.blocks(query.slot)[first..=query.position / BLOCK]
        .iter()
        .map(|&block| cache.head(block, query.layer, query.head).cast_const())
        .collect();
    let places = blocks.len() * BLOCK;
    let seen = query.oldest - first * BLOCK..query.position + 1 - first * BLOCK;
    let format = cache.shape.format;
    let step = if format == KeyValueFormat::F32 { 1 } else { 2 };
    buffers.reset(group, [e, places, width], step);
    let factor = 1.0 / (e as f32).sqrt();
    for (scaled, query) in buffers.sums.iter_mut().zip(query.queries) {
        *scaled = query * factor;
    }
    beside(format, &buffers.sums[..group * e], &mut buffers.queries);
    let pass = Pass { pairs: step == 2, group, blocks: &blocks, key_words: cache.shape.key_words(), width };
    // SAFETY: the blocks hold so many keys; the buffers have room for the group.
    unsafe { scores(pass, buffers.queries.as_ptr(), e / step, buffers.scores.as_mut_ptr()) };
    for scores in buffers.scores.chunks_mut(places) {
        softmax(scores, seen.clone());
    }
    beside(format, &buffers.scores, &mut buffers.weights);
    // SAFETY: as above.
    unsafe { mix(pass, buffers.weights.as_ptr(), places / step, buffers.sums.as_mut_ptr()) };
    for (o, sums) in o.chunks_mut(e).zip(buffers.sums.chunks(width)) {
        o.copy_from_slice(&sums[..e]);
    }
}

/// Softmax over what is seen, zero elsewhere.
fn softmax(scores: &mut [f32], seen: std::ops::Range<usize>) {
    scores[..seen.start].fill(0.0);
    scores[seen.end..].fill(0.0);
    let visible = &mut scores[seen];
    let highest = rows::max(visible);
    let sum = rows::exp_sum(visible, highest);
    rows::scale(visible, 1.0 / sum);
}

/// Numbers as keys or values want them beside theirs: as they are, or in pairs.
fn beside(format: KeyValueFormat, numbers: &[f32], words: &mut [u32]) {
    match format {
        KeyValueFormat::F32 => words.iter_mut().zip(numbers).for_each(|(word, number)| *word = number.to_bits()),
        KeyValueFormat::Bf16 => rows::bf16_pairs(numbers, words),
    }
}

/// One pass over the blocks that a group sees.
#[derive(Clone, Copy)]
pub(crate) struct Pass<'a> {
    pairs: bool,
    group: usize,
    blocks: &'a [*const u32],
    key_words: usize,
    width: usize,
}

with_lanes! {
    /// Scores of `group` queries, `stride` words apart, against the keys of all blocks. Shape: [G, blocks × 16].
    ///
    /// # Safety
    /// The pointers must be good for these shapes.
    fn scores(pass: Pass<'_>, queries: *const u32, stride: usize, out: *mut f32) = score_blocks
}
with_lanes! {
    /// Σ weight × value over all blocks for each of the group. Weights are `stride` words apart. Shape: [G, E'].
    ///
    /// # Safety
    /// The pointers must be good for these shapes.
    fn mix(pass: Pass<'_>, weights: *const u32, stride: usize, out: *mut f32) = mix_blocks
}

/// Calls `$kernel` with as many heads of the group at a time as share registers well.
macro_rules! by_heads {
    ($pass:ident, $head:ident => $four:expr, $two:expr, $one:expr) => {
        let mut $head = 0;
        while $pass.group - $head >= 4 {
            $four;
            $head += 4;
        }
        while $pass.group - $head >= 2 {
            $two;
            $head += 2;
        }
        if $head < $pass.group {
            $one;
        }
    };
}

#[inline(always)]
unsafe fn score_blocks<L: Lanes>(pass: Pass<'_>, queries: *const u32, stride: usize, out: *mut f32) {
    // SAFETY: the caller's.
    unsafe {
        if pass.pairs {
            score_all::<L, true>(pass, queries, stride, out);
        } else {
            score_all::<L, false>(pass, queries, stride, out);
        }
    }
}

#[inline(always)]
unsafe fn mix_blocks<L: Lanes>(pass: Pass<'_>, weights: *const u32, stride: usize, out: *mut f32) {
    // SAFETY: the caller's.
    unsafe {
        if pass.pairs {
            mix_all::<L, true>(pass, weights, stride, out);
        } else {
            mix_all::<L, false>(pass, weights, stride, out);
        }
    }
}

/// Positions of the lanes.
const LANE: usize = 16;

#[inline(always)]
unsafe fn score_all<L: Lanes, const PAIRS: bool>(pass: Pass<'_>, queries: *const u32, stride: usize, out: *mut f32) {
    let places = pass.blocks.len() * BLOCK;
    for (number, &block) in pass.blocks.iter().enumerate() {
        // SAFETY: the caller's.
        unsafe {
            let at = |head: usize| (queries.add(head * stride), out.add(head * places + number * BLOCK));
            by_heads!(pass, head =>
                { score::<L, PAIRS, 4, 2>(pass, block, at(head), stride);
                  let (queries, out) = at(head);
                  score::<L, PAIRS, 4, 2>(pass, block.add(2 * LANE), (queries, out.add(2 * LANE)), stride) },
                score::<L, PAIRS, 2, 4>(pass, block, at(head), stride),
                score::<L, PAIRS, 1, 4>(pass, block, at(head), stride));
        }
    }
}

/// `G` queries against `N` × 16 positions of a block; each score is summed in the order of its inputs.
#[inline(always)]
unsafe fn score<L: Lanes, const PAIRS: bool, const G: usize, const N: usize>(
    pass: Pass<'_>,
    keys: *const u32,
    (queries, out): (*const u32, *mut f32),
    stride: usize,
) {
    let places = pass.blocks.len() * BLOCK;
    // SAFETY: the caller's.
    unsafe {
        let mut sums = [[L::splat(0.0); N]; G];
        for c in 0..pass.key_words / BLOCK {
            for n in 0..N {
                let keys = keys.add(c * BLOCK + n * LANE);
                for (g, sums) in sums.iter_mut().enumerate() {
                    sums[n] = product::<L, PAIRS>(keys, *queries.add(g * stride + c), sums[n]);
                }
            }
        }
        for (g, sums) in sums.into_iter().enumerate() {
            for (n, sum) in sums.into_iter().enumerate() {
                L::store(out.add(g * places + n * LANE), sum);
            }
        }
    }
}

#[inline(always)]
unsafe fn product<L: Lanes, const PAIRS: bool>(words: *const u32, factor: u32, sum: L::F) -> L::F {
    // SAFETY: the caller's.
    unsafe {
        if PAIRS {
            L::dot_bf16(L::load_words(words), factor, sum)
        } else {
            L::fma(L::load(words.cast()), L::splat(f32::from_bits(factor)), sum)
        }
    }
}

#[inline(always)]
unsafe fn mix_all<L: Lanes, const PAIRS: bool>(pass: Pass<'_>, weights: *const u32, stride: usize, out: *mut f32) {
    let steps = if PAIRS { BLOCK / 2 } else { BLOCK };
    let mut column = 0;
    macro_rules! columns {
        ($($lanes:literal)*) => {
            $(while pass.width - column >= $lanes * LANE {
                let first = column / COLUMNS * COLUMNS;
                let part = Part { first: first * steps + column % COLUMNS, step: COLUMNS.min(pass.width - first), steps };
                // SAFETY: the caller's.
                unsafe {
                    let at = |head: usize| (weights.add(head * stride), out.add(head * pass.width + column));
                    by_heads!(pass, head =>
                        { mix_part::<L, PAIRS, 2, $lanes>(pass, part, at(head), stride);
                          mix_part::<L, PAIRS, 2, $lanes>(pass, part, at(head + 2), stride) },
                        mix_part::<L, PAIRS, 2, $lanes>(pass, part, at(head), stride),
                        mix_part::<L, PAIRS, 1, $lanes>(pass, part, at(head), stride));
                }
                column += $lanes * LANE;
            })*
        };
    }
    columns!(4 1);
}

/// Where some columns of a block's values stand: their first word, words from step to step, steps.
#[derive(Clone, Copy)]
struct Part {
    first: usize,
    step: usize,
    steps: usize,
}

/// `N` × 16 columns of `G` heads, summed in the order of the positions.
#[inline(always)]
unsafe fn mix_part<L: Lanes, const PAIRS: bool, const G: usize, const N: usize>(
    pass: Pass<'_>,
    part: Part,
    (weights, out): (*const u32, *mut f32),
    stride: usize,
) {
    // SAFETY: the caller's.
    unsafe {
        let mut sums = [[L::splat(0.0); N]; G];
        for (number, block) in pass.blocks.iter().enumerate() {
            let values = block.add(pass.key_words + part.first);
            let steps = part.steps.min(stride - number * part.steps);
            for step in 0..steps {
                for n in 0..N {
                    let values = values.add(step * part.step + n * LANE);
                    for (g, sums) in sums.iter_mut().enumerate() {
                        let weight = *weights.add(g * stride + number * part.steps + step);
                        sums[n] = product::<L, PAIRS>(values, weight, sums[n]);
                    }
                }
            }
        }
        for (g, sums) in sums.into_iter().enumerate() {
            for (n, sum) in sums.into_iter().enumerate() {
                L::store(out.add(g * pass.width + n * LANE), sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::key_values::Shape;
    use super::*;
    use crate::finite_difference::values;

    /// Attention as it is written down.
    fn plain(
        queries: &[f32],
        keys: &[f32],
        values: &[f32],
        e: usize,
        seen: std::ops::RangeInclusive<usize>,
    ) -> Vec<f32> {
        let mut o = Vec::new();
        for query in queries.chunks(e) {
            let dot = |p: usize| query.iter().zip(&keys[p * e..]).map(|(q, k)| f64::from(q * k)).sum::<f64>();
            let weights: Vec<f64> = seen.clone().map(|p| (dot(p) / (e as f64).sqrt()).exp()).collect();
            let sum: f64 = weights.iter().sum();
            let value =
                |c: usize| seen.clone().zip(&weights).map(|(p, w)| w * f64::from(values[p * e + c])).sum::<f64>();
            o.extend((0..e).map(|c| (value(c) / sum) as f32));
        }
        o
    }

    #[test]
    fn it_is_attention_over_what_is_seen() {
        for (format, tolerance) in [(KeyValueFormat::F32, 1e-5), (KeyValueFormat::Bf16, 2e-2)] {
            for (e, group, length, window) in [(6, 1, 3, 100), (64, 2, 90, 100), (80, 3, 70, 33), (128, 7, 200, 100)] {
                let (keys, vals) = (values(length * e, 1), values(length * e, 2));
                let mut cache = KeyValues::new(Shape { format, layers: 1, heads: 1, dim: e }, 1);
                cache.grow(0, length);
                for (p, (key, value)) in keys.chunks(e).zip(vals.chunks(e)).enumerate() {
                    // SAFETY: one position after the other.
                    unsafe { cache.put((0, p), (0, 0), key, value) };
                }
                let queries: Vec<f32> = values(group * e, 3).iter().map(|q| q * 3.0).collect();
                let position = length - 1;
                let oldest = (position + 1).saturating_sub(window);
                let mut found = vec![0.0; group * e];
                let query = Query { queries: &queries, slot: 0, layer: 0, head: 0, oldest, position };
                attend(&cache, query, &mut Buffers::default(), &mut found);
                for (found, right) in found.iter().zip(plain(&queries, &keys, &vals, e, oldest..=position)) {
                    assert!((found - right).abs() < tolerance, "{format:?} {e} {group} {length}: {found} {right}");
                }
            }
        }
    }
}
