//! Few rows by right sides that lie in blocks of 64, as keys and values do in generation. Knows no softmax.

use super::block::{SIDE, STEP, Side, Sums, Tiles};
use super::each_unit::each_unit;

/// Columns of a block of keys, rows of a block of values.
pub(crate) const BLOCK: usize = 64;

/// Some rows, and the blocks that they are multiplied by.
#[derive(Clone, Copy)]
pub(crate) struct RowsByBlocks<'a> {
    /// Pairs of bf16, a row after the other; whole tiles of 16 rows can be read from each row on.
    pub(crate) left: *const u32,
    /// Words from row to row.
    pub(crate) left_stride: usize,
    pub(crate) rows: usize,
    pub(crate) blocks: &'a [*const u32],
    pub(crate) out: *mut f32,
    /// Numbers from row to row.
    pub(crate) out_stride: usize,
}

/// What the blocks hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RightBlocks {
    /// [pairs, 64] words each, over so many values of the reduction, a multiple of 32. Their products stand side by side
    /// and replace what is there.
    Columns(usize),
    /// For each 64 of so many columns, a multiple of 32, [32 pairs, columns] words. Their products are added to what is
    /// there, one block after the other.
    Rows(usize),
}

/// See [`super::unit::Unit::multiply_by_blocks`].
#[inline(always)]
unsafe fn run<T: Tiles>(jobs: &[RowsByBlocks<'_>], blocks: RightBlocks) {
    let mut sums = Sums::ZERO;
    // SAFETY: the caller's, here and below.
    let mut tiles = unsafe { T::start() };
    for job in jobs {
        for first in (0..job.rows).step_by(SIDE) {
            let part = RowsByBlocks {
                left: job.left.wrapping_add(first * job.left_stride),
                rows: SIDE.min(job.rows - first),
                out: job.out.wrapping_add(first * job.out_stride),
                ..*job
            };
            // SAFETY: as above.
            unsafe {
                match blocks {
                    RightBlocks::Columns(reduction) => columns(&mut tiles, part, reduction, &mut sums),
                    RightBlocks::Rows(width) => rows(&mut tiles, part, width, &mut sums),
                }
            }
        }
    }
    // SAFETY: as above.
    unsafe { tiles.finish() };
}

/// A step's left side.
fn left_side(job: &RowsByBlocks<'_>, step: usize) -> Side {
    let at = job.left.wrapping_add(step * STEP / 2).cast();
    Side { at, row: 4 * job.left_stride, tile: 4 * 16 * job.left_stride }
}

#[inline(always)]
unsafe fn columns<T: Tiles>(tiles: &mut T, job: RowsByBlocks<'_>, reduction: usize, sums: &mut Sums) {
    for (number, block) in job.blocks.iter().enumerate() {
        for first in (0..BLOCK).step_by(SIDE) {
            let out = job.out.wrapping_add(number * BLOCK + first);
            // SAFETY: the caller's.
            unsafe {
                tiles.clear();
                for step in 0..reduction / STEP {
                    let at = block.wrapping_add(step * STEP / 2 * BLOCK + first).cast();
                    tiles.step(left_side(&job, step), Side { at, row: 4 * BLOCK, tile: 64 }, job.rows);
                }
                match job.rows {
                    SIDE => tiles.put::<true>(out, job.out_stride),
                    16 => tiles.put::<false>(out, job.out_stride),
                    _ => {
                        put(tiles, sums, job.rows);
                        leave(sums, job.rows, out, job.out_stride);
                    }
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn rows<T: Tiles>(tiles: &mut T, job: RowsByBlocks<'_>, width: usize, sums: &mut Sums) {
    for first in (0..width).step_by(SIDE) {
        // Words from pair to pair, and where these columns begin.
        let group = first / BLOCK * BLOCK;
        let (row, start) = (BLOCK.min(width - group), group * BLOCK / 2 + first % BLOCK);
        let out = job.out.wrapping_add(first);
        // SAFETY: the caller's.
        unsafe {
            for (i, own) in sums.0.iter_mut().enumerate().take(job.rows) {
                *own = out.wrapping_add(i * job.out_stride).cast::<[f32; SIDE]>().read_unaligned();
            }
            tiles.resume(sums.start());
            for (number, block) in job.blocks.iter().enumerate() {
                for step in 0..BLOCK / STEP {
                    let at = block.wrapping_add(start + step * STEP / 2 * row).cast();
                    let left = left_side(&job, number * BLOCK / STEP + step);
                    tiles.step(left, Side { at, row: 4 * row, tile: 64 }, job.rows);
                }
            }
            put(tiles, sums, job.rows);
            leave(sums, job.rows, out, job.out_stride);
        }
    }
}

/// Writes the sums of some rows to a block of their own.
#[inline(always)]
unsafe fn put<T: Tiles>(tiles: &mut T, sums: &mut Sums, rows: usize) {
    let to = sums.start();
    // SAFETY: there are 32 rows.
    unsafe { if rows > SIDE / 2 { tiles.put::<true>(to, SIDE) } else { tiles.put::<false>(to, SIDE) } }
}

/// Copies some rows of them to where they belong.
#[inline(always)]
unsafe fn leave(sums: &Sums, rows: usize, out: *mut f32, stride: usize) {
    for (i, own) in sums.0.iter().enumerate().take(rows) {
        // SAFETY: the caller's.
        unsafe { out.wrapping_add(i * stride).cast::<[f32; SIDE]>().write_unaligned(*own) };
    }
}

each_unit!(run(jobs: &[RowsByBlocks<'_>], blocks: RightBlocks));

#[cfg(test)]
mod tests {
    use super::super::Unit;
    use super::*;
    use crate::backend::cpu::kernel::rows::bf16;
    use crate::finite_difference::values;

    fn pairs(count: usize, seed: u64) -> Vec<u32> {
        values(2 * count, seed).chunks(2).map(|pair| bf16(pair[0]) | bf16(pair[1]) << 16).collect()
    }

    /// A pair of bf16 as numbers.
    fn numbers(pair: u32) -> [f32; 2] {
        [f32::from_bits(pair << 16), f32::from_bits(pair & 0xffff_0000)]
    }

    /// Two jobs of so many rows by two blocks each, of which one is common.
    fn products(unit: Unit, rows: usize, blocks: RightBlocks, (left, right): (&[u32], &[Vec<u32>])) -> Vec<f32> {
        let (stride, out_stride) = (112, 160);
        let mut out = vec![0.5; 2 * rows * out_stride];
        let pointers: Vec<*const u32> = [0, 1, 1, 2].map(|block: usize| right[block].as_ptr()).to_vec();
        let out_of = out.as_mut_ptr();
        let job = |first: usize, blocks| RowsByBlocks {
            left: left[first * stride..].as_ptr(),
            left_stride: stride,
            rows,
            blocks,
            out: out_of.wrapping_add(first * out_stride),
            out_stride,
        };
        // SAFETY: the left side has 31 rows more, and the units are this processor's.
        unsafe { unit.multiply_by_blocks(&[job(0, &pointers[..2]), job(rows, &pointers[2..])], blocks) };
        out
    }

    #[test]
    fn all_units_give_the_same_bits_and_the_plain_sums() {
        let left = pairs(112 * (2 * 40 + 31), 1);
        let right: Vec<Vec<u32>> = (0..3).map(|block| pairs(64 * 96, 2 + block)).collect();
        for blocks in [RightBlocks::Columns(64), RightBlocks::Columns(96), RightBlocks::Rows(32), RightBlocks::Rows(96)]
        {
            for rows in [1, 3, 16, 17, 32, 40] {
                let model = products(Unit::Model, rows, blocks, (&left, &right));
                for unit in Unit::all_here() {
                    let found = products(unit, rows, blocks, (&left, &right));
                    assert!(
                        found.iter().zip(&model).all(|(a, b)| a.to_bits() == b.to_bits()),
                        "{unit:?} {blocks:?} {rows}"
                    );
                }
                for unit in Unit::all_chains_here() {
                    let found = products(unit, rows, blocks, (&left, &right));
                    assert!(found.iter().zip(&model).all(|(a, b)| (a - b).abs() < 1e-4), "{unit:?} {blocks:?} {rows}");
                }
                // The last row of the second job.
                let (row, own) = (2 * rows - 1, [&right[1], &right[2]]);
                let pair = |p: usize| numbers(left[row * 112 + p]);
                let (width, place): (usize, Box<dyn Fn(usize) -> f32>) = match blocks {
                    RightBlocks::Columns(reduction) => {
                        let word = |c: usize, p: usize| numbers(own[c / 64][p * 64 + c % 64]);
                        let sum = move |c: usize| (0..reduction / 2).map(|p| dot(pair(p), word(c, p))).sum();
                        (128, Box::new(sum))
                    }
                    RightBlocks::Rows(width) => {
                        let word = move |c: usize, p: usize| {
                            let (group, columns) = (c / 64 * 64, 64.min(width - c / 64 * 64));
                            numbers(own[p / 32][group * 32 + p % 32 * columns + c % 64])
                        };
                        (width, Box::new(move |c: usize| 0.5 + (0..64).map(|p| dot(pair(p), word(c, p))).sum::<f32>()))
                    }
                };
                for (c, found) in model[row * 160..][..width].iter().enumerate() {
                    let right = place(c);
                    assert!((found - right).abs() < 1e-4 * (1.0 + right.abs()), "{blocks:?} {rows}: {found} {right}");
                }
                assert!(model[row * 160 + width..][..160 - width].iter().all(|&beside| beside == 0.5));
            }
        }
    }

    fn dot(a: [f32; 2], b: [f32; 2]) -> f32 {
        a[0] * b[0] + a[1] * b[1]
    }
}
