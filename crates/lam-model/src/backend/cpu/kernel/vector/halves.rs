//! Vectors of AVX2, in two registers.

use std::arch::x86_64::*;

use half::bf16;

use super::super::turn::turned_by_halves;
use super::{LANES, Rows, Vector};

/// AVX2 and FMA: the first eight numbers, and the others.
pub(crate) struct Halves;

/// Rounds to the nearest bf16, ties to even; the result stands in the lower half of each word. What is too small to be
/// normal counts as zero, as in the processors' own conversion.
#[inline(always)]
unsafe fn rounded(value: __m256) -> __m256i {
    // SAFETY: here and below, the caller's.
    unsafe {
        let bits = _mm256_castps_si256(value);
        let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(bits), _mm256_set1_epi32(1));
        let up = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
        let exponent = _mm256_and_si256(bits, _mm256_set1_epi32(0x7f80_0000));
        let small = _mm256_cmpeq_epi32(exponent, _mm256_setzero_si256());
        let kept = _mm256_andnot_si256(_mm256_and_si256(small, _mm256_set1_epi32(0x7fff_ffff)), up);
        let none = _mm256_or_si256(bits, _mm256_set1_epi32(0x40_0000));
        let is_none = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(value, value));
        _mm256_srli_epi32::<16>(_mm256_blendv_epi8(kept, none, is_none))
    }
}

/// The first halves of both, and the second ones.
#[inline(always)]
unsafe fn put_in_order(a: __m256i, b: __m256i) -> [__m256i; 2] {
    // SAFETY: see above.
    unsafe { [_mm256_permute2x128_si256::<0x20>(a, b), _mm256_permute2x128_si256::<0x31>(a, b)] }
}

/// Eight rows from a row on folded to a number each. Order: lanes eight apart, four, two, one. Macros, because a closure
/// has none of the instructions that its surroundings may use.
macro_rules! folded {
    ($rows:ident, $first:expr, $fold:ident) => {{
        macro_rules! eights {
            ($i:expr) => {{
                let row = &$rows[$first + $i];
                $fold(_mm256_loadu_ps(row.as_ptr()), _mm256_loadu_ps(row[8..].as_ptr()))
            }};
        }
        macro_rules! fours {
            ($i:expr) => {{
                let (a, b) = (eights!($i), eights!($i + 4));
                $fold(_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b))
            }};
        }
        macro_rules! twos {
            ($i:expr) => {{
                let (a, b) = (_mm256_castps_pd(fours!($i)), _mm256_castps_pd(fours!($i + 1)));
                let (low, high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
                $fold(_mm256_castpd_ps(low), _mm256_castpd_ps(high))
            }};
        }
        let (a, b) = (twos!(0), twos!(2));
        $fold(_mm256_shuffle_ps::<0x88>(a, b), _mm256_shuffle_ps::<0xdd>(a, b))
    }};
}

/// The same done with both halves.
macro_rules! both {
    ($operation:ident, $($value:ident),+) => {
        // SAFETY: the caller's.
        unsafe { [$operation($($value[0]),+), $operation($($value[1]),+)] }
    };
}

impl Vector for Halves {
    type F = [__m256; 2];
    type H = [__m256i; 2];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::F {
        // SAFETY: see above.
        unsafe { [_mm256_set1_ps(value); 2] }
    }

    #[inline(always)]
    unsafe fn load(from: &[f32; LANES]) -> Self::F {
        // SAFETY: see above.
        unsafe { [_mm256_loadu_ps(from.as_ptr()), _mm256_loadu_ps(from[8..].as_ptr())] }
    }

    #[inline(always)]
    unsafe fn widened(from: &[bf16; LANES]) -> Self::F {
        // SAFETY: see above.
        unsafe {
            let low = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.as_ptr().cast()));
            let high = _mm256_cvtepu16_epi32(_mm_loadu_si128(from[8..].as_ptr().cast()));
            [_mm256_castsi256_ps(_mm256_slli_epi32::<16>(low)), _mm256_castsi256_ps(_mm256_slli_epi32::<16>(high))]
        }
    }

    #[inline(always)]
    unsafe fn store(to: &mut [f32; LANES], value: Self::F) {
        // SAFETY: see above.
        unsafe {
            _mm256_storeu_ps(to.as_mut_ptr(), value[0]);
            _mm256_storeu_ps(to[8..].as_mut_ptr(), value[1]);
        }
    }

    #[inline(always)]
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F {
        both!(_mm256_add_ps, a, b)
    }

    #[inline(always)]
    unsafe fn sub(a: Self::F, b: Self::F) -> Self::F {
        both!(_mm256_sub_ps, a, b)
    }

    #[inline(always)]
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F {
        both!(_mm256_mul_ps, a, b)
    }

    #[inline(always)]
    unsafe fn div(a: Self::F, b: Self::F) -> Self::F {
        both!(_mm256_div_ps, a, b)
    }

    #[inline(always)]
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        both!(_mm256_fmadd_ps, a, b, c)
    }

    #[inline(always)]
    unsafe fn max(a: Self::F, b: Self::F) -> Self::F {
        both!(_mm256_max_ps, a, b)
    }

    #[inline(always)]
    unsafe fn select(bits: u16, value: Self::F, other: Self::F) -> Self::F {
        // SAFETY: see above.
        unsafe {
            let lanes = _mm256_set_epi32(128, 64, 32, 16, 8, 4, 2, 1);
            let set = [_mm256_set1_epi32(bits.into()), _mm256_set1_epi32((bits >> 8).into())];
            let set = [_mm256_and_si256(set[0], lanes), _mm256_and_si256(set[1], lanes)];
            let masks = [
                _mm256_castsi256_ps(_mm256_cmpeq_epi32(set[0], lanes)),
                _mm256_castsi256_ps(_mm256_cmpeq_epi32(set[1], lanes)),
            ];
            [_mm256_blendv_ps(other[0], value[0], masks[0]), _mm256_blendv_ps(other[1], value[1], masks[1])]
        }
    }

    #[inline(always)]
    unsafe fn from_exponent(value: Self::F) -> Self::F {
        let [low, high] = both!(_mm256_castps_si256, value);
        // SAFETY: see above.
        unsafe {
            [_mm256_castsi256_ps(_mm256_slli_epi32::<23>(low)), _mm256_castsi256_ps(_mm256_slli_epi32::<23>(high))]
        }
    }

    #[inline(always)]
    unsafe fn narrow(a: Self::F, b: Self::F) -> Self::H {
        // SAFETY: see above. Words are packed half by half of a register, so that quarters are put in order.
        unsafe {
            [
                _mm256_permute4x64_epi64::<0xd8>(_mm256_packus_epi32(rounded(a[0]), rounded(a[1]))),
                _mm256_permute4x64_epi64::<0xd8>(_mm256_packus_epi32(rounded(b[0]), rounded(b[1]))),
            ]
        }
    }

    #[inline(always)]
    unsafe fn load_narrow(from: &[bf16; 2 * LANES]) -> Self::H {
        // SAFETY: see above.
        unsafe { [_mm256_loadu_si256(from.as_ptr().cast()), _mm256_loadu_si256(from[LANES..].as_ptr().cast())] }
    }

    #[inline(always)]
    unsafe fn store_narrow(to: &mut [bf16; 2 * LANES], value: Self::H) {
        // SAFETY: see above.
        unsafe {
            _mm256_storeu_si256(to.as_mut_ptr().cast(), value[0]);
            _mm256_storeu_si256(to[LANES..].as_mut_ptr().cast(), value[1]);
        }
    }

    #[inline(always)]
    unsafe fn weave(a: Self::H, b: Self::H) -> [Self::H; 2] {
        let (low, high) = (both!(_mm256_unpacklo_epi16, a, b), both!(_mm256_unpackhi_epi16, a, b));
        // SAFETY: see above. Each half of a register is woven by itself, so that halves are put in order.
        unsafe { [put_in_order(low[0], high[0]), put_in_order(low[1], high[1])] }
    }

    #[inline(always)]
    unsafe fn sums(rows: &Rows) -> Self::F {
        // SAFETY: see above.
        unsafe { [folded!(rows, 0, _mm256_add_ps), folded!(rows, 8, _mm256_add_ps)] }
    }

    #[inline(always)]
    unsafe fn highest(rows: &Rows) -> Self::F {
        // SAFETY: see above.
        unsafe { [folded!(rows, 0, _mm256_max_ps), folded!(rows, 8, _mm256_max_ps)] }
    }

    #[inline(always)]
    unsafe fn turn(rows: &mut [Self::H; LANES]) {
        // SAFETY: see above.
        unsafe { *rows = turned_by_halves(*rows) };
    }
}
