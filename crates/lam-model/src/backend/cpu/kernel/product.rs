//! Products of bf16 values with f32 sums: c [m, n] = (c or 0) + alpha Σ over terms of a [m, r] b [r, n].
//!
//! The left side lies in rows of bf16 as it is; the right side, from whatever source, is packed into panels on the
//! way (see [`super::panel`]), which costs about a hundredth of the product.

use std::ops::Range;

use half::bf16;
use rayon::prelude::*;

use super::numbers::Numbers;
use super::out::SharedOut;
pub(crate) use super::out::{Out, Size};
use super::packed::PackedMatrix;
use super::panel::{self, Right, WIDTH, Words};
use super::shared::Shared;
use super::tile::{self, Piece, Put};
use super::tiles::{self, Left, Unit, Work};

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

impl<'a> Term<'a> {
    fn on_tiles(&self) -> tiles::Term<'a> {
        tiles::Term { left: Left::Rows(self.left, self.stride), right: self.right, reduction: self.reduction }
    }
}

/// Values of the reduction that one pass covers: a panel of them stays in the second cache.
const PASS: usize = 2048;
/// Tasks for each thread that a product is cut into at least, where its rows allow it.
const TASKS: usize = 4;
/// Rows of a task at least; a multiple of every tile's height.
const ROWS: usize = 240;
/// Columns of a vector; a panel's width is a multiple.
const LANES: usize = 16;

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
    multiply_by(Unit::here(), terms, size, out);
}

/// As [`multiply_parallel`], on tiles where there is a unit.
fn multiply_by(unit: Option<Unit>, terms: &[Term<'_>], size: Size, out: Out<'_>) {
    if let Some(unit) = unit {
        let out = checked(terms, size, out);
        let Size { m, n, stride, alpha } = size;
        let terms: Vec<_> = terms.iter().map(Term::on_tiles).collect();
        // SAFETY: the sizes were just checked, and the unit is this processor's.
        unsafe { unit.multiply_parallel(&Work { terms: &terms, rows: 0..m, columns: 0..n, stride, alpha, out }) };
        return;
    }
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
pub(crate) fn add_outer(a: &[bf16], b: &[bf16], c: &mut [f32], size: (usize, usize)) {
    add_outer_by(Unit::here(), a, b, c, size);
}

/// As [`add_outer`], on tiles where there is a unit.
fn add_outer_by(unit: Option<Unit>, a: &[bf16], b: &[bf16], c: &mut [f32], (n, k): (usize, usize)) {
    let t = a.len() / n.max(1);
    assert!(a.len() == t * n && b.len() == t * k && c.len() == n * k, "product outside its slices");
    if let Some(unit) = unit {
        let right = Right::Plain(Numbers::Bf16(b), k);
        let terms = [tiles::Term { left: Left::Columns(a, n), right, reduction: t }];
        let out = SharedOut::Add(Shared::new(c));
        let work = Work { terms: &terms, rows: 0..n, columns: 0..k, stride: k, alpha: 1.0, out };
        // SAFETY: the sizes were just checked, and the unit is this processor's.
        unsafe { unit.multiply_parallel(&work) };
        return;
    }
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
            let piece = Piece { left: start, row: 4, step: 4 * left_width, pairs: left.pairs(), panel: aside.as_ptr() };
            let columns = width.min(k - column);
            let put = Put { to: out.at(row * k + column), stride: k, columns, alpha: 1.0 };
            // SAFETY: the sizes were just checked, and no other task writes to these rows and columns.
            unsafe { tile::rows(width / LANES, WIDTH.min(n - row), &[piece], None, put) };
        });
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
            multiply_by(None, &terms, size, Out::F32(&mut plain));
            multiply_by(None, &terms, size, Out::Add(&mut added));
            multiply_by(None, &terms, size, Out::Bf16(&mut narrowed));
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

    /// On vectors and on tiles: close to one another, as orders of sums are.
    fn near(a: &[f32], b: &[f32], reduction: usize) {
        let near = (reduction as f32).sqrt() * 1e-5;
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < near), "{reduction}");
    }

    #[test]
    fn tiles_and_vectors_agree_in_every_form() {
        for (m, n, r) in [(7, 70, 33), (100, 17, 64), (31, 130, 1500)] {
            let (a, w) = (narrow(&values(m * r, 1)), values(n * r, 2));
            let term = Term { left: &a, stride: r, right: Right::Transposed(Numbers::F32(&w), r), reduction: r };
            let size = Size { m, n, stride: n, alpha: 0.5 };
            let (mut vectors, mut tiles) = (vec![0.0; m * n], vec![0.0; m * n]);
            multiply_by(None, &[term, term], size, Out::F32(&mut vectors));
            multiply_by(Some(Unit::Model), &[term, term], size, Out::F32(&mut tiles));
            near(&tiles, &vectors, r);
            let (g, mut outer, mut outer_on_tiles) = (narrow(&values(m * n, 3)), vec![1.0; n * r], vec![1.0; n * r]);
            add_outer_by(None, &g, &a, &mut outer, (n, r));
            add_outer_by(Some(Unit::Model), &g, &a, &mut outer_on_tiles, (n, r));
            near(&outer_on_tiles, &outer, m);
        }
    }
}
