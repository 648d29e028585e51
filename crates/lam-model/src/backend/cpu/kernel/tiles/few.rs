//! Few rows by panels that are laid out once, as in generation: the weight is read once, and nothing is packed.

use super::block::{SIDE, STEP, Side, Sums, Tiles};
use super::each_unit::each_unit;

/// Rows by panels of 32 columns, each [pairs, 32] words, one after the other.
#[derive(Clone, Copy)]
pub(crate) struct FewRows {
    /// Pairs of bf16, a row after the other; whole blocks of 32 rows can be read from there.
    pub(crate) left: *const u32,
    /// Words from row to row.
    pub(crate) left_stride: usize,
    pub(crate) rows: usize,
    pub(crate) panels: *const u32,
    /// Values of the reduction, a multiple of 32.
    pub(crate) reduction: usize,
    /// How many panels.
    pub(crate) count: usize,
}

/// What takes the sums: number of the panel, number of the row, the row's 32 sums.
pub(crate) type TakeRow<'a> = dyn FnMut(usize, usize, &[f32; SIDE]) + 'a;

/// See [`super::unit::Unit::multiply_few`].
#[inline(always)]
unsafe fn run<T: Tiles>(job: FewRows, take: &mut TakeRow<'_>) {
    let steps = job.reduction / STEP;
    let mut sums = Sums::ZERO;
    // SAFETY: the caller's, here and below.
    let mut tiles = unsafe { T::start() };
    if T::LAYS_LEFT {
        // SAFETY: as above.
        unsafe { by_strips(&mut tiles, job, &mut sums, take) };
    } else {
        for panel in 0..job.count {
            for first in (0..job.rows).step_by(SIDE) {
                let rows = SIDE.min(job.rows - first);
                let at = job.left.wrapping_add(first * job.left_stride).cast::<u8>();
                let mut left = Side { at, row: 4 * job.left_stride, tile: 4 * 16 * job.left_stride };
                let at = job.panels.wrapping_add(panel * job.reduction / 2 * SIDE).cast();
                let mut right = Side { at, row: 4 * SIDE, tile: 64 };
                // SAFETY: as above.
                unsafe {
                    tiles.clear();
                    for _ in 0..steps {
                        tiles.step(left, right, rows);
                        left.at = left.at.wrapping_add(2 * STEP);
                        right.at = right.at.wrapping_add(4 * 16 * SIDE);
                    }
                    let to = sums.start();
                    if rows > SIDE / 2 { tiles.put::<true>(to, SIDE) } else { tiles.put::<false>(to, SIDE) }
                }
                for (row, sums) in sums.0.iter().enumerate().take(rows) {
                    take(panel, first + row, sums);
                }
            }
        }
    }
    // SAFETY: as above.
    unsafe { tiles.finish() };
}

/// Strip of rows by strip, whose left side is laid out once.
#[inline(always)]
unsafe fn by_strips<T: Tiles>(tiles: &mut T, job: FewRows, sums: &mut Sums, take: &mut TakeRow<'_>) {
    let steps = job.reduction / STEP;
    for first in (0..job.rows).step_by(SIDE) {
        let rows = SIDE.min(job.rows - first);
        let at = job.left.wrapping_add(first * job.left_stride).cast::<u8>();
        let (row, tile) = (4 * job.left_stride, 4 * 16 * job.left_stride);
        let left = (0..steps).map(|step| Side { at: at.wrapping_add(2 * STEP * step), row, tile });
        // SAFETY: the caller's, here and below.
        unsafe { tiles.lay_left(left, steps, rows) };
        for panel in 0..job.count {
            let at = job.panels.wrapping_add(panel * job.reduction / 2 * SIDE).cast();
            let right = Side { at, row: 4 * SIDE, tile: 64 };
            let to = sums.start();
            // SAFETY: as above.
            unsafe {
                tiles.clear();
                tiles.steps((right, 4 * 16 * SIDE), steps, (rows, SIDE));
                if rows > SIDE / 2 { tiles.put::<true>(to, SIDE) } else { tiles.put::<false>(to, SIDE) }
            }
            for (row, sums) in sums.0.iter().enumerate().take(rows) {
                take(panel, first + row, sums);
            }
        }
    }
}

each_unit!(run(job: FewRows, take: &mut TakeRow<'_>));
