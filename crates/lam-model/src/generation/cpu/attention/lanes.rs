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
    // SAFETY: the caller's.
    unsafe {
        match (blocks, pairs) {
            (RightBlocks::Columns(reduction), true) => {
                jobs.iter().for_each(|job| columns::<L, true>(job, reduction / 2));
            }
            (RightBlocks::Columns(reduction), false) => jobs.iter().for_each(|job| columns::<L, false>(job, reduction)),
            (RightBlocks::Rows(width), true) => all_rows::<L, true>(jobs, (width, BLOCK / 2)),
            (RightBlocks::Rows(width), false) => all_rows::<L, false>(jobs, (width, BLOCK)),
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
    let paired = job.rows / 2 * 2;
    for (number, &block) in job.blocks.iter().enumerate() {
        for first in (0..BLOCK).step_by(2 * LANE) {
            let part = Part { words: block.wrapping_add(first), stride: BLOCK, steps };
            by_rows!(L, paired, row, ROWS => {
                let left = Left::from(job, row, 0, number * BLOCK + first);
                // SAFETY: the caller's.
                unsafe { tile::<L, PAIRS, false, ROWS, 2>(part, left) }
            });
        }
        if paired < job.rows {
            // A row alone takes all columns at once: a sum waits for its last step, so there must be several of them.
            let part = Part { words: block, stride: BLOCK, steps };
            // SAFETY: the caller's.
            unsafe { tile::<L, PAIRS, false, 1, { BLOCK / LANE }>(part, Left::from(job, paired, 0, number * BLOCK)) }
        }
    }
}

/// Jobs of one row each and of as many blocks go side by side, for the same reason. They are of different queries: between
/// two runs of blocks that a query has alone, there is one that it shares.
#[inline(always)]
unsafe fn all_rows<L: Lanes, const PAIRS: bool>(mut jobs: &[RowsByBlocks<'_>], size: (usize, usize)) {
    while let [first, others @ ..] = jobs {
        let is_alike = |job: &&RowsByBlocks<'_>| job.rows == 1 && job.blocks.len() == first.blocks.len();
        let alike = jobs.iter().take_while(is_alike).count();
        // SAFETY: the caller's.
        unsafe {
            if let Some((four, others)) = jobs.split_first_chunk::<4>().filter(|_| L::ROWS >= 8 && alike >= 4) {
                side_by_side::<L, PAIRS, 4>(four, size);
                jobs = others;
            } else if let Some((two, others)) = jobs.split_first_chunk::<2>().filter(|_| alike >= 2) {
                side_by_side::<L, PAIRS, 2>(two, size);
                jobs = others;
            } else {
                rows::<L, PAIRS>(first, size);
                jobs = others;
            }
        }
    }
}

/// Jobs of one row and equally many blocks.
#[inline(always)]
unsafe fn side_by_side<L: Lanes, const PAIRS: bool, const JOBS: usize>(
    jobs: &[RowsByBlocks<'_>; JOBS],
    (width, steps): (usize, usize),
) {
    debug_assert!((1..JOBS).all(|job| jobs[..job].iter().all(|before| before.out != jobs[job].out)), "a query twice");
    for first in (0..width).step_by(2 * LANE) {
        let group = first / COLUMNS * COLUMNS;
        let (offset, stride) = (group * steps + first % COLUMNS, COLUMNS.min(width - group));
        let at = |job: usize, n: usize| jobs[job].out.wrapping_add(first + n * LANE);
        // SAFETY: the caller's.
        unsafe {
            let mut sums = [[L::splat(0.0); 2]; JOBS];
            for (job, sums) in sums.iter_mut().enumerate() {
                *sums = [L::load(at(job, 0)), L::load(at(job, 1))];
            }
            for number in 0..jobs[0].blocks.len() {
                let words: [*const u32; JOBS] =
                    std::array::from_fn(|job| jobs[job].blocks[number].wrapping_add(offset));
                for step in 0..steps {
                    for (job, sums) in sums.iter_mut().enumerate() {
                        let (right, factor) =
                            (words[job].add(step * stride), *jobs[job].left.add(number * steps + step));
                        for (n, sum) in sums.iter_mut().enumerate() {
                            *sum = product::<L, PAIRS>(right.add(n * LANE), factor, *sum);
                        }
                    }
                }
            }
            for (job, sums) in sums.into_iter().enumerate() {
                for (n, sum) in sums.into_iter().enumerate() {
                    L::store(at(job, n), sum);
                }
            }
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
