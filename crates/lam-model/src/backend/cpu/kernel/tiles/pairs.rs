//! Tiles by the processor's dot products of bf16 pairs, in their own order of sums: one chain from pair to pair.

use std::arch::x86_64::*;
use std::mem::transmute;

use super::block::{SIDE, STEP, Side, Sums};
use super::in_memory::{AddStep, InMemory};

/// Rows whose sums stay in registers over a step, two vectors each.
const ROWS: usize = 8;

/// AVX-512 with products of bf16.
pub(super) type Pairs = InMemory<Dots>;

/// Adds a step by dot products of pairs.
pub(super) struct Dots;

impl AddStep for Dots {
    type Scratch = ();
    const SCRATCH: () = ();

    #[inline(always)]
    unsafe fn add(sums: &mut Sums, (): &mut (), left: Side, right: Side, rows: usize) {
        for (group, sums) in sums.0.as_chunks_mut::<ROWS>().0.iter_mut().enumerate().take(rows.div_ceil(ROWS)) {
            // Both tiles have whole groups of rows.
            let first = group * ROWS;
            let at = left.at.wrapping_add(first / 16 * left.tile + first % 16 * left.row);
            // SAFETY: the caller's.
            unsafe { add_rows(sums, (at, left.row), right) };
        }
    }
}

/// One step of some rows.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx512bf16")]
unsafe fn add_rows(sums: &mut [[f32; SIDE]; ROWS], (left, row): (*const u8, usize), right: Side) {
    // SAFETY: the caller's; the types of pairs differ in name only.
    unsafe {
        let mut held = [[_mm512_setzero_ps(); 2]; ROWS];
        for (held, sums) in held.iter_mut().zip(&*sums) {
            *held = [_mm512_loadu_ps(sums.as_ptr()), _mm512_loadu_ps(sums[16..].as_ptr())];
        }
        for pair in 0..STEP / 2 {
            let at = right.at.wrapping_add(pair * right.row);
            let first = transmute::<__m512i, __m512bh>(_mm512_loadu_si512(at.cast()));
            let second = transmute::<__m512i, __m512bh>(_mm512_loadu_si512(at.wrapping_add(right.tile).cast()));
            for (i, held) in held.iter_mut().enumerate() {
                let left = left.wrapping_add(i * row + 4 * pair).cast::<i32>().read_unaligned();
                let left = transmute::<__m512i, __m512bh>(_mm512_set1_epi32(left));
                held[0] = _mm512_dpbf16_ps(held[0], left, first);
                held[1] = _mm512_dpbf16_ps(held[1], left, second);
            }
        }
        for (held, sums) in held.iter().zip(sums) {
            _mm512_storeu_ps(sums.as_mut_ptr(), held[0]);
            _mm512_storeu_ps(sums[16..].as_mut_ptr(), held[1]);
        }
    }
}
