//! A square of words, turned over, in the instructions of AVX-512 and of AVX2.

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

/// The same of AVX2: the first eight words of each row, and the others.
#[inline]
#[target_feature(enable = "avx2")]
pub(crate) fn turned_by_halves(r: [[__m256i; 2]; 16]) -> [[__m256i; 2]; 16] {
    let mut out = r;
    for rows in 0..2 {
        for columns in 0..2 {
            let square = eight_turned(std::array::from_fn(|i| r[8 * rows + i][columns]));
            for (i, row) in square.into_iter().enumerate() {
                out[8 * columns + i][rows] = row;
            }
        }
    }
    out
}

/// Eight rows of eight words as columns.
#[inline]
#[target_feature(enable = "avx2")]
fn eight_turned(r: [__m256i; 8]) -> [__m256i; 8] {
    let mut t = r;
    for i in 0..4 {
        t[2 * i] = _mm256_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm256_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
    }
    let mut u = t;
    for i in 0..2 {
        u[4 * i] = _mm256_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
        u[4 * i + 1] = _mm256_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
        u[4 * i + 2] = _mm256_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
        u[4 * i + 3] = _mm256_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
    }
    for i in 0..4 {
        t[i] = _mm256_permute2x128_si256::<0x20>(u[i], u[4 + i]);
        t[4 + i] = _mm256_permute2x128_si256::<0x31>(u[i], u[4 + i]);
    }
    t
}
