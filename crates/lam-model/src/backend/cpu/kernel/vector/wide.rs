//! Vectors of AVX-512.

use std::arch::x86_64::*;
use std::mem::transmute;

use half::bf16;

use super::super::turn::turned;
use super::{LANES, Rows, Vector};

/// AVX-512. `ROUNDS`: with its conversions to bf16.
pub(crate) struct Wide<const ROUNDS: bool>;

/// Rounds to the nearest bf16, ties to even; the result stands in the lower half of each word. What is too small to be
/// normal counts as zero, as in the processors' own conversion.
#[inline(always)]
unsafe fn rounded(value: __m512) -> __m512i {
    // SAFETY: here and below, the caller's.
    unsafe {
        let bits = _mm512_castps_si512(value);
        let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
        let up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
        let number = _mm512_srli_epi32::<16>(up);
        let none = _mm512_or_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(0x40));
        let is_none = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(value, value);
        let small = _mm512_testn_epi32_mask(bits, _mm512_set1_epi32(0x7f80_0000));
        let number = _mm512_mask_and_epi32(number, small, number, _mm512_set1_epi32(0x8000));
        _mm512_mask_mov_epi32(number, is_none, none)
    }
}

/// Sixteen rows folded to a number each. Order: lanes eight apart, four, two, one. Macros, because a closure has none of
/// the instructions that its surroundings may use.
macro_rules! folded {
    ($rows:ident, $fold:ident) => {{
        macro_rules! eights {
            ($i:expr, $j:expr) => {{
                let (a, b) = (_mm512_loadu_ps($rows[$i].as_ptr()), _mm512_loadu_ps($rows[$j].as_ptr()));
                $fold(_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0xee>(a, b))
            }};
        }
        macro_rules! fours {
            ($t:expr) => {{
                let (a, b) = (eights!($t, 4 + $t), eights!(8 + $t, 12 + $t));
                $fold(_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b))
            }};
        }
        macro_rules! twos {
            ($t:expr) => {{
                let (a, b) = (_mm512_castps_pd(fours!($t)), _mm512_castps_pd(fours!($t + 1)));
                let (low, high) = (_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
                $fold(_mm512_castpd_ps(low), _mm512_castpd_ps(high))
            }};
        }
        let (a, b) = (twos!(0), twos!(2));
        $fold(_mm512_shuffle_ps::<0x88>(a, b), _mm512_shuffle_ps::<0xdd>(a, b))
    }};
}

impl<const ROUNDS: bool> Vector for Wide<ROUNDS> {
    type F = __m512;
    type H = __m512i;

    #[inline(always)]
    unsafe fn splat(value: f32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_set1_ps(value) }
    }

    #[inline(always)]
    unsafe fn load(from: &[f32; LANES]) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    unsafe fn widened(from: &[bf16; LANES]) -> __m512 {
        // SAFETY: see above.
        unsafe {
            let words = _mm512_cvtepu16_epi32(_mm256_loadu_si256(from.as_ptr().cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(words))
        }
    }

    #[inline(always)]
    unsafe fn store(to: &mut [f32; LANES], value: __m512) {
        // SAFETY: see above.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), value) }
    }

    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn sub(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn div(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_div_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn max(a: __m512, b: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn select(bits: u16, value: __m512, other: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_mask_mov_ps(other, bits, value) }
    }

    #[inline(always)]
    unsafe fn from_exponent(value: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(value))) }
    }

    #[inline(always)]
    unsafe fn narrow(a: __m512, b: __m512) -> __m512i {
        // SAFETY: see above; the types differ in name only.
        unsafe {
            if ROUNDS {
                return transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(b, a));
            }
            let (low, high) = (_mm512_cvtepi32_epi16(rounded(a)), _mm512_cvtepi32_epi16(rounded(b)));
            _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high)
        }
    }

    #[inline(always)]
    unsafe fn load_narrow(from: &[bf16; 2 * LANES]) -> __m512i {
        // SAFETY: see above.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn store_narrow(to: &mut [bf16; 2 * LANES], value: __m512i) {
        // SAFETY: see above.
        unsafe { _mm512_storeu_si512(to.as_mut_ptr().cast(), value) }
    }

    #[inline(always)]
    unsafe fn weave(a: __m512i, b: __m512i) -> [__m512i; 2] {
        /// The value of a, then that of b, from a place on.
        const fn places(first: u16) -> [u16; 32] {
            let (mut places, mut at) = ([0; 32], 0);
            while at < 16 {
                (places[2 * at], places[2 * at + 1]) = (first + at as u16, 32 + first + at as u16);
                at += 1;
            }
            places
        }
        const FIRST: [u16; 32] = places(0);
        const SECOND: [u16; 32] = places(16);
        // SAFETY: see above; as large as what is read.
        unsafe {
            let (first, second) =
                (_mm512_loadu_si512(FIRST.as_ptr().cast()), _mm512_loadu_si512(SECOND.as_ptr().cast()));
            [_mm512_permutex2var_epi16(a, first, b), _mm512_permutex2var_epi16(a, second, b)]
        }
    }

    #[inline(always)]
    unsafe fn sums(rows: &Rows) -> __m512 {
        // SAFETY: see above.
        unsafe { folded!(rows, _mm512_add_ps) }
    }

    #[inline(always)]
    unsafe fn highest(rows: &Rows) -> __m512 {
        // SAFETY: see above.
        unsafe { folded!(rows, _mm512_max_ps) }
    }

    #[inline(always)]
    unsafe fn turn(rows: &mut [__m512i; LANES]) {
        // SAFETY: see above.
        unsafe { *rows = turned(*rows) };
    }
}
