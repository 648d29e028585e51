//! Attention over pages, against f64 over whole texts.

use half::bf16;
use lam_cuda::Buffer;

use super::super::cached::{At, Standing, page_numbers};
use super::{Matrix, Ops, exact, test_ops};
use crate::backend::cuda::sources::{PAGE, PART};
use crate::backend::run::Heads;

/// Texts whose pages lie in any order, in the second of three layers.
pub(super) struct Texts {
    pub(super) heads: Heads,
    lengths: Vec<usize>,
    /// Rows of all texts. Shape: [T, (H + 2K) E].
    qkv: Vec<f32>,
}

pub(super) const LAYERS: usize = 3;
pub(super) const LAYER: usize = 1;

impl Texts {
    pub(super) fn new(heads: Heads, lengths: &[usize]) -> Self {
        let t: usize = lengths.iter().sum();
        let mut qkv = exact(t * (heads.query + 2 * heads.key_value) * heads.dim, 7);
        // Sharp: a few keys have most of the weight, so that one too few or too many is seen.
        let columns = (heads.query + 2 * heads.key_value) * heads.dim;
        for row in qkv.chunks_mut(columns) {
            row[..heads.query * heads.dim].iter_mut().for_each(|query| *query *= 8.0);
        }
        Self { heads, lengths: lengths.to_vec(), qkv }
    }

    pub(super) fn columns(&self) -> usize {
        (self.heads.query + 2 * self.heads.key_value) * self.heads.dim
    }

    pub(super) fn row(&self, text: usize, position: usize) -> &[f32] {
        let row = self.lengths[..text].iter().sum::<usize>() + position;
        &self.qkv[row * self.columns()..(row + 1) * self.columns()]
    }

    /// What a row's heads are, in f64. Shape: [H E].
    pub(super) fn expected(&self, text: usize, position: usize) -> Vec<f32> {
        let Heads { query, key_value, dim, window } = self.heads;
        let oldest = window.map_or(0, |window| (position + 1).saturating_sub(window));
        let of = |row: usize, head: usize| &self.row(text, row)[head * dim..(head + 1) * dim];
        let head = |head: usize| {
            let kv = head / (query / key_value);
            let score = |row: usize| {
                let pairs = of(position, head).iter().zip(of(row, query + kv));
                pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() / (dim as f64).sqrt()
            };
            let scores: Vec<f64> = (oldest..=position).map(score).collect();
            let highest = scores.iter().copied().fold(f64::MIN, f64::max);
            let weights: Vec<f64> = scores.iter().map(|score| (score - highest).exp()).collect();
            let total: f64 = weights.iter().sum();
            let value = move |i: usize| {
                let rows = weights.iter().zip(oldest..=position);
                rows.map(|(w, row)| w * f64::from(of(row, query + key_value + kv)[i])).sum::<f64>() / total
            };
            (0..dim).map(move |i| value(i) as f32).collect::<Vec<_>>()
        };
        (0..query).flat_map(head).collect()
    }
}

/// The texts' pages, with the keys and values of all their rows.
pub(super) struct Pages {
    pub(super) addresses: Vec<u64>,
    /// First page of each text, and one behind the last.
    pub(super) first: Vec<usize>,
    #[expect(dead_code, reason = "the memory at the addresses")]
    pages: Vec<Vec<Buffer<bf16>>>,
}

impl Pages {
    pub(super) fn of(ops: &Ops, texts: &Texts) -> Self {
        let size = page_numbers(texts.heads, LAYERS);
        let pages_of = |length: &usize| (0..length.div_ceil(PAGE)).map(|_| ops.device.alloc(size).unwrap());
        let mut pages: Vec<Vec<Buffer<bf16>>> = texts.lengths.iter().map(|length| pages_of(length).collect()).collect();
        pages.iter_mut().for_each(|pages| pages.reverse());
        let addresses: Vec<u64> = pages.iter().flatten().map(|page| page.all().address()).collect();
        let mut first = vec![0];
        texts.lengths.iter().for_each(|length| first.push(first[first.len() - 1] + length.div_ceil(PAGE)));
        let rows = texts.lengths.iter().zip(&first).flat_map(|(length, first)| (0..*length).map(|at| (at, *first)));
        let all: Vec<At> = rows.map(|(position, first)| At { token: 0, position, first }).collect();
        let qkv = Matrix::of(ops, &texts.qkv, texts.columns(), texts.columns() + 24);
        let standing = Standing::new(&ops.device, &addresses, &all).unwrap();
        // SAFETY: the pages are as long as the texts and have three layers.
        unsafe { ops.append(qkv.place(), (texts.heads, LAYER), &standing).unwrap() };
        Self { addresses, first, pages }
    }
}

/// Attention of some rows of the texts, given as (text, position), after all rows were appended.
fn attend(texts: &Texts, rows: &[(usize, usize)], from: usize) -> Option<Vec<f32>> {
    attend_below(texts, rows, from, None)
}

/// The same with a launch for texts of so many pages, if any are said.
fn attend_below(texts: &Texts, rows: &[(usize, usize)], from: usize, most_pages: Option<usize>) -> Option<Vec<f32>> {
    let ops = test_ops()?;
    let Heads { query, dim, .. } = texts.heads;
    let pages = Pages::of(&ops, texts);
    let (addresses, first) = (&pages.addresses, &pages.first);
    let place = |&(text, position): &(usize, usize)| At { token: 0, position, first: first[text] };
    let (columns, stride) = (texts.columns(), texts.columns() + 24);

    let standing = match most_pages {
        None => Standing::new(&ops.device, addresses, &rows.iter().map(place).collect::<Vec<_>>()).unwrap(),
        Some(most) => {
            let own = |text: usize| addresses[first[text]..first[text + 1]].to_vec();
            let rows: Vec<_> = rows.iter().map(|&(text, position)| (0, position, own(text))).collect();
            let mut standing = Standing::of_shape(&ops.device, (rows.len(), most)).unwrap();
            standing.write(&ops.device, &rows).unwrap();
            standing
        }
    };
    let asked: Vec<f32> =
        rows[from..].iter().flat_map(|&(text, position)| texts.row(text, position)).copied().collect();
    let qkv = Matrix::of(&ops, &asked, columns, stride);
    let mut o = Matrix::empty(&ops, rows.len() - from, query * dim, query * dim + 8);
    let heads = (texts.heads, LAYER);
    // SAFETY: all rows have been appended.
    unsafe { ops.cached_attention(qkv.place(), heads, (&standing, from), o.place_mut()).unwrap() };
    Some(o.read(&ops))
}

#[track_caller]
fn check(texts: &Texts, rows: &[(usize, usize)]) {
    let Some(found) = attend(texts, rows, 0) else { return };
    let width = texts.heads.query * texts.heads.dim;
    for (&(text, position), found) in rows.iter().zip(found.chunks(width)) {
        for (i, (found, expected)) in found.iter().zip(texts.expected(text, position)).enumerate() {
            let off = (found - expected).abs();
            assert!(
                off < 1e-3 + 4e-3 * expected.abs(),
                "{text}, {position}, {i}: {found} {expected}, {:?}",
                texts.heads
            );
        }
    }
}

#[test]
fn every_group_of_heads_and_every_width() {
    for (query, key_value, dim) in
        [(1, 1, 8), (2, 2, 32), (4, 2, 40), (3, 1, 64), (8, 2, 64), (5, 1, 96), (8, 2, 128), (4, 1, 136), (2, 1, 256)]
    {
        let texts = Texts::new(Heads { query, key_value, dim, window: None }, &[70, 1]);
        check(&texts, &[(0, 0), (0, 7), (1, 0), (0, 63), (0, 64), (0, 69)]);
    }
}

#[test]
fn windows_begin_anywhere() {
    for window in [1, 2, 5, 31, 63, 64, 65, 100] {
        let texts = Texts::new(Heads { query: 4, key_value: 1, dim: 64, window: Some(window) }, &[140]);
        check(&texts, &[(0, 0), (0, 4), (0, 30), (0, 63), (0, 64), (0, 100), (0, 139)]);
    }
}

#[test]
fn long_texts_are_put_together_of_parts() {
    let length = 2 * PART + 70;
    for window in [None, Some(PART + 100), Some(PART), Some(60)] {
        let texts = Texts::new(Heads { query: 4, key_value: 2, dim: 64, window }, &[length, 30]);
        let rows: Vec<_> = [0, PART - 1, PART, PART + 1, 2 * PART - 1, 2 * PART, length - 1].map(|at| (0, at)).into();
        check(&texts, &[rows, vec![(1, 29)]].concat());
    }
}

#[test]
fn a_row_is_the_same_bits_in_any_company() {
    let texts = Texts::new(Heads { query: 4, key_value: 2, dim: 64, window: None }, &[3 * PART, 100]);
    let rows = [(0, 3 * PART - 1), (1, 50), (0, 10)];
    let Some(together) = attend(&texts, &rows, 0) else { return };
    for (row, together) in rows.into_iter().zip(together.chunks(4 * 64)) {
        assert_eq!(attend(&texts, &[row], 0).unwrap(), together);
    }
    assert_eq!(attend(&texts, &rows, 1).unwrap(), together[4 * 64..]);
}

#[test]
fn a_launch_for_longer_texts_gives_the_same_bits() {
    let rows = [(0, 3 * PART - 1), (1, 50), (0, 10), (0, PART + 3)];
    for window in [None, Some(PART), Some(20)] {
        let texts = Texts::new(Heads { query: 4, key_value: 2, dim: 64, window }, &[3 * PART, 100]);
        let Some(known) = attend(&texts, &rows, 0) else { return };
        for pages in [3 * PART / PAGE, 4 * PART / PAGE] {
            assert_eq!(attend_below(&texts, &rows, 0, Some(pages)).unwrap(), known, "{window:?}, {pages} pages");
        }
    }
}
