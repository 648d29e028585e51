//! Tiles by multiply-adds of vectors in the order that is fastest for them: one chain from value to value.
//!
//! C = rn(a b + C) for each value of the reduction in turn, and nothing is flushed. The order of the processor's tiles
//! ([`super::fused`]) takes sums to and from memory with every step; here they stay in registers over all steps of a block,
//! and a strip of left rows is widened to f32 once for all blocks.

use std::arch::asm;
use std::arch::x86_64::*;

use super::super::panel::Words;
use super::block::{SIDE, STEP, Side, Sums, Tiles};

/// Pairs of a step.
const PAIRS: usize = STEP / 2;
/// How far ahead the right side is asked for, in bytes: in generation it comes from memory. Under AVX2 asking costs more
/// in training than it gains there.
const AHEAD: usize = 4096;
/// The upper half of a word.
const UPPER: u32 = 0xffff_0000;

/// AVX-512.
pub(super) type ChainAvx512 = Chain<true>;
/// AVX2 and FMA.
pub(super) type ChainAvx2 = Chain<false>;

/// Such tiles, by vectors of 16 numbers where `WIDE`, else of 8.
pub(super) struct Chain<const WIDE: bool> {
    sums: Box<Sums>,
    /// Left rows as f32, in the order in which they are read: [groups of rows][steps][rows of the group][16 values at even
    /// places, 16 at odd places]. A group lies in one piece, because steps 4 KB apart would push each other out of the cache.
    left: Words,
}

/// A row of a step's left side as f32.
type WideRow = [f32; STEP];

/// The right tiles of a block's steps.
#[derive(Clone, Copy)]
struct Steps {
    right: Side,
    /// Bytes from step to step.
    stride: usize,
    count: usize,
    /// Columns that have a meaning: with no more than 16, the second tile is left out.
    columns: usize,
}

/// The groups in which rows are taken: the first row and how many. A last group may have rows that are not there, none
/// ends beyond 32.
#[inline(always)]
fn groups(wide: bool, rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = move |left: usize| match (wide, left) {
        (true, 1..=4) => 4,
        (true, 5..=8) => 8,
        (true, _) => 12,
        (false, 1..=2) => 2,
        // Twice four rows in place of six and two: the chains of two rows are too few to hide how long each waits.
        (false, 3..=4 | 7..=8) => 4,
        (false, _) => 6,
    };
    let mut first = 0;
    std::iter::from_fn(move || {
        let group = (first, count(rows.checked_sub(first).filter(|left| *left > 0)?));
        first += group.1;
        Some(group)
    })
}

impl<const WIDE: bool> Chain<WIDE> {
    /// Widens the left sides of so many steps.
    ///
    /// # Safety
    /// As [`Tiles::step`].
    #[inline(always)]
    unsafe fn lay(&mut self, left: impl Iterator<Item = Side>, steps: usize, rows: usize) {
        self.left.grow(steps * SIDE * STEP);
        let places = self.left.as_mut_ptr().cast::<WideRow>();
        for (step, left) in left.enumerate().take(steps) {
            for (first, count) in groups(WIDE, rows) {
                for row in first..rows.min(first + count) {
                    let from = left.at.wrapping_add(row / 16 * left.tile + row % 16 * left.row);
                    // SAFETY: there are as many words, from a cache line on, and any words are numbers; and the caller's.
                    unsafe { widen(&mut *places.add(first * steps + step * count + row - first), from) };
                }
            }
        }
    }

    /// Adds the steps whose left sides are laid.
    ///
    /// # Safety
    /// As [`Tiles::step`].
    #[inline(always)]
    unsafe fn add(&mut self, steps: Steps, rows: usize) {
        let (sums, left) = (self.sums.start(), self.left[..steps.count * SIDE * STEP].as_ptr().cast::<WideRow>());
        // Of AVX2 a tile of columns by all rows at a time: as much stays in the first cache.
        let tiles = if WIDE { 1 } else { steps.columns.div_ceil(16) };
        for tile in 0..tiles {
            let right = Side { at: steps.right.at.wrapping_add(tile * steps.right.tile), ..steps.right };
            let steps = Steps { right, ..steps };
            for (first, count) in groups(WIDE, rows) {
                let sums = sums.wrapping_add(first * SIDE + tile * 16);
                let left = left.wrapping_add(first * steps.count);
                // SAFETY: as many steps were laid, groups end at 32 rows; and the caller's.
                unsafe {
                    match (WIDE, count) {
                        (true, 4) => tiles_avx512::<4>(sums, left, steps),
                        (true, 8) => tiles_avx512::<8>(sums, left, steps),
                        (true, _) => tiles_avx512::<12>(sums, left, steps),
                        (false, 2) => two_avx2(sums, left, steps),
                        (false, 4) => four_avx2(sums, left, steps),
                        (false, _) => six_avx2(sums, left, steps),
                    }
                }
            }
        }
    }
}

impl<const WIDE: bool> Tiles for Chain<WIDE> {
    const LAYS_LEFT: bool = true;

    #[inline(always)]
    unsafe fn start() -> Self {
        Self { sums: Box::new(Sums::ZERO), left: Words::take(0) }
    }

    #[inline(always)]
    unsafe fn finish(self) {}

    #[inline(always)]
    unsafe fn clear(&mut self) {
        self.sums.0 = [[0.0; SIDE]; SIDE];
    }

    #[inline(always)]
    unsafe fn resume(&mut self, from: *const f32) {
        // SAFETY: the caller's.
        unsafe { self.sums.resume(from) };
    }

    #[inline(always)]
    unsafe fn step(&mut self, left: Side, right: Side, rows: usize) {
        // SAFETY: the caller's.
        unsafe {
            self.lay(std::iter::once(left), 1, rows);
            self.add(Steps { right, stride: 0, count: 1, columns: SIDE }, rows);
        }
    }

    #[inline(always)]
    unsafe fn lay_left(&mut self, left: impl Iterator<Item = Side>, steps: usize, rows: usize) {
        // SAFETY: the caller's.
        unsafe { self.lay(left, steps, rows) };
    }

    #[inline(always)]
    unsafe fn steps(&mut self, (right, stride): (Side, usize), count: usize, (rows, columns): (usize, usize)) {
        // SAFETY: the caller's.
        unsafe { self.add(Steps { right, stride, count, columns }, rows) };
    }

    #[inline(always)]
    unsafe fn put<const TALL: bool>(&mut self, to: *mut f32, stride: usize) {
        // SAFETY: the caller's.
        unsafe { self.sums.put::<TALL>(to, stride) };
    }
}

/// A row of a tile, 16 words, as f32.
///
/// # Safety
/// The words can be read.
#[inline(always)]
unsafe fn widen(out: &mut WideRow, from: *const u8) {
    // SAFETY: the caller's.
    let words = unsafe { from.cast::<[u32; PAIRS]>().read_unaligned() };
    let (even, odd) = out.split_at_mut(PAIRS);
    for (even, word) in even.iter_mut().zip(words) {
        *even = f32::from_bits(word << 16);
    }
    for (odd, word) in odd.iter_mut().zip(words) {
        *odd = f32::from_bits(word & UPPER);
    }
}

/// `N` rows by both tiles of columns, or by the first.
///
/// # Safety
/// Each right side has two tiles of 16 pairs by 16 columns, sums and left sides have these rows, and the processor has
/// AVX-512.
#[inline(always)]
unsafe fn tiles_avx512<const N: usize>(sums: *mut f32, left: *const WideRow, steps: Steps) {
    // SAFETY: the caller's.
    unsafe {
        if steps.columns > 16 { rows_avx512::<N, 2>(sums, left, steps) } else { rows_avx512::<N, 1>(sums, left, steps) }
    }
}

/// `N` rows by `TILES` tiles of 16 columns.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
unsafe fn rows_avx512<const N: usize, const TILES: usize>(sums: *mut f32, left: *const WideRow, steps: Steps) {
    let upper = _mm512_set1_epi32(UPPER as i32);
    // SAFETY: the caller's; rows of a step lie side by side.
    unsafe {
        let sums = &mut *sums.cast::<[[f32; SIDE]; N]>();
        let left = std::slice::from_raw_parts(left.cast::<[WideRow; N]>(), steps.count);
        let mut held = [[_mm512_setzero_ps(); TILES]; N];
        for (held, sums) in held.iter_mut().zip(&*sums) {
            *held = std::array::from_fn(|tile| _mm512_loadu_ps(sums[16 * tile..].as_ptr()));
        }
        for (step, left) in left.iter().enumerate() {
            let at = steps.right.at.wrapping_add(step * steps.stride);
            for pair in 0..PAIRS {
                let at = at.wrapping_add(pair * steps.right.row);
                for tile in 0..TILES {
                    _mm_prefetch::<_MM_HINT_T0>(at.wrapping_add(tile * steps.right.tile + AHEAD).cast());
                }
                let words: [__m512i; TILES] =
                    std::array::from_fn(|tile| _mm512_loadu_si512(at.wrapping_add(tile * steps.right.tile).cast()));
                let even = words.map(|words| _mm512_castsi512_ps(_mm512_slli_epi32::<16>(words)));
                for (held, left) in held.iter_mut().zip(left) {
                    let left = _mm512_set1_ps(left[pair]);
                    for (held, even) in held.iter_mut().zip(even) {
                        *held = _mm512_fmadd_ps(left, even, *held);
                    }
                }
                let odd = words.map(|words| _mm512_castsi512_ps(_mm512_and_si512(words, upper)));
                for (held, left) in held.iter_mut().zip(left) {
                    let left = _mm512_set1_ps(left[PAIRS + pair]);
                    for (held, odd) in held.iter_mut().zip(odd) {
                        *held = _mm512_fmadd_ps(left, odd, *held);
                    }
                }
            }
        }
        for (held, sums) in held.iter().zip(sums) {
            for (held, sums) in held.iter().zip(sums.as_chunks_mut::<16>().0) {
                _mm512_storeu_ps(sums.as_mut_ptr(), *held);
            }
        }
    }
}

/// Some rows by 16 columns: the registers of a row's sums, and where the row begins.
macro_rules! two_rows {
    ($what:ident) => {
        concat!($what!("0", "1", "0"), $what!("2", "3", "128"))
    };
}
macro_rules! four_rows {
    ($what:ident) => {
        concat!(two_rows!($what), $what!("4", "5", "256"), $what!("6", "7", "384"))
    };
}
macro_rules! six_rows {
    ($what:ident) => {
        concat!(four_rows!($what), $what!("8", "9", "512"), $what!("10", "11", "640"))
    };
}
macro_rules! fetch {
    ($first:literal, $second:literal, $row:literal) => {
        concat!("vmovups ymm", $first, ",[{c}+", $row, "]\nvmovups ymm", $second, ",[{c}+", $row, "+32]\n")
    };
}
macro_rules! leave {
    ($first:literal, $second:literal, $row:literal) => {
        concat!("vmovups [{c}+", $row, "],ymm", $first, "\nvmovups [{c}+", $row, "+32],ymm", $second, "\n")
    };
}
macro_rules! multiply_add {
    ($first:literal, $second:literal, $row:literal, $part:literal) => {
        concat!(
            "vbroadcastss ymm14,dword ptr [{a}+",
            $row,
            $part,
            "]\nvfmadd231ps ymm",
            $first,
            ",ymm14,ymm12\nvfmadd231ps ymm",
            $second,
            ",ymm14,ymm13\n"
        )
    };
}
macro_rules! even {
    ($first:literal, $second:literal, $row:literal) => {
        multiply_add!($first, $second, $row, "")
    };
}
macro_rules! odd {
    ($first:literal, $second:literal, $row:literal) => {
        multiply_add!($first, $second, $row, "+64")
    };
}

/// So many rows by the 16 columns of the first tile of the steps' right sides. By `asm!`, because twelve sums, two right
/// registers, a left one and a mask are all registers there are: compilers keep a sum in memory, and all wait for it.
macro_rules! rows_avx2 {
    ($name:ident, $rows:ident, $height:literal) => {
        #[doc = concat!($height, " rows by a tile of 16 columns.")]
        ///
        /// # Safety
        /// As [`tiles_avx512`], with AVX2 and FMA.
        #[inline]
        #[target_feature(enable = "avx2,fma")]
        unsafe fn $name(sums: *mut f32, left: *const WideRow, steps: Steps) {
            if steps.count == 0 {
                return;
            }
            // SAFETY: the caller's. The registers are named.
            unsafe {
                asm!(
                    "vmovd xmm15, {n:e}",
                    "vpbroadcastd ymm15, xmm15",
                    $rows!(fetch),
                    "2:",
                    "mov {n:e}, 16",
                    "3:",
                    "vmovdqu ymm12, [{b}]",
                    "vmovdqu ymm13, [{b}+32]",
                    "vpslld ymm12, ymm12, 16",
                    "vpslld ymm13, ymm13, 16",
                    $rows!(even),
                    "vpand ymm12, ymm15, [{b}]",
                    "vpand ymm13, ymm15, [{b}+32]",
                    $rows!(odd),
                    "add {b}, {row}",
                    "add {a}, 4",
                    "dec {n:e}",
                    "jnz 3b",
                    "add {b}, {skip}",
                    concat!("add {a}, ", $height, "*128-64"),
                    "dec {count}",
                    "jnz 2b",
                    $rows!(leave),
                    n = inout(reg) UPPER => _,
                    a = inout(reg) left => _,
                    b = inout(reg) steps.right.at => _,
                    c = in(reg) sums,
                    row = in(reg) steps.right.row,
                    skip = in(reg) steps.stride.wrapping_sub(PAIRS * steps.right.row),
                    count = inout(reg) steps.count => _,
                    out("ymm0") _, out("ymm1") _, out("ymm2") _, out("ymm3") _, out("ymm4") _, out("ymm5") _,
                    out("ymm6") _, out("ymm7") _, out("ymm8") _, out("ymm9") _, out("ymm10") _, out("ymm11") _,
                    out("ymm12") _, out("ymm13") _, out("ymm14") _, out("ymm15") _,
                    options(nostack)
                );
            }
        }
    };
}

rows_avx2!(six_avx2, six_rows, "6");
rows_avx2!(four_avx2, four_rows, "4");
rows_avx2!(two_avx2, two_rows, "2");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_take_every_row_once_and_end_within_a_block() {
        for wide in [false, true] {
            for rows in 1..=SIDE {
                let mut next = 0;
                for (first, count) in groups(wide, rows) {
                    assert_eq!(first, next, "{rows} rows");
                    next = first + count;
                }
                assert!((rows..=SIDE).contains(&next), "{rows} rows end at {next}");
            }
        }
        assert_eq!(groups(false, 0).count(), 0);
    }
}
