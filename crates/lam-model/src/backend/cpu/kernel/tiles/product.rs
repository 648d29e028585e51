//! How a product is cut into blocks. A strip of 32 left rows stays in the first cache, groups of right panels stream from
//! the second; what of the reduction does not fit at once waits as f32 sums.

use std::ops::Range;

use half::bf16;

use super::super::numbers::Numbers;
use super::super::out::SharedOut;
use super::super::panel::{Right as Source, Words};
use super::super::tile::Put;
use super::block::{PAIR, SIDE, STEP, Side, Tiles};
use super::cut::{Pass, Stretch, passes};
use super::pack::Rows;
use super::pending::{Pending, Room};

/// Columns whose right tiles are held at once.
pub(super) const GROUP: usize = 512;
/// Rows whose partial sums are held at once, where there are any.
const HEIGHT: usize = 1024;
/// Words of the right side that are packed once for all heights.
const KEPT: usize = 1 << 20;

/// The left side of a summand.
#[derive(Clone, Copy)]
pub(in super::super) enum Left<'a> {
    /// Rows run along the reduction, `stride` apart.
    Rows(&'a [bf16], usize),
    /// Rows run along the product's rows, `stride` apart: the product is aᵀ b.
    Columns(&'a [bf16], usize),
}

/// The right side of a summand.
#[derive(Clone, Copy)]
pub(in super::super) enum Right<'a> {
    /// Packed on the way.
    Source(Source<'a>),
    /// In panels, as it lies.
    Laid(Laid<'a>),
}

/// A part of a right side in panels of 64 columns, each [pairs, 64] words (the last one narrower), from a column and a
/// pair of the reduction on. Whole steps can be read from there.
#[derive(Clone, Copy)]
pub(in super::super) struct Laid<'a> {
    pub(in super::super) words: &'a [u32],
    /// All columns, filled up to a multiple of 32.
    pub(in super::super) columns: usize,
    /// Pairs of a panel.
    pub(in super::super) pairs: usize,
    /// First column; a multiple of 64.
    pub(in super::super) column: usize,
    /// First pair.
    pub(in super::super) pair: usize,
}

impl Laid<'_> {
    /// The tiles of 32 columns, and bytes from step to step.
    #[inline(always)]
    fn side(&self, column: usize) -> (Side, usize) {
        let column = self.column + column;
        let panel = column / 64 * 64;
        let width = 64.min(self.columns - panel);
        let at = panel * self.pairs + self.pair * width + column - panel;
        let at = self.words[at..].as_ptr().cast::<u8>();
        (Side { at, row: 4 * width, tile: 64 }, 4 * 16 * width)
    }
}

/// One summand of a product.
#[derive(Clone, Copy)]
pub(in super::super) struct Term<'a> {
    pub(in super::super) left: Left<'a>,
    pub(in super::super) right: Right<'a>,
    /// Values summed over.
    pub(in super::super) reduction: usize,
}

/// A part of a product: some rows by some columns.
pub(in super::super) struct Work<'a> {
    pub(in super::super) terms: &'a [Term<'a>],
    pub(in super::super) rows: Range<usize>,
    /// Starts at a multiple of 64.
    pub(in super::super) columns: Range<usize>,
    /// Values from row to row of the result.
    pub(in super::super) stride: usize,
    /// Factor of the sums.
    pub(in super::super) alpha: f32,
    pub(in super::super) out: SharedOut<'a>,
}

macro_rules! entry {
    ($(#[$meta:meta])* $name:ident, $tiles:ty, $wide:literal) => {
        $(#[$meta])*
        pub(super) unsafe fn $name(work: &Work<'_>) {
            // SAFETY: the caller's.
            unsafe { multiply::<$tiles, $wide>(work) }
        }
    };
}

entry! {
    /// See [`super::unit::Unit::multiply`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
    hardware, super::hardware::Hardware, true
}
entry! {
    /// See [`super::unit::Unit::multiply`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
    avx512, super::fused::Avx512, true
}
entry! {
    /// See [`super::unit::Unit::multiply`].
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    avx2, super::fused::Avx2, false
}
entry! {
    /// See [`super::unit::Unit::multiply`].
    #[cfg(target_arch = "aarch64")]
    neon, super::neon::Neon, false
}
entry! {
    /// See [`super::unit::Unit::multiply`].
    model, super::model::Model, false
}

/// A product's part, group of columns by group.
#[inline(always)]
unsafe fn multiply<T: Tiles, const WIDE: bool>(work: &Work<'_>) {
    let passes = passes(&work.terms.iter().map(|term| term.reduction).collect::<Vec<_>>());
    // SAFETY: the caller's, here and below.
    let mut tiles = unsafe { T::start() };
    for first in work.columns.clone().step_by(GROUP) {
        let columns = first..work.columns.end.min(first + GROUP);
        // SAFETY: as above.
        unsafe { group::<T, WIDE>(&mut tiles, work, &passes, columns) };
    }
    // SAFETY: as above.
    unsafe { tiles.finish() };
}

/// A group of columns by all rows.
#[inline(always)]
unsafe fn group<T: Tiles, const WIDE: bool>(tiles: &mut T, work: &Work<'_>, passes: &[Pass], columns: Range<usize>) {
    let panels = columns.len().div_ceil(SIDE);
    let steps = passes.iter().map(|pass| pass.steps);
    let all: usize = steps.clone().sum();
    let height = if passes.len() > 1 { HEIGHT } else { work.rows.len().max(1) };
    let once = work.rows.len() > height && all * panels * PAIR <= KEPT;
    let held = if once { all } else { steps.max().unwrap_or(0) };
    let laid = work.terms.iter().any(|term| matches!(term.right, Right::Laid(_)));
    let mut right = Words::take(if laid { 0 } else { held * panels * PAIR });
    let mut scratch = Scratch {
        left: Words::take(0),
        sums: Words::take(if passes.len() > 1 {
            height.min(work.rows.len()).next_multiple_of(SIDE) * panels * SIDE
        } else {
            0
        }),
        rooms: [Room::EMPTY, Room::EMPTY],
        turn: 0,
        pending: Pending::none(),
    };
    for (number, first) in work.rows.clone().step_by(height).enumerate() {
        let rows = first..work.rows.end.min(first + height);
        let mut packed = 0;
        for (at, pass) in passes.iter().enumerate() {
            let own = if once { packed } else { 0 };
            let words = pass.steps * panels * PAIR;
            if !(laid || once && number > 0) {
                pack_right::<WIDE>(work, pass, columns.clone(), &mut right[own..own + words]);
            }
            packed += words;
            let right = if laid { &[][..] } else { &right[own..own + words] };
            let part = Part {
                work,
                pass,
                rows: rows.clone(),
                columns: columns.clone(),
                right,
                first: at == 0,
                last: at + 1 == passes.len(),
            };
            // SAFETY: as above.
            unsafe { part.strips::<T, WIDE>(tiles, &mut scratch) };
        }
    }
    // SAFETY: as above.
    unsafe { scratch.pending.finish(SIDE) };
}

/// Packs the right side of a pass: [panels of 32 columns][steps][2 tiles].
#[inline(always)]
fn pack_right<const WIDE: bool>(work: &Work<'_>, pass: &Pass, columns: Range<usize>, out: &mut [u32]) {
    for (panel, out) in out.chunks_exact_mut((pass.steps * PAIR).max(1)).enumerate() {
        let column = columns.start + panel * SIDE;
        let mut out = out.chunks_exact_mut(PAIR);
        for stretch in &pass.stretches {
            let Right::Source(source) = work.terms[stretch.term].right else { continue };
            let end = stretch.first + stretch.values;
            for step in (stretch.first..end).step_by(STEP) {
                let tiles = out.next().expect("there is room for all steps");
                match source {
                    Source::Transposed(source, stride) => {
                        let rows = Rows { source, stride, rows: columns.end, columns: end };
                        rows.turn::<WIDE>(column, step, tiles);
                    }
                    Source::Plain(source, stride) => {
                        let rows = Rows { source, stride, rows: end, columns: columns.end };
                        rows.weave(step, column, tiles);
                    }
                }
            }
        }
    }
}

/// What is kept from block to block.
struct Scratch {
    left: Words,
    /// Partial sums: [strips][panels][32, 32] f32.
    sums: Words,
    rooms: [Room; 2],
    turn: usize,
    pending: Pending,
}

/// One pass of a group of columns, over some rows.
struct Part<'a> {
    work: &'a Work<'a>,
    pass: &'a Pass,
    rows: Range<usize>,
    columns: Range<usize>,
    right: &'a [u32],
    first: bool,
    last: bool,
}

impl Part<'_> {
    /// Strip of 32 rows by strip.
    #[inline(always)]
    unsafe fn strips<T: Tiles, const WIDE: bool>(&self, tiles: &mut T, scratch: &mut Scratch) {
        let panels = self.columns.len().div_ceil(SIDE);
        for (strip, row) in self.rows.clone().step_by(SIDE).enumerate() {
            let high = SIDE.min(self.rows.end - row);
            let left = self.left::<WIDE>(row, high, &mut scratch.left);
            for panel in 0..panels {
                let (right, right_step) = self.right(panel);
                let sums = scratch.sums.as_mut_ptr().cast::<f32>();
                let partial = sums.wrapping_add((strip * panels + panel) * SIDE * SIDE);
                // SAFETY: the caller's; partial sums are as large as all blocks of these rows.
                unsafe {
                    if self.first {
                        tiles.clear()
                    } else {
                        tiles.resume(partial)
                    }
                    let job = Job { left, right, right_step, steps: self.pass.steps };
                    job.run(tiles, high, &mut scratch.pending);
                    if !self.last {
                        tiles.put::<true>(partial, SIDE);
                        continue;
                    }
                    let room = scratch.rooms[scratch.turn].start();
                    scratch.turn = 1 - scratch.turn;
                    if high > SIDE / 2 {
                        tiles.put::<true>(room, SIDE)
                    } else {
                        tiles.put::<false>(room, SIDE)
                    }
                    let column = self.columns.start + panel * SIDE;
                    let put = Put {
                        to: self.work.out.at(row * self.work.stride + column),
                        stride: self.work.stride,
                        columns: SIDE.min(self.columns.end - column),
                        alpha: self.work.alpha,
                    };
                    scratch.pending = Pending::new(room, high, put);
                }
            }
        }
    }

    /// The left tiles of a strip, and bytes from step to step: where they lie if they can be read there, else a copy.
    #[inline(always)]
    fn left<const WIDE: bool>(&self, row: usize, high: usize, copies: &mut Words) -> (Side, usize) {
        if let Some(side) = self.left_as_it_lies(row, high) {
            return (side, 2 * STEP);
        }
        copies.grow(self.pass.steps * PAIR);
        let mut out = copies.chunks_exact_mut(PAIR);
        for stretch in &self.pass.stretches {
            let end = stretch.first + stretch.values;
            for step in (stretch.first..end).step_by(STEP) {
                let tiles = out.next().expect("there is room for all steps");
                match self.work.terms[stretch.term].left {
                    Left::Rows(values, stride) => {
                        let rows = Rows { source: Numbers::Bf16(values), stride, rows: row + high, columns: end };
                        rows.copy(row, high, step, tiles);
                    }
                    Left::Columns(values, stride) => {
                        let rows = Rows { source: Numbers::Bf16(values), stride, rows: end, columns: row + high };
                        rows.weave_and_turn::<WIDE>(step, row, tiles);
                    }
                }
            }
        }
        (Side { at: copies.as_ptr().cast(), row: 64, tile: 1024 }, 4 * PAIR)
    }

    /// Rows that start at cache lines and do not fall onto one another in the cache are read where they lie.
    #[inline(always)]
    fn left_as_it_lies(&self, row: usize, high: usize) -> Option<Side> {
        let [Stretch { term, first, values }] = self.pass.stretches.as_slice() else { return None };
        let Left::Rows(source, stride) = self.work.terms[*term].left else { return None };
        let at = source[row * stride + first..].as_ptr().cast::<u8>();
        let bytes = 2 * stride;
        let fits = high == SIDE && values.is_multiple_of(STEP);
        let lies = (at as usize).is_multiple_of(64) && bytes.is_multiple_of(64) && !bytes.is_multiple_of(4096);
        (fits && lies).then_some(Side { at, row: bytes, tile: 16 * bytes })
    }

    /// The right tiles of a panel, and bytes from step to step.
    #[inline(always)]
    fn right(&self, panel: usize) -> (Side, usize) {
        if let [Term { right: Right::Laid(laid), .. }] = self.work.terms {
            let (mut side, step) = laid.side(self.columns.start + panel * SIDE);
            let first = self.pass.stretches.first().map_or(0, |stretch| stretch.first / STEP);
            side.at = side.at.wrapping_add(first * step);
            return (side, step);
        }
        let at = self.right[panel * self.pass.steps * PAIR..].as_ptr().cast();
        (Side { at, row: 64, tile: 1024 }, 4 * PAIR)
    }
}

/// The steps of one block.
struct Job {
    left: (Side, usize),
    right: Side,
    right_step: usize,
    steps: usize,
}

impl Job {
    /// Adds all products, and meanwhile finishes the block before.
    #[inline(always)]
    unsafe fn run<T: Tiles>(&self, tiles: &mut T, rows: usize, before: &mut Pending) {
        let ((mut left, left_step), mut right) = (self.left, self.right);
        let share = SIDE.div_ceil(self.steps.max(1)).max(2);
        for _ in 0..self.steps {
            // SAFETY: the caller's.
            unsafe {
                tiles.step(left, right, rows);
                before.finish(share);
            }
            left.at = left.at.wrapping_add(left_step);
            right.at = right.at.wrapping_add(self.right_step);
        }
        // SAFETY: as above.
        unsafe { before.finish(SIDE) };
    }
}
