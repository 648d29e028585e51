//! Tiles by multiply-adds of vectors in the order that is fastest for them: one chain from value to value.
//!
//! C = rn(a b + C) for each value of the reduction in turn, and nothing is flushed. The order of the processor's tiles
//! ([`super::fused`]) takes sums to and from memory with every step; here they stay in registers over all steps of a block,
//! and a strip of left rows is widened to f32 once for all blocks.

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
    /// Left rows as f32: [steps][32 rows][16 values at even places, 16 at odd places].
    left: Words,
}

/// A step's left side as f32.
type Wide = [[f32; STEP]; SIDE];

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

impl<const WIDE: bool> Chain<WIDE> {
    /// Widens the left sides of so many steps.
    ///
    /// # Safety
    /// As [`Tiles::step`].
    #[inline(always)]
    unsafe fn lay(&mut self, left: impl Iterator<Item = Side>, steps: usize, rows: usize) {
        self.left.grow(steps * SIDE * STEP);
        let start = self.left.as_mut_ptr().cast::<Wide>();
        // SAFETY: there are as many words, from a cache line on, and any words are numbers; and the caller's.
        unsafe {
            let places = std::slice::from_raw_parts_mut(start, steps);
            places.iter_mut().zip(left).for_each(|(place, left)| widen(place, left, rows));
        }
    }

    /// Adds the steps whose left sides are laid.
    ///
    /// # Safety
    /// As [`Tiles::step`].
    #[inline(always)]
    unsafe fn add(&mut self, steps: Steps, rows: usize) {
        let left = &self.left[..steps.count * SIDE * STEP];
        // SAFETY: as many steps were laid; and the caller's.
        unsafe {
            let left = std::slice::from_raw_parts(left.as_ptr().cast::<Wide>(), steps.count);
            if WIDE {
                add_avx512(&mut self.sums, left, steps, rows)
            } else {
                add_avx2(&mut self.sums, left, steps, rows)
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

/// The first rows of a step's left side as f32.
#[inline(always)]
unsafe fn widen(out: &mut Wide, left: Side, rows: usize) {
    for (i, out) in out.iter_mut().enumerate().take(rows) {
        let at = left.at.wrapping_add(i / 16 * left.tile + i % 16 * left.row);
        // SAFETY: the caller's; a row of a tile is 16 words.
        let words = unsafe { at.cast::<[u32; PAIRS]>().read_unaligned() };
        let (even, odd) = out.split_at_mut(PAIRS);
        for (even, word) in even.iter_mut().zip(words) {
            *even = f32::from_bits(word << 16);
        }
        for (odd, word) in odd.iter_mut().zip(words) {
            *odd = f32::from_bits(word & UPPER);
        }
    }
}

/// The steps of a block, twelve rows at a time and what is left by four or eight; rows that fill up a group have no
/// meaning.
///
/// # Safety
/// Each right side has two tiles of 16 pairs by 16 columns, and the processor has AVX-512.
#[inline(always)]
unsafe fn add_avx512(sums: &mut Sums, left: &[Wide], steps: Steps, rows: usize) {
    // SAFETY: the caller's.
    unsafe {
        if steps.columns > 16 {
            groups_avx512::<2>(sums, left, steps, rows)
        } else {
            groups_avx512::<1>(sums, left, steps, rows)
        }
    }
}

/// By so many tiles of columns.
#[inline(always)]
unsafe fn groups_avx512<const TILES: usize>(sums: &mut Sums, left: &[Wide], steps: Steps, rows: usize) {
    let mut first = 0;
    // SAFETY: the caller's.
    unsafe {
        while first + 8 < rows {
            rows_avx512::<12, TILES>(sums, left, steps, first);
            first += 12;
        }
        if first + 4 < rows {
            rows_avx512::<8, TILES>(sums, left, steps, first);
            first += 8;
        }
        if first < rows {
            rows_avx512::<4, TILES>(sums, left, steps, first);
        }
    }
}

/// `N` rows by `TILES` tiles of 16 columns.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw")]
unsafe fn rows_avx512<const N: usize, const TILES: usize>(sums: &mut Sums, left: &[Wide], steps: Steps, first: usize) {
    let sums: &mut [[f32; SIDE]; N] = sums.0[first..].first_chunk_mut().expect("groups end at 32 rows");
    let upper = _mm512_set1_epi32(UPPER as i32);
    // SAFETY: the caller's; rows of a step lie side by side.
    unsafe {
        let mut held = [[_mm512_setzero_ps(); TILES]; N];
        for (held, sums) in held.iter_mut().zip(&*sums) {
            *held = std::array::from_fn(|tile| _mm512_loadu_ps(sums[16 * tile..].as_ptr()));
        }
        for (step, left) in left.iter().enumerate() {
            let left: &[[f32; STEP]; N] = left[first..].first_chunk().expect("groups end at 32 rows");
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

/// As [`add_avx512`], six rows by a tile of 16 columns at a time, and what is left by two or four.
///
/// # Safety
/// As there, with AVX2 and FMA.
#[inline(always)]
unsafe fn add_avx2(sums: &mut Sums, left: &[Wide], steps: Steps, rows: usize) {
    for tile in 0..steps.columns.div_ceil(16) {
        let right = Side { at: steps.right.at.wrapping_add(tile * steps.right.tile), ..steps.right };
        let (steps, column, mut first) = (Steps { right, ..steps }, 16 * tile, 0);
        // SAFETY: the caller's.
        unsafe {
            while first + 4 < rows {
                rows_avx2::<6>(sums, left, (steps, column), first);
                first += 6;
            }
            if first + 2 < rows {
                rows_avx2::<4>(sums, left, (steps, column), first);
                first += 4;
            }
            if first < rows {
                rows_avx2::<2>(sums, left, (steps, column), first);
            }
        }
    }
}

/// `N` rows by 16 columns from `column` on, those of the first tile of the steps' right sides.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn rows_avx2<const N: usize>(sums: &mut Sums, left: &[Wide], (steps, column): (Steps, usize), first: usize) {
    let sums: &mut [[f32; SIDE]; N] = sums.0[first..].first_chunk_mut().expect("groups end at 32 rows");
    let upper = _mm256_set1_epi32(UPPER as i32);
    // SAFETY: the caller's; rows of a step lie side by side.
    unsafe {
        let mut held = [[_mm256_setzero_ps(); 2]; N];
        for (held, sums) in held.iter_mut().zip(&*sums) {
            *held = [_mm256_loadu_ps(sums[column..].as_ptr()), _mm256_loadu_ps(sums[column + 8..].as_ptr())];
        }
        for (step, left) in left.iter().enumerate() {
            let left: &[[f32; STEP]; N] = left[first..].first_chunk().expect("groups end at 32 rows");
            let at = steps.right.at.wrapping_add(step * steps.stride);
            for pair in 0..PAIRS {
                let at = at.wrapping_add(pair * steps.right.row);
                let words = [_mm256_loadu_si256(at.cast()), _mm256_loadu_si256(at.wrapping_add(32).cast())];
                let even = words.map(|words| _mm256_castsi256_ps(_mm256_slli_epi32::<16>(words)));
                for (held, left) in held.iter_mut().zip(left) {
                    let left = _mm256_set1_ps(left[pair]);
                    held[0] = _mm256_fmadd_ps(left, even[0], held[0]);
                    held[1] = _mm256_fmadd_ps(left, even[1], held[1]);
                }
                let odd = words.map(|words| _mm256_castsi256_ps(_mm256_and_si256(words, upper)));
                for (held, left) in held.iter_mut().zip(left) {
                    let left = _mm256_set1_ps(left[PAIRS + pair]);
                    held[0] = _mm256_fmadd_ps(left, odd[0], held[0]);
                    held[1] = _mm256_fmadd_ps(left, odd[1], held[1]);
                }
            }
        }
        for (held, sums) in held.iter().zip(sums) {
            _mm256_storeu_ps(sums[column..].as_mut_ptr(), held[0]);
            _mm256_storeu_ps(sums[column + 8..].as_mut_ptr(), held[1]);
        }
    }
}
