//! Attention in bf16: products of bf16 values with f32 sums, softmax in f32.
//!
//! The backward works on transposed scores, a key a row and a query a column, because the gradients by keys and
//! values sum over queries: their left sides then lie in rows as they are made.

use std::ops::Range;

use half::bf16;
use rayon::prelude::*;

use super::{BLOCK, Block, Heads, Seen};
use crate::backend::cpu::kernel::dispatch::dispatched;
use crate::backend::cpu::kernel::element::Element;
use crate::backend::cpu::kernel::numbers::Numbers;
use crate::backend::cpu::kernel::panel::{Right, WIDTH};
use crate::backend::cpu::kernel::product::{Out, PackedMatrix, Part, Size};
use crate::backend::cpu::kernel::rows;
use crate::backend::cpu::kernel::shared::Shared;
use crate::batch::Span;

/// What attention reads. `q` and `k` are rotated.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub(super) q: &'a [bf16],
    pub(super) k: &'a [bf16],
    pub(super) v: &'a [bf16],
    /// Where each document is.
    pub(super) spans: &'a [Span],
}

/// What the backward reads besides the inputs.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a> {
    pub(super) o: &'a [bf16],
    pub(super) logsumexp: &'a [f32],
    pub(super) g: &'a [bf16],
}

dispatched! {
    /// y := factor x, rounded.
    fn scaled(y: &mut [bf16], x: &[f32], factor: f32) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = bf16::narrow(x * factor);
        }
    }
}
dispatched! {
    /// Sum of x y.
    fn dot(x: &[bf16], y: &[bf16]) -> f32 {
        x.iter().zip(y).map(|(x, y)| x.wide() * y.wide()).sum()
    }
}
dispatched! {
    /// Scores become probabilities, in f32 and rounded: p := exp(s - logsumexp), a column each.
    fn probabilities(s: &mut [f32], logsumexp: &[f32], p: &mut [bf16]) {
        let (logsumexp, p) = (&logsumexp[..s.len()], &mut p[..s.len()]);
        for i in 0..s.len() {
            s[i] = rows::exp(s[i] - logsumexp[i]);
            p[i] = bf16::narrow(s[i]);
        }
    }
}
dispatched! {
    /// ds := p (dp - mean) factor, rounded, a column each.
    fn grad_scores(p: &[f32], dp: &[f32], means: &[f32], factor: f32, ds: &mut [bf16]) {
        let (p, dp, means) = (&p[..ds.len()], &dp[..ds.len()], &means[..ds.len()]);
        for i in 0..ds.len() {
            ds[i] = bf16::narrow(p[i] * (dp[i] - means[i]) * factor);
        }
    }
}

/// Rows of one head: a matrix [T, E] inside [T, width].
fn head(x: &[bf16], row: usize, width: usize, column: usize) -> Numbers<'_> {
    Numbers::Bf16(&x[row * width + column..])
}

/// As [`super::forward`].
pub(super) fn forward(heads: Heads, inputs: Inputs<'_>, o: &mut [bf16], logsumexp: &mut [f32]) {
    let (e, wq, wk) = (heads.dim, heads.query * heads.dim, heads.key_value * heads.dim);
    let group = heads.query / heads.key_value;
    let (o, logsumexp) = (Shared::new(o), Shared::new(logsumexp));
    heads.tasks(inputs.spans).for_each(|(span, j)| {
        let &Span { start, length, .. } = span;
        let keys = PackedMatrix::new(Right::Transposed(head(inputs.k, start, wk, j * e), wk), 0..length, 0..e);
        let values = PackedMatrix::new(Right::Plain(head(inputs.v, start, wk, j * e), wk), 0..e, 0..length);
        let stride = length.next_multiple_of(WIDTH);
        let (mut scores, mut p) = (vec![0.0; BLOCK * stride], vec![bf16::ZERO; BLOCK * stride]);
        for h in j * group..(j + 1) * group {
            for block in heads.blocks(span) {
                let block = block.on_whole_panels();
                let at = (start + block.first) * wq + h * e;
                let parts = block.parts(span);
                for keys_seen in &parts {
                    let column = keys_seen.start / WIDTH * WIDTH;
                    let wide =
                        (keys_seen.end - column).next_multiple_of(WIDTH).min((length - column).next_multiple_of(16));
                    let size = Size { m: block.queries, n: wide, stride, alpha: heads.factor() };
                    let part = Part { column, pair: 0, pairs: e / 2 };
                    keys.multiply(part, (&inputs.q[at..], wq), size, Out::F32(&mut scores[column - block.first_key..]));
                }
                for i in 0..block.queries {
                    let (row, p) = (&mut scores[i * stride..][..stride], &mut p[i * stride..][..stride]);
                    let lse = softmax(row, &heads.seen(span, &block, i), p);
                    // SAFETY: only this task has this row and head.
                    unsafe { logsumexp.from((start + block.first + i) * heads.query + h)[0] = lse };
                }
                // SAFETY: only this task has these rows of this head, and the product touches no others.
                let out = unsafe { o.from(at) };
                over_keys(&values, &parts, (&p, stride, block.first_key), (out, wq), (block.queries, e));
            }
        }
    });
}

impl Block {
    /// The same queries, with keys from the start of a panel.
    fn on_whole_panels(self) -> Self {
        let first_key = self.first_key / WIDTH * WIDTH;
        Self { first_key, keys: self.keys + self.first_key - first_key, ..self }
    }
}

/// Rows of `left`, whose columns are keys from `first_key` on, times `right`, whose rows are keys: over the given keys
/// only, which start at even places.
fn over_keys(
    right: &PackedMatrix,
    parts: &[Range<usize>],
    (left, stride, first_key): (&[bf16], usize, usize),
    (out, width): (&mut [bf16], usize),
    (m, n): (usize, usize),
) {
    let part = |keys: &Range<usize>| Part { column: 0, pair: keys.start / 2, pairs: keys.len().div_ceil(2) };
    let left = |keys: &Range<usize>| (&left[keys.start - first_key..], stride);
    if let [keys] = parts {
        right.multiply(part(keys), left(keys), Size { m, n, stride: width, alpha: 1.0 }, Out::Bf16(out));
        return;
    }
    let mut sums = vec![0.0; m * n];
    for keys in parts {
        right.multiply(part(keys), left(keys), Size { m, n, stride: n, alpha: 1.0 }, Out::Add(&mut sums));
    }
    for (row, sums) in sums.chunks(n).enumerate() {
        scaled(&mut out[row * width..][..n], sums, 1.0);
    }
}

/// Softmax over what is seen, rounded, zero elsewhere; returns the logarithm of the denominator.
fn softmax(scores: &mut [f32], seen: &Seen, p: &mut [bf16]) -> f32 {
    for hidden in seen.hidden(p.len()) {
        p[hidden].fill(bf16::ZERO);
    }
    let highest = seen.ranges().map(|range| rows::max(&scores[range])).into_iter().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = seen.ranges().map(|range| rows::exp_sum(&mut scores[range], highest)).into_iter().sum();
    for range in seen.ranges() {
        scaled(&mut p[range.clone()], &scores[range], 1.0 / sum);
    }
    highest + sum.ln()
}

/// What a task of the backward works in.
struct Scratch {
    /// [keys, BLOCK], a query a column: scores, then probabilities; and the gradient by the probabilities.
    p: Vec<f32>,
    dp: Vec<f32>,
    /// The same, rounded: probabilities, and the gradient by the scores.
    p_bf16: Vec<bf16>,
    ds: Vec<bf16>,
    /// [BLOCK, keys]: the gradient by the scores, a query a row.
    ds_transposed: Vec<bf16>,
    /// [keys, E]
    dk: Vec<f32>,
    dv: Vec<f32>,
}

/// As [`super::backward`].
pub(super) fn backward(heads: Heads, inputs: Inputs<'_>, kept: Kept<'_>, gradients: [&mut [bf16]; 3]) {
    let [dq, dk, dv] = gradients.map(Shared::new);
    let (e, wk) = (heads.dim, heads.key_value * heads.dim);
    let group = heads.query / heads.key_value;
    heads.tasks(inputs.spans).for_each(|(span, j)| {
        let &Span { start, length, .. } = span;
        let even = length.next_multiple_of(2);
        let mut scratch = Scratch {
            p: vec![0.0; length * BLOCK],
            dp: vec![0.0; length * BLOCK],
            p_bf16: vec![bf16::ZERO; length * BLOCK],
            ds: vec![bf16::ZERO; length * BLOCK],
            ds_transposed: vec![bf16::ZERO; BLOCK * even],
            dk: vec![0.0; length * e],
            dv: vec![0.0; length * e],
        };
        let keys = PackedMatrix::new(Right::Plain(head(inputs.k, start, wk, j * e), wk), 0..e, 0..length);
        for h in j * group..(j + 1) * group {
            for block in heads.blocks(span) {
                let task = Task { span, j, h, even };
                task.backward(heads, inputs, kept, block, &keys, (&mut scratch, dq));
            }
        }
        for (to, from) in [(dk, &scratch.dk), (dv, &scratch.dv)] {
            for (row, from) in from.chunks(e).enumerate() {
                // SAFETY: only this task has these rows of this key-value head.
                let to = unsafe { to.from((start + row) * wk + j * e) };
                scaled(&mut to[..e], from, 1.0);
            }
        }
    });
}

/// Where a task is: its document, its heads, and the document's length made even.
struct Task<'a> {
    span: &'a Span,
    j: usize,
    h: usize,
    even: usize,
}

impl Task<'_> {
    /// One block of queries: dq of its rows; dk and dv are added up.
    fn backward(
        &self,
        heads: Heads,
        inputs: Inputs<'_>,
        kept: Kept<'_>,
        block: Block,
        keys: &PackedMatrix,
        (scratch, dq): (&mut Scratch, Shared<'_, bf16>),
    ) {
        let &Self { span: &Span { start, .. }, j, h, even } = self;
        let (e, wq, wk) = (heads.dim, heads.query * heads.dim, heads.key_value * heads.dim);
        let queries = block.queries;
        let (row, at) = (start + block.first, (start + block.first) * wq + h * e);
        let across = Part { column: 0, pair: 0, pairs: e / 2 };
        let (q, g) = (head(inputs.q, row, wq, h * e), head(kept.g, row, wq, h * e));
        let columns = |source| PackedMatrix::new(Right::Transposed(source, wq), 0..queries, 0..e);
        let rows = |source| PackedMatrix::new(Right::Plain(source, wq), 0..e, 0..queries);
        let (q_columns, g_columns, q_rows, g_rows) = (columns(q), columns(g), rows(q), rows(g));
        let down = Part { column: 0, pair: 0, pairs: queries.div_ceil(2) };
        let (mut logsumexp, mut means) = ([0.0; BLOCK], [0.0; BLOCK]);
        for i in 0..queries {
            logsumexp[i] = kept.logsumexp[(row + i) * heads.query + h];
            let own = at + i * wq..at + i * wq + e;
            means[i] = dot(&kept.g[own.clone()], &kept.o[own]);
        }
        // Pairs of keys start at even places.
        let block = Block { first_key: block.first_key / 2 * 2, ..block };
        let parts = block.parts(self.span);
        for part in &parts {
            let (first_key, count) = (part.start, part.len());
            let (key_at, key_block) = ((start + first_key) * wk + j * e, first_key * BLOCK);
            let size = Size { m: count, n: queries, stride: BLOCK, alpha: heads.factor() };
            q_columns.multiply(across, (&inputs.k[key_at..], wk), size, Out::F32(&mut scratch.p[key_block..]));
            let by_value = Size { alpha: 1.0, ..size };
            g_columns.multiply(across, (&inputs.v[key_at..], wk), by_value, Out::F32(&mut scratch.dp[key_block..]));
            for key in part.clone() {
                let (p, dp) = (&mut scratch.p[key * BLOCK..][..BLOCK], &scratch.dp[key * BLOCK..][..BLOCK]);
                let (p_bf16, ds) =
                    (&mut scratch.p_bf16[key * BLOCK..][..BLOCK], &mut scratch.ds[key * BLOCK..][..BLOCK]);
                let seen = heads.seen_by(self.span, &block, key);
                p_bf16.fill(bf16::ZERO);
                ds.fill(bf16::ZERO);
                probabilities(&mut p[seen.clone()], &logsumexp[seen.clone()], &mut p_bf16[seen.clone()]);
                grad_scores(&p[seen.clone()], &dp[seen.clone()], &means[seen.clone()], heads.factor(), &mut ds[seen]);
            }
            transpose(&scratch.ds[key_block..][..count * BLOCK], count, &mut scratch.ds_transposed[first_key..], even);
            let size = Size { m: count, n: e, stride: e, alpha: 1.0 };
            let (p, ds) = (&scratch.p_bf16[key_block..], &scratch.ds[key_block..]);
            g_rows.multiply(down, (p, BLOCK), size, Out::Add(&mut scratch.dv[first_key * e..]));
            q_rows.multiply(down, (ds, BLOCK), size, Out::Add(&mut scratch.dk[first_key * e..]));
        }
        // SAFETY: only this task has these rows of this head, and the product touches no others.
        let out = unsafe { dq.from(at) };
        over_keys(keys, &parts, (&scratch.ds_transposed, even, 0), (out, wq), (queries, e));
    }
}

impl Heads {
    /// Which queries of the block, counted from its first, see a key.
    fn seen_by(&self, span: &Span, block: &Block, key: usize) -> Range<usize> {
        let first = key.saturating_sub(block.first).min(block.queries);
        let last = if key < span.shared() { span.length } else { span.segment(key).end };
        let end = key.saturating_add(self.window_in(span)).min(last).saturating_sub(block.first);
        first..end.clamp(first, block.queries)
    }
}

/// Rows of `BLOCK` values become columns, with a zero after an odd last one.
fn transpose(x: &[bf16], count: usize, y: &mut [bf16], stride: usize) {
    for first in (0..count).step_by(32) {
        let last = count.min(first + 32);
        for (column, y) in y.chunks_mut(stride).enumerate() {
            for (key, y) in (first..last).zip(&mut y[first..]) {
                *y = x[key * BLOCK + column];
            }
        }
    }
    if count % 2 == 1 {
        y.chunks_mut(stride).for_each(|y| y[count] = bf16::ZERO);
    }
}
