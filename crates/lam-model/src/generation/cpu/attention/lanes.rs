//! Rows by blocks of keys or of values, a lane a column: each sum is taken in the order of its summands, whatever the
//! number of rows.

use super::super::key_values::{BLOCK, COLUMNS};
use crate::backend::cpu::kernel::lanes::Lanes;
use crate::backend::cpu::kernel::tiles::{RightBlocks, RowsByBlocks};
use crate::backend::cpu::kernel::with_lanes::with_lanes;

/// Columns of the lanes.
const LANE: usize = 16;

with_lanes! {
    /// All jobs, of numbers in f32, or of pairs of bf16.
    ///
    /// # Safety
    /// The pointers must be good for what the jobs and `blocks` say.
    fn by_blocks(jobs: &[RowsByBlocks<'_>], blocks: RightBlocks, pairs: bool) = all
}

#[inline(always)]
unsafe fn all<L: Lanes>(jobs: &[RowsByBlocks<'_>], blocks: RightBlocks, pairs: bool) {
    for job in jobs {
        // SAFETY: the caller's.
        unsafe {
            match (blocks, pairs) {
                (RightBlocks::Columns(reduction), true) => columns::<L, true>(job, reduction / 2),
                (RightBlocks::Columns(reduction), false) => columns::<L, false>(job, reduction),
                (RightBlocks::Rows(width), true) => rows::<L, true>(job, (width, BLOCK / 2)),
                (RightBlocks::Rows(width), false) => rows::<L, false>(job, (width, BLOCK)),
            }
        }
    }
}

/// A block's words that some lanes read: the first, from step to step, and how many steps there are.
#[derive(Clone, Copy)]
struct Part {
    words: *const u32,
    stride: usize,
    steps: usize,
}

/// Rows of the left side and of the sums: the first of each, and from row to row.
#[derive(Clone, Copy)]
struct Left {
    words: *const u32,
    stride: usize,
    out: *mut f32,
    out_stride: usize,
}

impl Left {
    /// From a row on, and from a word of its left side and a number of its sums on.
    fn from(job: &RowsByBlocks<'_>, row: usize, word: usize, number: usize) -> Self {
        Self {
            words: job.left.wrapping_add(row * job.left_stride + word),
            stride: job.left_stride,
            out: job.out.wrapping_add(row * job.out_stride + number),
            out_stride: job.out_stride,
        }
    }
}

/// Calls `$tile` for all rows, with as many of them at a time as share registers well: a constant for it.
macro_rules! by_rows {
    ($lanes:ident, $rows:expr, $row:ident, $count:ident => $tile:expr) => {
        let mut $row = 0;
        while $lanes::ROWS >= 8 && $rows - $row >= 4 {
            const $count: usize = 4;
            $tile;
            $row += 4;
        }
        while $rows - $row >= 2 {
            const $count: usize = 2;
            $tile;
            $row += 2;
        }
        if $row < $rows {
            const $count: usize = 1;
            $tile;
        }
    };
}

#[inline(always)]
unsafe fn columns<L: Lanes, const PAIRS: bool>(job: &RowsByBlocks<'_>, steps: usize) {
    for (number, &block) in job.blocks.iter().enumerate() {
        for first in (0..BLOCK).step_by(2 * LANE) {
            let part = Part { words: block.wrapping_add(first), stride: BLOCK, steps };
            by_rows!(L, job.rows, row, ROWS => {
                let left = Left::from(job, row, 0, number * BLOCK + first);
                // SAFETY: the caller's.
                unsafe { tile::<L, PAIRS, false, ROWS, 2>(part, left) }
            });
        }
    }
}

#[inline(always)]
unsafe fn rows<L: Lanes, const PAIRS: bool>(job: &RowsByBlocks<'_>, (width, steps): (usize, usize)) {
    for (number, &block) in job.blocks.iter().enumerate() {
        for first in (0..width).step_by(2 * LANE) {
            let group = first / COLUMNS * COLUMNS;
            let words = block.wrapping_add(group * steps + first % COLUMNS);
            let part = Part { words, stride: COLUMNS.min(width - group), steps };
            by_rows!(L, job.rows, row, ROWS => {
                let left = Left::from(job, row, number * steps, first);
                // SAFETY: the caller's.
                unsafe { tile::<L, PAIRS, true, ROWS, 2>(part, left) }
            });
        }
    }
}

/// `M` rows by `N` × 16 columns of a block; added to the sums that there are, or instead of them.
#[inline(always)]
unsafe fn tile<L: Lanes, const PAIRS: bool, const ADD: bool, const M: usize, const N: usize>(part: Part, left: Left) {
    let at = |m: usize, n: usize| left.out.wrapping_add(m * left.out_stride + n * LANE);
    // SAFETY: the caller's.
    unsafe {
        let mut sums = [[L::splat(0.0); N]; M];
        if ADD {
            for (m, sums) in sums.iter_mut().enumerate() {
                for (n, sum) in sums.iter_mut().enumerate() {
                    *sum = L::load(at(m, n));
                }
            }
        }
        for step in 0..part.steps {
            let right = part.words.add(step * part.stride);
            for (m, sums) in sums.iter_mut().enumerate() {
                let factor = *left.words.add(m * left.stride + step);
                for (n, sum) in sums.iter_mut().enumerate() {
                    *sum = product::<L, PAIRS>(right.add(n * LANE), factor, *sum);
                }
            }
        }
        for (m, sums) in sums.into_iter().enumerate() {
            for (n, sum) in sums.into_iter().enumerate() {
                L::store(at(m, n), sum);
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
