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
    pub(super) fn copy<const BITS: usize>(&self, row: usize, high: usize, column: usize, tiles: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if BITS == 512 {
            // SAFETY: who says 512 bits runs where the processor has AVX-512, who says 256 has AVX2; here and below.
            return unsafe { wide::copy(self, row, high, column, tiles) };
        }
        #[cfg(target_arch = "x86_64")]
        if BITS == 256 {
            // SAFETY: see above.
            return unsafe { halves::copy(self, row, high, column, tiles) };
        }
        for (i, words) in rows_of(tiles).enumerate() {
            *words = if i < high { self.pairs(row + i, column) } else { [0; 16] };
        }
    }

    /// 32 rows × 32 columns become two tiles of a right side.
    #[inline(always)]
    pub(super) fn weave<const BITS: usize>(&self, row: usize, column: usize, tiles: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if BITS == 512 {
            // SAFETY: see above.
            return unsafe { wide::weave(self, row, column, tiles) };
        }
        #[cfg(target_arch = "x86_64")]
        if BITS == 256 {
            // SAFETY: see above.
            return unsafe { halves::weave(self, row, column, tiles) };
        }
        let (first, second) = tiles[..PAIR].split_at_mut(PAIR / 2);
        for (p, (first, second)) in rows_of(first).zip(rows_of(second)).enumerate() {
            [*first, *second] = self.woven(row + 2 * p, column);
        }
    }

    /// 32 rows × 32 columns become two tiles of a left side, a column a row.
    #[inline(always)]
    pub(super) fn weave_and_turn<const BITS: usize>(&self, row: usize, column: usize, tiles: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if BITS == 512 {
            // SAFETY: see above.
            return unsafe { wide::weave_and_turn(self, row, column, tiles) };
        }
        #[cfg(target_arch = "x86_64")]
        if BITS == 256 {
            // SAFETY: see above.
            return unsafe { halves::weave_and_turn(self, row, column, tiles) };
        }
        let (mut first, mut second) = ([[0; 16]; 16], [[0; 16]; 16]);
        for (p, (first, second)) in first.iter_mut().zip(&mut second).enumerate() {
            [*first, *second] = self.woven(row + 2 * p, column);
        }
        let (one, other) = tiles[..PAIR].split_at_mut(PAIR / 2);
        turn(&first, one);
        turn(&second, other);
    }

    /// 32 rows × 32 values become two tiles of a right side, a row a column.
    #[inline(always)]
    pub(super) fn turn<const BITS: usize>(&self, row: usize, column: usize, tiles: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if BITS == 512 {
            // SAFETY: see above.
            return unsafe { wide::turn(self, row, column, tiles) };
        }
        #[cfg(target_arch = "x86_64")]
        if BITS == 256 {
            // SAFETY: see above.
            return unsafe { halves::turn(self, row, column, tiles) };
        }
        for (half, tile) in tiles[..PAIR].chunks_exact_mut(PAIR / 2).enumerate() {
            let mut rows = [[0; 16]; 16];
            for (j, words) in rows.iter_mut().enumerate() {
                *words = self.pairs(row + 16 * half + j, column);
            }
            turn(&rows, tile);
        }
    }
}

/// The rows of tiles that lie one after the other.
#[inline(always)]
fn rows_of(tiles: &mut [u32]) -> impl Iterator<Item = &mut Words> {
    tiles.chunks_exact_mut(16).map(|words| words.try_into().expect("a row has 16 words"))
}

/// A transpose of 16 × 16 words.
#[inline(always)]
fn turn(rows: &[Words; 16], tile: &mut [u32]) {
    for (j, row) in rows.iter().enumerate() {
        for (p, word) in row.iter().enumerate() {
            tile[16 * p + j] = *word;
        }
    }
}

/// The same moves in the instructions of AVX-512, a row of a tile in a register. All are safe to call where there is
/// AVX-512.
#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::x86_64::*;

    use super::super::block::{PAIR, STEP};
    use super::super::pending::wide::narrow;
    use super::Rows;
    use crate::backend::cpu::kernel::blocks::GROUP;
    use crate::backend::cpu::kernel::blocks::wide::group;
    use crate::backend::cpu::kernel::numbers::Numbers;
    use crate::backend::cpu::kernel::turn::turned;

    /// 32 values of a row from a column on.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
    fn line(rows: &Rows<'_>, row: usize, column: usize) -> __m512i {
        let start = row * rows.stride + column;
        let whole = row < rows.rows && column + STEP <= rows.columns;
        match rows.source {
            // SAFETY: a line has as many values as are read, here and below.
            Numbers::Bf16(values) if whole => unsafe {
                _mm512_loadu_si512(values[start..start + STEP].as_ptr().cast())
            },
            Numbers::F32(values) if whole => unsafe {
                let values = values[start..start + STEP].as_ptr();
                let [low, high] = [0, 16].map(|first| narrow(_mm512_loadu_ps(values.wrapping_add(first))));
                _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
            },
            _ => other_line(rows, row, column),
        }
    }

    /// The same at an edge or of blocks: apart, so that what is common enters its loop.
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
    fn other_line(rows: &Rows<'_>, row: usize, column: usize) -> __m512i {
        let count = rows.columns.saturating_sub(column).min(STEP);
        if row >= rows.rows || count == 0 {
            return _mm512_setzero_si512();
        }
        let start = row * rows.stride + column;
        match rows.source {
            // SAFETY: only the values that were just found to be there are read.
            Numbers::Bf16(values) => unsafe {
                let values = &values[start..start + count];
                _mm512_maskz_loadu_epi16(((1_u64 << count) - 1) as u32, values.as_ptr().cast())
            },
            // SAFETY: as above.
            Numbers::F32(values) => unsafe {
                let (mask, values) = ((1_u64 << count) - 1, values[start..start + count].as_ptr());
                let [low, high] =
                    [0, 16].map(|first| _mm512_maskz_loadu_ps((mask >> first) as u16, values.wrapping_add(first)));
                _mm512_inserti64x4::<1>(_mm512_castsi256_si512(narrow(low)), narrow(high))
            },
            Numbers::Blocks(blocks) if count == GROUP => {
                assert!(start.is_multiple_of(GROUP), "a part that does not start a group");
                group(blocks, start / GROUP)
            }
            Numbers::Blocks(_) => {
                let line = rows.line(row, column);
                // SAFETY: a line is as long as a register.
                unsafe { _mm512_loadu_si512(line.0.as_ptr().cast()) }
            }
        }
    }

    /// Writes a row of a tile.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn put(words: __m512i, tiles: &mut [u32], row: usize) {
        let tiles = &mut tiles[16 * row..][..16];
        // SAFETY: 16 words are as long as a register.
        unsafe { _mm512_storeu_si512(tiles.as_mut_ptr().cast(), words) };
    }

    /// Two rows side by side: words for the first 16 columns, and for the others.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
    fn woven(rows: &Rows<'_>, row: usize, column: usize) -> [__m512i; 2] {
        let (low, high) = (line(rows, row, column), line(rows, row + 1, column));
        // Word j is value j of the first row, then value j of the second, which is 32 in the order of both.
        let first = _mm512_add_epi32(
            _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
            _mm512_slli_epi32::<16>(_mm512_set_epi32(47, 46, 45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32)),
        );
        let others = _mm512_add_epi16(first, _mm512_set1_epi16(16));
        [_mm512_permutex2var_epi16(low, first, high), _mm512_permutex2var_epi16(low, others, high)]
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
    pub(super) fn copy(rows: &Rows<'_>, row: usize, high: usize, column: usize, tiles: &mut [u32]) {
        let tiles = &mut tiles[..PAIR];
        for i in 0..32 {
            put(if i < high { line(rows, row + i, column) } else { _mm512_setzero_si512() }, tiles, i);
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
    pub(super) fn weave(rows: &Rows<'_>, row: usize, column: usize, tiles: &mut [u32]) {
        let tiles = &mut tiles[..PAIR];
        for p in 0..16 {
            let [first, others] = woven(rows, row + 2 * p, column);
            put(first, tiles, p);
            put(others, tiles, 16 + p);
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
    pub(super) fn weave_and_turn(rows: &Rows<'_>, row: usize, column: usize, tiles: &mut [u32]) {
        let (mut first, mut others) = ([_mm512_setzero_si512(); 16], [_mm512_setzero_si512(); 16]);
        for p in 0..16 {
            [first[p], others[p]] = woven(rows, row + 2 * p, column);
        }
        let (one, other) = tiles[..PAIR].split_at_mut(PAIR / 2);
        put_turned(first, one);
        put_turned(others, other);
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
    pub(super) fn turn(rows: &Rows<'_>, row: usize, column: usize, tiles: &mut [u32]) {
        for (half, tile) in tiles[..PAIR].chunks_exact_mut(PAIR / 2).enumerate() {
            let mut lines = [_mm512_setzero_si512(); 16];
            for (j, own) in lines.iter_mut().enumerate() {
                *own = line(rows, row + 16 * half + j, column);
            }
            put_turned(lines, tile);
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn put_turned(rows: [__m512i; 16], tile: &mut [u32]) {
        for (p, words) in turned(rows).into_iter().enumerate() {
            put(words, tile, p);
        }
    }
}

/// The same moves by vectors of AVX2, a row of a tile in one. All are unsafe: they may be used where there is AVX2.
#[cfg(target_arch = "x86_64")]
mod halves {
    use super::super::block::{PAIR, STEP};
    use super::Rows;
    use crate::backend::cpu::kernel::numbers::Numbers;
    use crate::backend::cpu::kernel::vector::{Halves, Vector};

    /// 32 values of a row, or 16 words of a tile.
    type Row = <Halves as Vector>::H;

    /// 32 values of a row from a column on.
    #[inline(always)]
    unsafe fn line(rows: &Rows<'_>, row: usize, column: usize) -> Row {
        let start = row * rows.stride + column;
        match rows.source {
            Numbers::Bf16(values) if row < rows.rows && column + STEP <= rows.columns => {
                let values = values[start..].first_chunk().expect("a whole line");
                // SAFETY: here and below, the caller's.
                unsafe { Halves::load_narrow(values) }
            }
            _ => unsafe { Halves::load_narrow(&other_line(rows, row, column).0) },
        }
    }

    /// The same at an edge, or of numbers in another form: apart, so that what is common enters its loop.
    #[inline(never)]
    fn other_line(rows: &Rows<'_>, row: usize, column: usize) -> super::Line {
        rows.line(row, column)
    }

    /// Writes rows of a tile, the first at row `first`.
    #[inline(always)]
    unsafe fn put(rows: &[Row], tiles: &mut [u32], first: usize) {
        for (words, row) in tiles[16 * first..].as_chunks_mut::<16>().0.iter_mut().zip(rows) {
            // SAFETY: 16 words are as long as 32 values, and any values are words.
            unsafe { Halves::store_narrow(&mut *words.as_mut_ptr().cast(), *row) };
        }
    }

    #[inline(always)]
    pub(super) unsafe fn copy(rows: &Rows<'_>, row: usize, high: usize, column: usize, tiles: &mut [u32]) {
        let zero = [half::bf16::ZERO; STEP];
        for i in 0..32 {
            // SAFETY: see above.
            unsafe {
                let line = if i < high { line(rows, row + i, column) } else { Halves::load_narrow(&zero) };
                put(&[line], tiles, i);
            }
        }
    }

    #[inline(always)]
    pub(super) unsafe fn weave(rows: &Rows<'_>, row: usize, column: usize, tiles: &mut [u32]) {
        for p in 0..16 {
            // SAFETY: see above.
            unsafe {
                let (low, high) = (line(rows, row + 2 * p, column), line(rows, row + 2 * p + 1, column));
                let [first, others] = Halves::weave(low, high);
                put(&[first], tiles, p);
                put(&[others], tiles, 16 + p);
            }
        }
    }

    #[inline(always)]
    pub(super) unsafe fn weave_and_turn(rows: &Rows<'_>, row: usize, column: usize, tiles: &mut [u32]) {
        // SAFETY: see above.
        unsafe {
            weave(rows, row, column, tiles);
            for tile in tiles[..PAIR].as_chunks_mut::<{ PAIR / 2 }>().0 {
                let mut words = [Halves::load_narrow(&[half::bf16::ZERO; STEP]); 16];
                for (own, words) in words.iter_mut().zip(tile.as_chunks::<16>().0) {
                    *own = Halves::load_narrow(&*words.as_ptr().cast());
                }
                Halves::turn(&mut words);
                put(&words, tile, 0);
            }
        }
    }

    #[inline(always)]
    pub(super) unsafe fn turn(rows: &Rows<'_>, row: usize, column: usize, tiles: &mut [u32]) {
        for (number, tile) in tiles[..PAIR].as_chunks_mut::<{ PAIR / 2 }>().0.iter_mut().enumerate() {
            // SAFETY: see above.
            unsafe {
                let mut lines = [Halves::load_narrow(&[half::bf16::ZERO; STEP]); 16];
                for (j, own) in lines.iter_mut().enumerate() {
                    *own = line(rows, row + 16 * number + j, column);
                }
                Halves::turn(&mut lines);
                put(&lines, tile, 0);
            }
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

    fn moves<const BITS: usize>() {
        for size in [(80, 70), (33, 40), (5, 3)] {
            let values = source(size.0, size.1);
            let rows = Rows { source: Numbers::Bf16(&values), stride: size.1, rows: size.0, columns: size.1 };
            for (row, column) in [(0, 0), (16, 32), (2, 38), (64, 0)] {
                let mut tiles = vec![[7_u32; PAIR]; 4];
                rows.copy::<BITS>(row, 32, column, &mut tiles[0]);
                rows.weave::<BITS>(row, column, &mut tiles[1]);
                rows.turn::<BITS>(row, column, &mut tiles[2]);
                rows.weave_and_turn::<BITS>(row, column, &mut tiles[3]);
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
        moves::<0>();
        #[cfg(target_arch = "x86_64")]
        {
            use crate::backend::cpu::kernel::dispatch::{Level, level};
            if level() != Level::Baseline {
                moves::<256>();
            }
            if level() == Level::Avx512 {
                moves::<512>();
            }
        }
    }
}
