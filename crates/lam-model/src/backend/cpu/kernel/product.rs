//! Products of bf16 values with f32 sums: c [m, n] = (c or 0) + alpha Σ over terms of a [m, r] b [r, n].
//!
//! The left side lies in rows of bf16 as it is; the right side, from whatever source, is packed into panels on the
//! way (see [`super::panel`]), which costs about a hundredth of the product.

use std::ops::Range;

use half::bf16;
use rayon::prelude::*;

use super::numbers::Numbers;
use super::panel::{self, Right, WIDTH, Words};
use super::shared::Shared;
use super::tile::{self, Piece, Put};

/// One summand of a product.
#[derive(Clone, Copy)]
pub(crate) struct Term<'a> {
    /// Rows of the left side, `stride` apart.
    pub(crate) left: &'a [bf16],
    pub(crate) stride: usize,
    pub(crate) right: Right<'a>,
    /// Values summed over.
    pub(crate) reduction: usize,
}

/// Where a product goes.
pub(crate) enum Out<'a> {
    /// In place of what is there.
    F32(&'a mut [f32]),
    /// Added to what is there.
    Add(&'a mut [f32]),
    /// Rounded, in place of what is there.
    Bf16(&'a mut [bf16]),
}

/// Rows, columns, distance of the rows and factor of a product.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) stride: usize,
    pub(crate) alpha: f32,
}

/// Values of the reduction that one pass covers: a panel of them stays in the second cache.
const PASS: usize = 2048;
/// Tasks for each thread that a product is cut into at least, where its rows allow it.
const TASKS: usize = 4;
/// Rows of a task at least; a multiple of every tile's height.
const ROWS: usize = 240;
/// Columns of a vector; a panel's width is a multiple.
const LANES: usize = 16;

#[derive(Clone, Copy)]
enum SharedOut<'a> {
    F32(Shared<'a, f32>),
    Add(Shared<'a, f32>),
    Bf16(Shared<'a, bf16>),
}

impl<'a> Out<'a> {
    fn shared(self) -> SharedOut<'a> {
        match self {
            Out::F32(c) => SharedOut::F32(Shared::new(c)),
            Out::Add(c) => SharedOut::Add(Shared::new(c)),
            Out::Bf16(c) => SharedOut::Bf16(Shared::new(c)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Out::F32(c) | Out::Add(c) => c.len(),
            Out::Bf16(c) => c.len(),
        }
    }
}

impl SharedOut<'_> {
    fn at(self, offset: usize) -> tile::Destination {
        match self {
            SharedOut::F32(c) => tile::Destination::Replace(c.pointer(offset)),
            SharedOut::Add(c) => tile::Destination::Add(c.pointer(offset)),
            SharedOut::Bf16(c) => tile::Destination::Bf16(c.pointer(offset)),
        }
    }
}

/// One product on this thread.
#[cfg(test)]
fn multiply(terms: &[Term<'_>], size: Size, out: Out<'_>) {
    with_even_terms(terms, size, |terms| {
        let out = checked(terms, size, out);
        if size.m == 0 {
            return;
        }
        for first in (0..size.n).step_by(WIDTH) {
            block(terms, 0..size.m, first..size.n.min(first + WIDTH), size, out);
        }
    });
}

/// One product on all threads. How it is cut into tasks changes no sum.
pub(crate) fn multiply_parallel(terms: &[Term<'_>], size: Size, out: Out<'_>) {
    with_even_terms(terms, size, |terms| {
        let out = checked(terms, size, out);
        let panels = size.n.div_ceil(WIDTH);
        let tasks = TASKS * rayon::current_num_threads();
        let blocks = tasks.div_ceil(panels.max(1)).clamp(1, size.m.div_ceil(ROWS).max(1));
        let rows = size.m.div_ceil(blocks).next_multiple_of(24);
        (0..size.m.div_ceil(rows) * panels).into_par_iter().for_each(|task| {
            let (row, column) = (task / panels * rows, task % panels * WIDTH);
            block(terms, row..size.m.min(row + rows), column..size.n.min(column + WIDTH), size, out);
        });
    });
}

/// Refuses what lies outside its slice, so that what follows may trust the sizes.
fn checked<'a>(terms: &[Term<'_>], size: Size, out: Out<'a>) -> SharedOut<'a> {
    let Size { m, n, stride, .. } = size;
    let inside = m == 0 || n == 0 || (n <= stride && (m - 1) * stride + n <= out.len());
    assert!(inside, "product outside its slice");
    for term in terms {
        let inside = m == 0 || term.reduction == 0 || (m - 1) * term.stride + term.reduction <= term.left.len();
        assert!(inside, "left side outside its slice");
    }
    out.shared()
}

/// A row of odd length ends in half a pair, so its rows are copied to where a zero follows each.
fn with_even_terms(terms: &[Term<'_>], size: Size, run: impl FnOnce(&[Term<'_>])) {
    if terms.iter().all(|term| term.reduction.is_multiple_of(2)) {
        return run(terms);
    }
    let copies: Vec<Vec<bf16>> = terms.iter().map(|term| evened(term, size.m)).collect();
    let even = terms.iter().zip(&copies).map(|(term, copy)| {
        if copy.is_empty() { *term } else { Term { left: copy, stride: term.reduction + 1, ..*term } }
    });
    run(&even.collect::<Vec<_>>());
}

/// Copies of `rows` rows of odd length, a zero after each; nothing where the length is even.
fn evened(term: &Term<'_>, rows: usize) -> Vec<bf16> {
    let (odd, even) = (term.reduction, term.reduction + 1);
    let mut copy = vec![bf16::ZERO; if odd.is_multiple_of(2) { 0 } else { rows * even }];
    for (row, copy) in copy.chunks_mut(even).enumerate() {
        copy[..odd].copy_from_slice(&term.left[row * term.stride..][..odd]);
    }
    copy
}

/// A stretch of a term's reduction.
struct Stretch {
    term: usize,
    range: Range<usize>,
}

/// The terms' reductions, in passes of at most `PASS` values.
fn passes(terms: &[Term<'_>]) -> Vec<Vec<Stretch>> {
    let mut passes = vec![Vec::new()];
    let mut room = PASS;
    for (term, Term { reduction, .. }) in terms.iter().enumerate() {
        let mut start = 0;
        while start < *reduction {
            if room == 0 {
                passes.push(Vec::new());
                room = PASS;
            }
            let end = (*reduction).min(start + room);
            passes.last_mut().expect("there is a first pass").push(Stretch { term, range: start..end });
            room -= (end - start).next_multiple_of(2).min(room);
            start = end;
        }
    }
    passes
}

/// Some rows by one panel.
fn block(terms: &[Term<'_>], rows: Range<usize>, columns: Range<usize>, size: Size, out: SharedOut<'_>) {
    let width = columns.len().next_multiple_of(LANES);
    let passes = passes(terms);
    let mut partial = vec![0.0_f32; if passes.len() > 1 { rows.len() * width } else { 0 }];
    for (number, pass) in passes.iter().enumerate() {
        let pairs: usize = pass.iter().map(|stretch| stretch.range.len().div_ceil(2)).sum();
        let mut panel = Words::take(pairs * width);
        let mut rest = &mut *panel;
        let mut pieces = Vec::with_capacity(pass.len());
        for Stretch { term, range } in pass {
            let (term, pairs) = (&terms[*term], range.len().div_ceil(2));
            let (own, after) = rest.split_at_mut(pairs * width);
            rest = after;
            panel::pack(term.right, columns.clone(), range.clone(), width, own);
            let left = term.left[rows.start * term.stride + range.start..].as_ptr();
            pieces.push(Piece { left, row: 2 * term.stride, step: 4, pairs, panel: own.as_ptr() });
        }
        let sums = partial.as_mut_ptr();
        let put = if number + 1 < passes.len() {
            Put { to: tile::Destination::Replace(sums), stride: width, columns: width, alpha: 1.0 }
        } else {
            let to = out.at(rows.start * size.stride + columns.start);
            Put { to, stride: size.stride, columns: columns.len(), alpha: size.alpha }
        };
        let before = (number > 0).then_some(sums.cast_const());
        // SAFETY: `checked` has seen the sizes, with odd reductions made even, and no other task writes to these rows
        // and columns.
        unsafe { tile::rows(width / LANES, rows.len(), &pieces, before, put) };
    }
}

/// c [n, k] += aᵀ b, on all threads. Shapes: a [t, n]; b [t, k]. Both sides are packed, and their pairs run down the rows.
pub(crate) fn add_outer(a: &[bf16], b: &[bf16], c: &mut [f32], (n, k): (usize, usize)) {
    let t = a.len() / n.max(1);
    assert!(a.len() == t * n && b.len() == t * k && c.len() == n * k, "product outside its slices");
    for first in (0..t).step_by(PASS) {
        let range = first..t.min(first + PASS);
        let left = PackedMatrix::in_parallel(Right::Plain(Numbers::Bf16(a), n), 0..n, range.clone());
        let right = PackedMatrix::in_parallel(Right::Plain(Numbers::Bf16(b), k), 0..k, range);
        let (rows, columns) = (n.div_ceil(WIDTH), k.div_ceil(WIDTH));
        let out = SharedOut::Add(Shared::new(c));
        (0..rows * columns).into_par_iter().for_each(|task| {
            let (row, column) = (task % rows * WIDTH, task / rows * WIDTH);
            let (above, aside) = (left.panel(row), right.panel(column));
            let (left_width, width) = (left.width(row), right.width(column));
            let start = above.as_ptr().cast();
            let piece = Piece { left: start, row: 4, step: 4 * left_width, pairs: left.pairs, panel: aside.as_ptr() };
            let columns = width.min(k - column);
            let put = Put { to: out.at(row * k + column), stride: k, columns, alpha: 1.0 };
            // SAFETY: the sizes were just checked, and no other task writes to these rows and columns.
            unsafe { tile::rows(width / LANES, WIDTH.min(n - row), &[piece], None, put) };
        });
    }
}

/// A right side that is packed once and used often.
pub(crate) struct PackedMatrix {
    words: Words,
    columns: usize,
    pairs: usize,
}

/// A part of a packed right side.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// First column; a multiple of [`WIDTH`].
    pub(crate) column: usize,
    /// First pair of the reduction, and how many.
    pub(crate) pair: usize,
    pub(crate) pairs: usize,
}

impl PackedMatrix {
    /// Packs `columns` over `reduction`.
    pub(crate) fn new(right: Right<'_>, columns: Range<usize>, reduction: Range<usize>) -> Self {
        let (count, pairs) = (columns.len(), reduction.len().div_ceil(2));
        let mut words = Words::take(count.next_multiple_of(LANES) * pairs);
        for (panel, words) in words.chunks_mut((WIDTH * pairs).max(1)).enumerate() {
            let first = columns.start + panel * WIDTH;
            let width = words.len() / pairs.max(1);
            panel::pack(right, first..columns.end.min(first + WIDTH), reduction.clone(), width, words);
        }
        Self { words, columns: count, pairs }
    }

    /// As [`PackedMatrix::new`], on all threads.
    fn in_parallel(right: Right<'_>, columns: Range<usize>, reduction: Range<usize>) -> Self {
        let (count, pairs) = (columns.len(), reduction.len().div_ceil(2));
        let mut words = Words::take(count.next_multiple_of(LANES) * pairs);
        words.par_chunks_mut((WIDTH * pairs).max(1)).enumerate().for_each(|(panel, words)| {
            let first = columns.start + panel * WIDTH;
            let width = words.len() / pairs.max(1);
            panel::pack(right, first..columns.end.min(first + WIDTH), reduction.clone(), width, words);
        });
        Self { words, columns: count, pairs }
    }

    /// Width of the panel that starts at a column.
    fn width(&self, column: usize) -> usize {
        (self.columns - column).next_multiple_of(LANES).min(WIDTH)
    }

    /// The panel that starts at a column.
    fn panel(&self, column: usize) -> &[u32] {
        &self.words[column * self.pairs..][..self.width(column) * self.pairs]
    }

    /// alpha × left × a part of this, on this thread. Shape: [m, n]. The left rows are `stride` apart, and hold a
    /// zero where the reduction's last pair has only one value.
    pub(crate) fn multiply(&self, part: Part, (left, stride): (&[bf16], usize), size: Size, out: Out<'_>) {
        let Size { m, n, .. } = size;
        if m == 0 || n == 0 {
            return;
        }
        let inside = part.column.is_multiple_of(WIDTH)
            && part.column + n <= self.columns.next_multiple_of(LANES)
            && part.pair + part.pairs <= self.pairs
            && (m - 1) * stride + 2 * part.pairs <= left.len()
            && (m - 1) * size.stride + n <= out.len();
        assert!(inside, "product outside its slices");
        let out = out.shared();
        for first in (0..n).step_by(WIDTH) {
            let column = part.column + first;
            let width = self.width(column);
            let panel = self.words[column * self.pairs + part.pair * width..].as_ptr();
            let piece = Piece { left: left.as_ptr(), row: 2 * stride, step: 4, pairs: part.pairs, panel };
            let to = out.at(first);
            let put = Put { to, stride: size.stride, columns: width.min(n - first), alpha: size.alpha };
            // SAFETY: the sizes were just checked, and `out` is borrowed here alone.
            unsafe { tile::rows(width / LANES, m, &[piece], None, put) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::cpu::kernel::element::Element;
    use crate::finite_difference::values;

    fn narrow(values: &[f32]) -> Vec<bf16> {
        values.iter().map(|value| bf16::narrow(*value)).collect()
    }

    /// Σ a b over the rounded values, in f64.
    fn reference(a: &[bf16], b: impl Fn(usize, usize) -> f32, (m, n, r): (usize, usize, usize)) -> Vec<f64> {
        let element = |i: usize, j: usize| (0..r).map(|p| f64::from(a[i * r + p].wide()) * f64::from(b(p, j))).sum();
        (0..m * n).map(|at| element(at / n, at % n)).collect()
    }

    #[test]
    fn products_of_all_forms_and_odd_sizes_equal_the_plain_sums() {
        for (m, n, r) in [(1, 1, 1), (7, 70, 33), (100, 17, 64), (31, 130, 2500), (500, 40, 12)] {
            let a = narrow(&values(m * r, 1));
            let (w, v) = (values(n * r, 2), values(r * n, 3));
            let at = |w: &[f32], i: usize| bf16::narrow(w[i]).wide();
            let first = reference(&a, |p, j| at(&w, j * r + p), (m, n, r));
            let second = reference(&a, |p, j| at(&v, p * n + j), (m, n, r));
            let terms = [
                Term { left: &a, stride: r, right: Right::Transposed(Numbers::F32(&w), r), reduction: r },
                Term { left: &a, stride: r, right: Right::Plain(Numbers::F32(&v), n), reduction: r },
            ];
            let size = Size { m, n, stride: n, alpha: 0.5 };
            let start = values(m * n, 4);
            let (mut plain, mut added, mut alone) = (vec![9.0; m * n], start.clone(), vec![9.0; m * n]);
            let mut narrowed = vec![bf16::ZERO; m * n];
            multiply_parallel(&terms, size, Out::F32(&mut plain));
            multiply_parallel(&terms, size, Out::Add(&mut added));
            multiply_parallel(&terms, size, Out::Bf16(&mut narrowed));
            multiply(&terms, size, Out::F32(&mut alone));
            assert_eq!(plain, alone);
            let near = (r as f64).sqrt() * 1e-5;
            for i in 0..m * n {
                let right = 0.5 * (first[i] + second[i]);
                assert!((f64::from(plain[i]) - right).abs() < near, "{m} {n} {r}: {} {right}", plain[i]);
                assert!((f64::from(added[i]) - right - f64::from(start[i])).abs() < near, "added");
                assert!((f64::from(narrowed[i].wide()) - right).abs() < right.abs() / 250.0 + near, "narrowed");
            }
        }
    }
}
