//! One pass over some rows and a group of columns: strip of 32 rows by strip, block of 32 columns by block.

use std::ops::Range;

use super::super::numbers::Numbers;
use super::super::panel::Words;
use super::super::tile::Put;
use super::ask::{Ahead, LINE};
use super::block::{PAIR, SIDE, STEP, Side, Sums, Tiles};
use super::cut::{Pass, Stretch};
use super::pack::Rows;
use super::pending::Pending;
use super::sides::{Left, Work};

/// Lines that a step may ask for of one side.
const MOST_LINES: usize = 4;

/// What is kept from block to block.
pub(super) struct Scratch {
    left: Words,
    /// Where the left side of a strip is.
    segments: Vec<Segment>,
    /// Partial sums: [strips][panels][32, 32] f32.
    pub(super) sums: Words,
    /// Sums on their way, while those of the next block are made.
    leaving: [Sums; 2],
    turn: usize,
    pub(super) pending: Pending,
}

impl Scratch {
    pub(super) fn new() -> Self {
        Self {
            left: Words::take(0),
            segments: Vec::new(),
            sums: Words::take(0),
            leaving: [Sums::ZERO, Sums::ZERO],
            turn: 0,
            pending: Pending::none(),
        }
    }
}

/// Steps whose left tiles lie at equal distances.
#[derive(Clone, Copy)]
struct Segment {
    left: Side,
    /// Bytes from step to step.
    step: usize,
    steps: usize,
}

impl Segment {
    /// The left side of each step.
    fn sides(&self) -> impl Iterator<Item = Side> {
        let Self { left, step, steps } = *self;
        (0..steps).map(move |number| Side { at: left.at.wrapping_add(number * step), ..left })
    }
}

/// One pass of a group of columns, over some rows.
pub(super) struct Part<'a> {
    pub(super) work: &'a Work<'a>,
    pub(super) passes: &'a [Pass],
    /// Number of the pass.
    pub(super) at: usize,
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
    /// Its right side.
    pub(super) right: &'a [u32],
    /// First row and number of the pass that comes next.
    pub(super) after: Option<(usize, usize)>,
}

impl Part<'_> {
    fn pass(&self) -> &Pass {
        &self.passes[self.at]
    }

    /// Strip of 32 rows by strip.
    #[inline(always)]
    pub(super) unsafe fn strips<T: Tiles, const BITS: usize>(&self, tiles: &mut T, scratch: &mut Scratch) {
        let panels = self.columns.len().div_ceil(SIDE);
        let (first, last) = (self.at == 0, self.at + 1 == self.passes.len());
        let strips = self.rows.len().div_ceil(SIDE);
        for (strip, row) in self.rows.clone().step_by(SIDE).enumerate() {
            let high = SIDE.min(self.rows.end - row);
            self.left::<BITS>(row, high, &mut scratch.left, &mut scratch.segments);
            if T::LAYS_LEFT {
                // SAFETY: the caller's.
                unsafe { tiles.lay_left(scratch.segments.iter().flat_map(Segment::sides), self.pass().steps, high) };
            }
            for panel in 0..panels {
                let (right, right_step) = self.right(panel);
                let sums = scratch.sums.as_mut_ptr().cast::<f32>();
                let partial = sums.wrapping_add((strip * panels + panel) * SIDE * SIDE);
                let ahead = if T::ASKS {
                    let next = if first || panel + 1 == panels { Ahead::NONE } else { following(partial) };
                    [next, self.next_left(strip, strips, (panel, panels)), self.next_right(strip, strips, panel)]
                } else {
                    [Ahead::NONE; 3]
                };
                let column = self.columns.start + panel * SIDE;
                let columns = SIDE.min(self.columns.end - column);
                // Found before the sums leave: what is written and read again behind their stores would wait for all of them.
                let put = Put {
                    to: self.work.out.at(row * self.work.stride + column),
                    stride: self.work.stride,
                    columns,
                    alpha: self.work.alpha,
                };
                // SAFETY: the caller's; partial sums are as large as all blocks of these rows.
                unsafe {
                    if first {
                        tiles.clear()
                    } else {
                        tiles.resume(partial)
                    }
                    let job =
                        Job { left: &scratch.segments, right, right_step, ahead, steps: self.pass().steps, columns };
                    job.run::<T, BITS>(tiles, high, &mut scratch.pending);
                    if !last {
                        tiles.put::<true>(partial, SIDE);
                        continue;
                    }
                    let sums = scratch.leaving[scratch.turn].start();
                    scratch.turn = 1 - scratch.turn;
                    if high > SIDE / 2 {
                        tiles.put::<true>(sums, SIDE)
                    } else {
                        tiles.put::<false>(sums, SIDE)
                    }
                    scratch.pending = Pending::new(sums, high, put);
                }
            }
        }
    }

    /// Where the left tiles of a strip are: where they lie if they can be read there, else in a copy.
    #[inline(always)]
    fn left<const BITS: usize>(&self, row: usize, high: usize, copies: &mut Words, segments: &mut Vec<Segment>) {
        segments.clear();
        copies.grow(self.pass().steps * PAIR);
        let mut copied = 0;
        for stretch in &self.pass().stretches {
            let steps = stretch.values.div_ceil(STEP);
            if let Some(left) = self.as_it_lies(stretch, row, high) {
                segments.push(Segment { left, step: 2 * STEP, steps });
                continue;
            }
            let own = &mut copies[copied * PAIR..][..steps * PAIR];
            let at = own.as_ptr().cast();
            copied += steps;
            let end = stretch.first + stretch.values;
            for (tiles, step) in own.chunks_exact_mut(PAIR).zip((stretch.first..end).step_by(STEP)) {
                match self.work.terms[stretch.term].left {
                    Left::Rows(values, stride) => {
                        let rows = Rows { source: Numbers::Bf16(values), stride, rows: row + high, columns: end };
                        rows.copy::<BITS>(row, high, step, tiles);
                    }
                    Left::Columns(values, stride) => {
                        let rows = Rows { source: Numbers::Bf16(values), stride, rows: end, columns: row + high };
                        rows.weave_and_turn::<BITS>(step, row, tiles);
                    }
                }
            }
            segments.push(Segment { left: Side { at, row: 64, tile: 1024 }, step: 4 * PAIR, steps });
        }
    }

    /// Rows that start at cache lines and do not fall onto one another in the cache are read where they lie.
    #[inline(always)]
    fn as_it_lies(&self, &Stretch { term, first, values }: &Stretch, row: usize, high: usize) -> Option<Side> {
        let Left::Rows(source, stride) = self.work.terms[term].left else { return None };
        let at = source[row * stride + first..].as_ptr().cast::<u8>();
        let bytes = 2 * stride;
        let fits = high == SIDE && values.is_multiple_of(STEP);
        let lies = (at as usize).is_multiple_of(LINE) && bytes.is_multiple_of(LINE) && !bytes.is_multiple_of(4096);
        (fits && lies).then_some(Side { at, row: bytes, tile: 16 * bytes })
    }

    /// The right tiles of a panel, and bytes from step to step.
    #[inline(always)]
    fn right(&self, panel: usize) -> (Side, usize) {
        let at = self.right[panel * self.pass().steps * PAIR..].as_ptr().cast();
        (Side { at, row: 64, tile: 1024 }, 4 * PAIR)
    }

    /// A panel's share of the left rows that are wanted after this strip.
    #[inline(always)]
    fn next_left(&self, strip: usize, strips: usize, (panel, panels): (usize, usize)) -> Ahead {
        let here = Some((self.rows.start + (strip + 1) * SIDE, self.at)).filter(|_| strip + 1 < strips);
        let Some((row, pass)) = here.or(self.after) else { return Ahead::NONE };
        let Some(stretch) = self.passes[pass].stretches.first() else { return Ahead::NONE };
        let Left::Rows(source, stride) = self.work.terms[stretch.term].left else { return Ahead::NONE };
        let count = SIDE.div_ceil(panels);
        if count > MOST_LINES {
            return Ahead::NONE;
        }
        let at = source.as_ptr().wrapping_add((row + panel * count) * stride + stretch.first);
        Ahead { at: at.cast(), stride: 2 * stride, count, next: LINE }
    }

    /// A strip's share of the panel that the next pass wants, where the right side does not stay near by itself.
    #[inline(always)]
    fn next_right(&self, strip: usize, strips: usize, panel: usize) -> Ahead {
        let steps = self.pass().steps;
        // A step's right side has 32 lines, of which each strip asks for its share.
        let count = (4 * PAIR / LINE).div_ceil(strips.max(1));
        let next = self.passes.get(self.at + 1).is_some_and(|next| next.steps == steps);
        if !next || count > MOST_LINES {
            return Ahead::NONE;
        }
        let panels = self.columns.len().div_ceil(SIDE);
        // The next pass stands behind this one; where it does not, the lines are somebody's and no harm is done.
        let at = self.right.as_ptr().wrapping_add((panels + panel) * steps * PAIR).cast::<u8>();
        Ahead { at: at.wrapping_add(strip * count * steps * LINE), stride: steps * LINE, count, next: LINE }
    }
}

/// The partial sums after these.
fn following(partial: *const f32) -> Ahead {
    Ahead { at: partial.wrapping_add(SIDE * SIDE).cast(), stride: LINE, count: 4, next: 4 * LINE }
}

/// The steps of one block.
struct Job<'a> {
    left: &'a [Segment],
    right: Side,
    right_step: usize,
    /// What is wanted next: of sums, of the left side, of the right side.
    ahead: [Ahead; 3],
    steps: usize,
    /// Columns that there are.
    columns: usize,
}

impl Job<'_> {
    /// Adds all products, and meanwhile finishes the block before.
    #[inline(always)]
    unsafe fn run<T: Tiles, const BITS: usize>(&self, tiles: &mut T, rows: usize, before: &mut Pending) {
        let (mut right, [mut sums, mut far_left, mut far_right]) = (self.right, self.ahead);
        let share = SIDE.div_ceil(self.steps.max(1)).max(2);
        if T::LAYS_LEFT {
            // SAFETY: the caller's.
            unsafe {
                tiles.steps((right, self.right_step), self.steps, (rows, self.columns));
                before.finish::<T, BITS>(SIDE);
            }
            return;
        }
        for &Segment { mut left, step, steps } in self.left {
            for _ in 0..steps {
                // SAFETY: the caller's.
                unsafe {
                    tiles.step(left, right, rows);
                    before.finish::<T, BITS>(share);
                }
                if T::ASKS {
                    sums.ask::<true>();
                    far_left.ask::<false>();
                    far_right.ask::<false>();
                }
                left.at = left.at.wrapping_add(step);
                right.at = right.at.wrapping_add(self.right_step);
            }
        }
        // SAFETY: as above.
        unsafe { before.finish::<T, BITS>(SIDE) };
    }
}
