//! Rows of a head become tiles, and sums become rows of a head.

use half::bf16;

use crate::backend::cpu::kernel::tiles::{Pair, SIDE};
use crate::backend::cpu::kernel::vector::{LANES, Vector};

/// Rows of one head in a larger matrix: [rows, E]. What lies beyond counts as zero.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    values: &'a [bf16],
    stride: usize,
    rows: usize,
    dim: usize,
}

/// A block of 32 rows by 32 values of a head.
#[derive(Clone, Copy)]
struct Square<'a> {
    /// From the first value on.
    values: &'a [bf16],
    stride: usize,
    /// What there is of it.
    rows: usize,
    columns: usize,
}

impl<'a> Head<'a> {
    /// `rows` rows of `dim` values, `stride` apart, from a place on.
    pub(super) fn new(values: &'a [bf16], at: usize, stride: usize, (rows, dim): (usize, usize)) -> Self {
        Self { values: &values[at..], stride, rows, dim }
    }

    #[inline(always)]
    fn square(&self, block: usize, step: usize) -> Square<'a> {
        let (row, column) = (block * SIDE, step * SIDE);
        let values = &self.values[row * self.stride + column..];
        Square { values, stride: self.stride, rows: SIDE.min(self.rows - row), columns: SIDE.min(self.dim - column) }
    }

    /// Left side of a product over E: 32 rows, 32 values of each.
    #[inline(always)]
    pub(super) unsafe fn left<V: Vector>(&self, block: usize, step: usize, to: &mut Pair) {
        let square = self.square(block, step);
        for (row, to) in to.0.iter_mut().enumerate() {
            // SAFETY: here and below, the caller's: the processor has these vectors.
            unsafe { V::store_narrow(to, square.row::<V>(row)) };
        }
    }

    /// Right side of a product over E: rows become columns.
    #[inline(always)]
    pub(super) unsafe fn right<V: Vector>(&self, block: usize, step: usize, to: &mut Pair) {
        let square = self.square(block, step);
        for (half, tile) in to.0.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            // SAFETY: see above.
            unsafe {
                let mut rows = [square.row::<V>(half * LANES); LANES];
                for (row, values) in rows.iter_mut().enumerate().skip(1) {
                    *values = square.row::<V>(half * LANES + row);
                }
                turn_into::<V>(rows, tile);
            }
        }
    }

    /// Right side of a product over rows: two rows at a time, side by side.
    #[inline(always)]
    pub(super) unsafe fn right_over_rows<V: Vector>(&self, block: usize, step: usize, to: &mut Pair) {
        let square = self.square(block, step);
        let (first, second) = to.0.split_at_mut(LANES);
        for (pair, (first, second)) in first.iter_mut().zip(second).enumerate() {
            // SAFETY: see above.
            unsafe {
                let woven = square.woven::<V>(pair);
                V::store_narrow(first, woven[0]);
                V::store_narrow(second, woven[1]);
            }
        }
    }

    /// Left side of a product over rows: a column a row.
    #[inline(always)]
    pub(super) unsafe fn left_over_rows<V: Vector>(&self, block: usize, step: usize, to: &mut Pair) {
        let square = self.square(block, step);
        // SAFETY: see above.
        unsafe {
            let [first, second] = square.woven::<V>(0);
            let (mut first, mut second) = ([first; LANES], [second; LANES]);
            for pair in 1..LANES {
                [first[pair], second[pair]] = square.woven::<V>(pair);
            }
            let [one, other] = to.0.as_chunks_mut::<LANES>().0 else { unreachable!("a pair has two tiles") };
            turn_into::<V>(first, one);
            turn_into::<V>(second, other);
        }
    }
}

impl Square<'_> {
    /// A row, filled up with zeros.
    #[inline(always)]
    unsafe fn row<V: Vector>(&self, row: usize) -> V::H {
        let at = row * self.stride;
        // SAFETY: see above.
        unsafe {
            if row < self.rows && self.columns == SIDE {
                let values = self.values[at..].first_chunk().expect("a whole row");
                return V::load_narrow(values);
            }
            let mut filled = [bf16::ZERO; SIDE];
            if row < self.rows {
                filled[..self.columns].copy_from_slice(&self.values[at..at + self.columns]);
            }
            V::load_narrow(&filled)
        }
    }

    /// Two rows side by side.
    #[inline(always)]
    unsafe fn woven<V: Vector>(&self, pair: usize) -> [V::H; 2] {
        // SAFETY: see above.
        unsafe { V::weave(self.row::<V>(2 * pair), self.row::<V>(2 * pair + 1)) }
    }
}

/// Writes rows as the columns of a tile.
#[inline(always)]
unsafe fn turn_into<V: Vector>(mut rows: [V::H; LANES], tile: &mut [[bf16; SIDE]; LANES]) {
    // SAFETY: see above.
    unsafe {
        V::turn(&mut rows);
        for (tile, row) in tile.iter_mut().zip(rows) {
            V::store_narrow(tile, row);
        }
    }
}

/// The halves of a row of sums.
#[inline(always)]
pub(super) fn halves(row: &[f32; SIDE]) -> [&[f32; LANES]; 2] {
    let [first, second] = row.as_chunks::<LANES>().0 else { unreachable!("a row has two halves") };
    [first, second]
}

/// A row of sums.
#[inline(always)]
pub(super) unsafe fn loaded<V: Vector>(row: &[f32; SIDE]) -> [V::F; 2] {
    let [first, second] = halves(row);
    // SAFETY: the caller's: the processor has these vectors.
    unsafe { [V::load(first), V::load(second)] }
}

/// A row of sums times a factor, rounded.
#[inline(always)]
pub(super) unsafe fn scaled<V: Vector>(row: &[f32; SIDE], factor: V::F) -> V::H {
    // SAFETY: as above.
    unsafe {
        let [first, second] = loaded::<V>(row);
        V::narrow(V::mul(first, factor), V::mul(second, factor))
    }
}

/// Writes values to a row that may have room for fewer.
#[inline(always)]
pub(super) unsafe fn write<V: Vector>(to: &mut [bf16], values: V::H) {
    // SAFETY: the caller's: the processor has these vectors.
    unsafe {
        match to.first_chunk_mut() {
            Some(to) => V::store_narrow(to, values),
            None => {
                let mut all = [bf16::ZERO; SIDE];
                V::store_narrow(&mut all, values);
                to.copy_from_slice(&all[..to.len()]);
            }
        }
    }
}
