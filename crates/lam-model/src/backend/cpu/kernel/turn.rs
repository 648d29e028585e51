//! A square of words, turned over, in the instructions of AVX-512.

use std::arch::x86_64::*;

/// Rows of 16 words as columns: pairs of rows are woven, then of pairs, then of quarters.
#[inline]
#[target_feature(enable = "avx512f")]
pub(crate) fn turned(r: [__m512i; 16]) -> [__m512i; 16] {
    let mut t = r;
    for i in 0..8 {
        t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    let mut u = t;
    for i in 0..4 {
        u[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        u[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        u[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        u[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    for i in 0..4 {
        let low = _mm512_shuffle_i32x4::<0x88>(u[i], u[4 + i]);
        let low_high = _mm512_shuffle_i32x4::<0xdd>(u[i], u[4 + i]);
        let high = _mm512_shuffle_i32x4::<0x88>(u[8 + i], u[12 + i]);
        let high_high = _mm512_shuffle_i32x4::<0xdd>(u[8 + i], u[12 + i]);
        t[i] = _mm512_shuffle_i32x4::<0x88>(low, high);
        t[4 + i] = _mm512_shuffle_i32x4::<0x88>(low_high, high_high);
        t[8 + i] = _mm512_shuffle_i32x4::<0xdd>(low, high);
        t[12 + i] = _mm512_shuffle_i32x4::<0xdd>(low_high, high_high);
    }
    t
}
