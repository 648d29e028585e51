//! Blocks of bf16 become pairs of tiles. A tile is 16 rows of 16 words; a word is a pair along the reduction.
//!
//! Three moves are enough for every form of a product:
//! - copy: a row of a tile is 32 values of a row of the source (left side whose rows run along the reduction);
//! - weave: a row of two tiles is two rows of the source side by side (right side, reduction down the rows);
//! - turn: a transpose of 16 × 16 words (right side, reduction along the rows).
//!
//! Woven, then turned, is the left side of aᵀ b.

use half::bf16;

use super::super::numbers::Numbers;
use super::block::{PAIR, STEP};

/// 32 values of a row: a cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line([bf16; STEP]);

/// A row of a tile.
type Words = [u32; 16];

/// Rows of a source, `stride` values apart. What lies beyond `rows` or `columns` counts as zero.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) source: Numbers<'a>,
    pub(super) stride: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Rows<'_> {
    /// 32 values of a row from a column on. In a source of blocks, a column is a multiple of 32.
    #[inline(always)]
    fn line(&self, row: usize, column: usize) -> Line {
        let mut line = Line([bf16::ZERO; STEP]);
        let count = self.columns.saturating_sub(column).min(STEP);
        if row >= self.rows || count == 0 {
            return line;
        }
        let start = row * self.stride + column;
        match self.source {
            Numbers::Bf16(values) if count == STEP => line.0.copy_from_slice(&values[start..start + STEP]),
            Numbers::Bf16(values) => line.0[..count].copy_from_slice(&values[start..start + count]),
            source => {
                source.row(start, &mut line.0[..count]);
            }
        }
        line
    }

    /// Two rows side by side: words for the first 16 columns, and for the others.
    #[inline(always)]
    fn woven(&self, row: usize, column: usize) -> [Words; 2] {
        let (Line(low), Line(high)) = (self.line(row, column), self.line(row + 1, column));
        let word = |j: usize| u32::from(low[j].to_bits()) | u32::from(high[j].to_bits()) << 16;
        [std::array::from_fn(word), std::array::from_fn(|j| word(16 + j))]
    }

    /// The pairs of a row's 32 values.
    #[inline(always)]
    fn pairs(&self, row: usize, column: usize) -> Words {
        let Line(line) = self.line(row, column);
        std::array::from_fn(|p| u32::from(line[2 * p].to_bits()) | u32::from(line[2 * p + 1].to_bits()) << 16)
    }

    /// Copies `high` rows × 32 values into two tiles; the rows that are missing become zero.
    #[inline(always)]
    pub(super) fn copy(&self, row: usize, high: usize, column: usize, tiles: &mut [u32]) {
        for (i, words) in rows_of(tiles).enumerate() {
            *words = if i < high { self.pairs(row + i, column) } else { [0; 16] };
        }
    }

    /// 32 rows × 32 columns become two tiles of a right side.
    #[inline(always)]
    pub(super) fn weave(&self, row: usize, column: usize, tiles: &mut [u32]) {
        let (first, second) = tiles[..PAIR].split_at_mut(PAIR / 2);
        for (p, (first, second)) in rows_of(first).zip(rows_of(second)).enumerate() {
            [*first, *second] = self.woven(row + 2 * p, column);
        }
    }

    /// 32 rows × 32 columns become two tiles of a left side, a column a row.
    #[inline(always)]
    pub(super) fn weave_and_turn<const WIDE: bool>(&self, row: usize, column: usize, tiles: &mut [u32]) {
        let (mut first, mut second) = ([[0; 16]; 16], [[0; 16]; 16]);
        for (p, (first, second)) in first.iter_mut().zip(&mut second).enumerate() {
            [*first, *second] = self.woven(row + 2 * p, column);
        }
        let (one, other) = tiles[..PAIR].split_at_mut(PAIR / 2);
        turn::<WIDE>(&first, one);
        turn::<WIDE>(&second, other);
    }

    /// 32 rows × 32 values become two tiles of a right side, a row a column.
    #[inline(always)]
    pub(super) fn turn<const WIDE: bool>(&self, row: usize, column: usize, tiles: &mut [u32]) {
        for (half, tile) in tiles[..PAIR].chunks_exact_mut(PAIR / 2).enumerate() {
            let mut rows = [[0; 16]; 16];
            for (j, words) in rows.iter_mut().enumerate() {
                *words = self.pairs(row + 16 * half + j, column);
            }
            turn::<WIDE>(&rows, tile);
        }
    }
}

/// The rows of tiles that lie one after the other.
#[inline(always)]
fn rows_of(tiles: &mut [u32]) -> impl Iterator<Item = &mut Words> {
    tiles.chunks_exact_mut(16).map(|words| words.try_into().expect("a row has 16 words"))
}

/// A transpose of 16 × 16 words, in the instructions of AVX-512 where `WIDE`.
#[inline(always)]
fn turn<const WIDE: bool>(rows: &[Words; 16], tile: &mut [u32]) {
    let tile: &mut [u32; 256] = tile.try_into().expect("a tile has 256 words");
    #[cfg(target_arch = "x86_64")]
    if WIDE {
        // SAFETY: who says `WIDE` runs where the processor has AVX-512.
        unsafe { wide(rows, tile) };
        return;
    }
    for (j, row) in rows.iter().enumerate() {
        for (p, word) in row.iter().enumerate() {
            tile[16 * p + j] = *word;
        }
    }
}

/// As [`turn`].
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn wide(rows: &[Words; 16], tile: &mut [u32; 256]) {
    use std::arch::x86_64::*;

    use crate::backend::cpu::kernel::turn::turned;
    // SAFETY: rows and tile are as large as what is read and written.
    unsafe {
        let r: [__m512i; 16] = std::array::from_fn(|j| _mm512_loadu_si512(rows[j].as_ptr().cast()));
        for (words, column) in turned(r).into_iter().zip(tile.as_chunks_mut::<16>().0) {
            _mm512_storeu_si512(column.as_mut_ptr().cast(), words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(rows: usize, columns: usize) -> Vec<bf16> {
        (0..rows * columns).map(|i| bf16::from_bits(i as u16 + 1)).collect()
    }

    /// The value at a place, zero beyond the source's edges.
    fn at(values: &[bf16], (rows, columns): (usize, usize), row: usize, column: usize) -> u32 {
        if row < rows && column < columns { u32::from(values[row * columns + column].to_bits()) } else { 0 }
    }

    fn moves<const WIDE: bool>() {
        for size in [(80, 70), (33, 40), (5, 3)] {
            let values = source(size.0, size.1);
            let rows = Rows { source: Numbers::Bf16(&values), stride: size.1, rows: size.0, columns: size.1 };
            for (row, column) in [(0, 0), (16, 32), (2, 38), (64, 0)] {
                let mut tiles = vec![[7_u32; PAIR]; 4];
                rows.copy(row, 32, column, &mut tiles[0]);
                rows.weave(row, column, &mut tiles[1]);
                rows.turn::<WIDE>(row, column, &mut tiles[2]);
                rows.weave_and_turn::<WIDE>(row, column, &mut tiles[3]);
                let pair = |i: usize, j: usize, down: bool| {
                    let (k, l) = if down { (i + 1, j) } else { (i, j + 1) };
                    at(&values, size, row + i, column + j) | at(&values, size, row + k, column + l) << 16
                };
                for tile in 0..2 {
                    for i in 0..16 {
                        for w in 0..16 {
                            let place = tile * 256 + 16 * i + w;
                            assert_eq!(tiles[0][place], pair(16 * tile + i, 2 * w, false), "copy");
                            assert_eq!(tiles[1][place], pair(2 * i, 16 * tile + w, true), "weave");
                            assert_eq!(tiles[2][place], pair(16 * tile + w, 2 * i, false), "turn");
                            assert_eq!(tiles[3][place], pair(2 * w, 16 * tile + i, true), "weave and turn");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn every_move_puts_every_value_in_its_place() {
        moves::<false>();
        #[cfg(target_arch = "x86_64")]
        if crate::backend::cpu::kernel::dispatch::level() == crate::backend::cpu::kernel::dispatch::Level::Avx512 {
            moves::<true>();
        }
    }
}
