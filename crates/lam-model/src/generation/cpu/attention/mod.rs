//! Attention of new tokens over cached keys and values. Tokens that see the same blocks read them together, and so do
//! query heads that share keys and values; the heads of a token that is alone are attended for side by side. What a token
//! gets is the same bits in any company.

mod bundle;
mod lanes;

use std::ops::Range;

use super::key_values::{BLOCK, KeyValues};
use crate::KeyValueFormat;
use crate::backend::cpu::kernel::panel::Words;
use crate::backend::cpu::kernel::rows;
use crate::backend::cpu::kernel::shared::Shared;
use crate::backend::cpu::kernel::tiles::{BEYOND, RightBlocks, RowsByBlocks, Unit};
pub(crate) use bundle::{Bundle, Token};
use lanes::by_blocks;

/// Numbers of all tokens, in rows; those of one head begin at `first`.
#[derive(Clone, Copy)]
pub(crate) struct Head<T> {
    pub(crate) numbers: T,
    pub(crate) width: usize,
    pub(crate) first: usize,
}

/// Buffers of a task, kept from one bundle to the next. A query is a token's of one head; those of a key-value head stand
/// together.
pub(crate) struct Buffers {
    /// Queries as the keys want them: numbers, or pairs.
    queries: Words,
    /// For each query a number for each place.
    scores: Words,
    /// Exponentials of the scores as the values want them: numbers, or pairs.
    weights: Words,
    /// [queries, E'].
    sums: Words,
    /// What each query's sums are multiplied by in the end.
    factors: Vec<f32>,
    pointers: Vec<*const u32>,
}

/// Sizes of the buffers for a bundle.
#[derive(Clone, Copy)]
struct Sizes {
    /// Query heads that share keys and values.
    group: usize,
    /// Heads of keys and values.
    heads: usize,
    /// Queries of all tokens in one of them.
    queries: usize,
    /// Numbers in a word.
    step: usize,
    e: usize,
    /// Words of a query, filled up as the keys are; and from one to the next.
    query_words: usize,
    query_stride: usize,
    score_stride: usize,
    weight_stride: usize,
    /// E'.
    width: usize,
}

/// A whole, odd number of cache lines, so that the same place of many rows falls into many sets of the cache.
fn stride(words: usize) -> usize {
    (words.div_ceil(16) | 1) * 16
}

impl Sizes {
    fn of(cache: &KeyValues, bundle: &Bundle, group: usize, heads: usize) -> Self {
        let shape = cache.shape;
        let step = if shape.format == KeyValueFormat::F32 { 1 } else { 2 };
        let query_words = shape.key_words() / BLOCK;
        Self {
            group,
            heads,
            queries: bundle.tokens.len() * group,
            step,
            e: shape.dim,
            query_words,
            query_stride: stride(query_words),
            score_stride: stride(bundle.places),
            weight_stride: stride(bundle.places / step),
            width: shape.value_width(),
        }
    }

    /// Where a query's numbers, or its results, begin in rows of so many, those of the first head at `first`.
    fn place(&self, query: usize, bundle: &Bundle, width: usize, first: usize) -> usize {
        let (head, of_head) = (query / self.queries, query % self.queries);
        let row = bundle.tokens.start + of_head / self.group;
        row * width + first + (head * self.group + of_head % self.group) * self.e
    }
}

impl Buffers {
    pub(crate) fn new() -> Self {
        let [queries, scores, weights, sums] = [0; 4].map(Words::take);
        Self { queries, scores, weights, sums, factors: Vec::new(), pointers: Vec::new() }
    }

    fn reset(&mut self, sizes: Sizes) {
        let queries = sizes.heads * sizes.queries;
        self.queries.grow((queries + BEYOND) * sizes.query_stride);
        self.scores.grow(queries * sizes.score_stride);
        self.weights.grow((queries + BEYOND) * sizes.weight_stride);
        self.sums.grow(queries * sizes.width);
        self.sums[..queries * sizes.width].fill(0);
        self.factors.clear();
    }

    /// Queries divided by sqrt(E), as the keys want them.
    fn put_queries(&mut self, sizes: Sizes, bundle: &Bundle, from: Head<&[f32]>) {
        let (e, factor) = (sizes.e, 1.0 / (sizes.e as f32).sqrt());
        let mut scaled = vec![0.0; sizes.query_words * sizes.step];
        for query in 0..sizes.heads * sizes.queries {
            let numbers = &from.numbers[sizes.place(query, bundle, from.width, from.first)..][..e];
            scaled.iter_mut().zip(numbers).for_each(|(scaled, number)| *scaled = number * factor);
            let place = query * sizes.query_stride;
            beside(sizes.step, &scaled, &mut self.queries[place..place + sizes.query_words]);
        }
    }

    /// Exponentials of the scores of what each token sees, and nothing elsewhere.
    fn weigh(&mut self, sizes: Sizes, bundle: &Bundle) {
        for query in 0..sizes.heads * sizes.queries {
            let seen = bundle.seen[query % sizes.queries / sizes.group].clone();
            // All of the blocks that the token reads.
            let read = seen.start / BLOCK * BLOCK..seen.end.next_multiple_of(BLOCK);
            let scores = &mut numbers(&mut self.scores)[query * sizes.score_stride..][..read.end];
            let sum = exponentials(&mut scores[read.clone()], seen.start - read.start..seen.end - read.start);
            self.factors.push(1.0 / sum);
            let weights = &mut self.weights[query * sizes.weight_stride..];
            beside(sizes.step, &scores[read.clone()], &mut weights[read.start / sizes.step..read.end / sizes.step]);
        }
    }
}

/// exp of what is seen less its highest, nothing elsewhere; their sum.
fn exponentials(scores: &mut [f32], seen: Range<usize>) -> f32 {
    scores[..seen.start].fill(0.0);
    scores[seen.end..].fill(0.0);
    let visible = &mut scores[seen];
    let highest = rows::max(visible);
    rows::exp_sum(visible, highest)
}

/// Numbers as keys or values want them beside theirs: as they are, or in pairs.
fn beside(step: usize, numbers: &[f32], words: &mut [u32]) {
    if step == 1 {
        words.iter_mut().zip(numbers).for_each(|(word, number)| *word = number.to_bits());
    } else {
        rows::bf16_pairs(numbers, words);
    }
}

/// Words as numbers.
fn numbers(words: &mut [u32]) -> &mut [f32] {
    // SAFETY: of the same size and alignment; any word is a number.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len()) }
}

/// How many of so many key-value heads are best attended for at once: all of a single query, whose sums would each wait
/// for their last step; otherwise one, whose scores stay in the caches.
pub(crate) fn heads_at_once(bundle: &Bundle, group: usize, heads: usize) -> usize {
    if bundle.tokens.len() * group == 1 { heads } else { 1 }
}

/// softmax(q kᵀ / sqrt(E)) v for the tokens of a bundle in a layer and some key-value heads, whose query heads stand side
/// by side. Shapes: in each row [heads, G, E] from `first` on, of queries and of results.
///
/// # Safety
/// No other task may touch these results.
pub(crate) unsafe fn attend(
    cache: &KeyValues,
    (bundle, group): (&Bundle, usize),
    (layer, heads): (usize, Range<usize>),
    queries: Head<&[f32]>,
    buffers: &mut Buffers,
    results: Head<Shared<'_, f32>>,
) {
    let sizes = Sizes::of(cache, bundle, group, heads.len());
    buffers.reset(sizes);
    buffers.put_queries(sizes, bundle, queries);
    let mut pointers = std::mem::take(&mut buffers.pointers);
    pointers.clear();
    for head in heads {
        let blocks = bundle.runs.iter().flat_map(|run| &run.blocks);
        pointers.extend(blocks.map(|&block| cache.head(block, layer, head).cast_const()));
    }
    let jobs = Jobs {
        left: (buffers.queries.as_ptr(), sizes.query_stride, 0),
        out: (buffers.scores.as_mut_ptr().cast(), sizes.score_stride, BLOCK),
    };
    // SAFETY: the blocks hold so many keys, and the buffers have room for the bundle.
    unsafe { jobs.multiply(sizes, bundle, &pointers, RightBlocks::Columns(sizes.query_words * sizes.step)) };
    buffers.weigh(sizes, bundle);
    pointers.iter_mut().for_each(|pointer| *pointer = pointer.wrapping_add(cache.shape.key_words()));
    let jobs = Jobs {
        left: (buffers.weights.as_ptr(), sizes.weight_stride, BLOCK / sizes.step),
        out: (buffers.sums.as_mut_ptr().cast(), sizes.width, 0),
    };
    // SAFETY: as above, of values.
    unsafe { jobs.multiply(sizes, bundle, &pointers, RightBlocks::Rows(sizes.width)) };
    buffers.pointers = pointers;
    for (query, factor) in buffers.factors.iter().enumerate() {
        // SAFETY: the caller's.
        let results =
            unsafe { results.numbers.part(sizes.place(query, bundle, results.width, results.first), sizes.e) };
        let sums = &numbers(&mut buffers.sums)[query * sizes.width..];
        results.iter_mut().zip(sums).for_each(|(result, sum)| *result = sum * factor);
    }
}

/// Where a product's left side and its results begin, from query to query, and from block to block.
struct Jobs {
    left: (*const u32, usize, usize),
    out: (*mut f32, usize, usize),
}

impl Jobs {
    /// All runs of a bundle, of one head after the other; `pointers` are their blocks, in the same order.
    ///
    /// # Safety
    /// The pointers must be good for what `sizes` and `blocks` say.
    unsafe fn multiply(&self, sizes: Sizes, bundle: &Bundle, mut pointers: &[*const u32], blocks: RightBlocks) {
        let ((left, left_stride, left_block), (out, out_stride, out_block)) = (self.left, self.out);
        let mut jobs = Vec::with_capacity(sizes.heads * bundle.runs.len());
        for head in 0..sizes.heads {
            for run in &bundle.runs {
                let (own, others) = pointers.split_at(run.blocks.len());
                pointers = others;
                let query = head * sizes.queries + run.tokens.start * sizes.group;
                jobs.push(RowsByBlocks {
                    left: left.wrapping_add(query * left_stride + run.first * left_block),
                    left_stride,
                    rows: run.tokens.len() * sizes.group,
                    blocks: own,
                    out: out.wrapping_add(query * out_stride + run.first * out_block),
                    out_stride,
                });
            }
        }
        // SAFETY: the caller's; the unit is this processor's.
        unsafe {
            match Unit::for_generation().filter(|_| sizes.step == 2) {
                Some(unit) => unit.multiply_by_blocks(&jobs, blocks),
                None => by_blocks(&jobs, blocks, sizes.step == 2),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::key_values::Shape;
    use super::*;
    use crate::finite_difference::values;

    /// Attention as it is written down, of the heads of a group.
    fn plain(queries: &[f32], e: usize, (keys, values): (&[f32], &[f32]), seen: Range<usize>) -> Vec<f32> {
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

    /// A cache of one layer and head, its keys and values by slot, and tokens that see them.
    struct Scene {
        cache: KeyValues,
        held: Vec<(Vec<f32>, Vec<f32>)>,
        tokens: Vec<Token>,
    }

    impl Scene {
        /// Three slots: the second begins as the first does, the third is on its own. Their last tokens are new.
        fn new(format: KeyValueFormat, e: usize, length: usize, window: usize) -> Self {
            let mut cache = KeyValues::new(Shape { format, layers: 1, heads: 1, dim: e }, 3);
            let mut held: Vec<(Vec<f32>, Vec<f32>)> = Vec::new();
            let mut tokens = Vec::new();
            for slot in 0..3 {
                let (mut keys, mut vals) =
                    (values(length * e, 2 * slot as u64 + 1), values(length * e, 2 * slot as u64 + 2));
                let shared = if slot == 1 { 2 * length / 3 } else { 0 };
                if slot == 1 {
                    cache.share(0, 1, shared);
                    keys[..shared * e].copy_from_slice(&held[0].0[..shared * e]);
                    vals[..shared * e].copy_from_slice(&held[0].1[..shared * e]);
                }
                cache.grow(slot, length - shared);
                for p in shared..length {
                    let place = p * e..(p + 1) * e;
                    // SAFETY: one position after the other.
                    unsafe { cache.put((slot, p), (0, 0), &keys[place.clone()], &vals[place]) };
                }
                held.push((keys, vals));
                let new = length.saturating_sub(40)..length;
                let token = |position: usize| Token { slot, oldest: (position + 1).saturating_sub(window), position };
                tokens.extend(new.map(token));
            }
            Self { cache, held, tokens }
        }

        /// Results of some of the tokens, which are all there are. Shape of queries and results: [tokens, G, E].
        fn attend(&self, tokens: Range<usize>, group: usize, queries: &[f32]) -> Vec<f32> {
            let width = group * self.cache.shape.dim;
            let queries = Head { numbers: &queries[tokens.start * width..], width, first: 0 };
            let mut results = vec![0.0; tokens.len() * width];
            let shared = Shared::new(&mut results);
            let mut buffers = Buffers::new();
            for bundle in Bundle::all(&self.cache, &self.tokens[tokens], group) {
                let to = Head { numbers: shared, width, first: 0 };
                // SAFETY: one bundle after the other.
                unsafe { attend(&self.cache, (&bundle, group), (0, 0..1), queries, &mut buffers, to) };
            }
            results
        }
    }

    #[test]
    fn it_is_attention_over_what_is_seen_and_the_same_bits_in_any_company() {
        for (format, tolerance) in [(KeyValueFormat::F32, 1e-5), (KeyValueFormat::Bf16, 2e-2)] {
            for (e, group, length, window) in [(6, 1, 3, 100), (64, 2, 90, 100), (80, 3, 70, 33), (32, 7, 200, 100)] {
                let scene = Scene::new(format, e, length, window);
                let width = group * e;
                let queries: Vec<f32> = values(scene.tokens.len() * width, 7).iter().map(|q| q * 3.0).collect();
                let all = scene.attend(0..scene.tokens.len(), group, &queries);
                for (i, (token, found)) in scene.tokens.iter().zip(all.chunks(width)).enumerate() {
                    let alone = scene.attend(i..i + 1, group, &queries);
                    assert_eq!(found, alone, "{format:?} {e} {group} {length}: token {i}");
                    let (keys, vals) = &scene.held[token.slot];
                    let seen = token.oldest..token.position + 1;
                    let right = plain(&queries[i * width..(i + 1) * width], e, (keys, vals), seen);
                    for (found, right) in found.iter().zip(right) {
                        assert!((found - right).abs() < tolerance, "{format:?} {e} {group} {length}: {found} {right}");
                    }
                }
            }
        }
    }
}
