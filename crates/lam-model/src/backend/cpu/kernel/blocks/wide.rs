//! The same in the instructions of AVX-512, a group in a register. All are safe to call where there is AVX-512.

use std::arch::x86_64::*;

use half::bf16;

use super::{BlockForm, Blocks, GROUP, scale_and_minimum};
use crate::backend::cpu::kernel::vector::{Vector, Wide};

/// A number in f16, sixteen times.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
fn half(bytes: &[u8]) -> __m512 {
    _mm512_cvtph_ps(_mm256_set1_epi16(i16::from_le_bytes([bytes[0], bytes[1]])))
}

/// Two times sixteen numbers in bf16.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
fn narrow(values: [__m512; 2]) -> __m512i {
    // SAFETY: nothing but what the function enables.
    unsafe { Wide::<false>::narrow(values[0], values[1]) }
}

/// scale × nibble + offset: separate roundings, as everywhere.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
fn scaled(nibbles: [__m512i; 2], scale: __m512, offset: __m512) -> __m512i {
    narrow(nibbles.map(|nibbles| {
        let nibbles = _mm512_and_si512(nibbles, _mm512_set1_epi32(15));
        _mm512_add_ps(_mm512_mul_ps(scale, _mm512_cvtepi32_ps(nibbles)), offset)
    }))
}

/// Sixteen bytes as words.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
fn words(bytes: &[u8]) -> __m512i {
    let bytes = &bytes[..16];
    // SAFETY: there are sixteen.
    _mm512_cvtepu8_epi32(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
}

/// The values of a group.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
pub(in super::super) fn group(blocks: &Blocks, group: usize) -> __m512i {
    let block = |values: usize| {
        let size = blocks.form.size().1;
        &blocks.bytes[group * GROUP / values * size..][..size]
    };
    match blocks.form {
        BlockForm::Q8_0 => {
            let block = block(GROUP);
            let (scale, quants) = (half(block), &block[2..]);
            narrow([0, 16].map(|first| {
                let quants = &quants[first..first + 16];
                // SAFETY: there are sixteen.
                let quants = unsafe { _mm_loadu_si128(quants.as_ptr().cast()) };
                _mm512_mul_ps(scale, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(quants)))
            }))
        }
        BlockForm::Q4_0 => {
            let block = block(GROUP);
            let (scale, quants) = (half(block), words(&block[2..]));
            let offset = _mm512_mul_ps(_mm512_set1_ps(-8.0), scale);
            scaled([quants, _mm512_srli_epi32::<4>(quants)], scale, offset)
        }
        BlockForm::Q4K => {
            let block = block(8 * GROUP);
            let inner = group % 8;
            let (scale, minimum) = scale_and_minimum(&block[4..16], inner);
            let [scale, minimum] = [(0, scale), (2, minimum)]
                .map(|(at, factor)| _mm512_mul_ps(half(&block[at..]), _mm512_set1_ps(f32::from(factor))));
            let quants = &block[16 + inner / 2 * GROUP..][..GROUP];
            let shift = _mm_cvtsi32_si128(inner as i32 % 2 * 4);
            let nibbles = [0, 16].map(|first| _mm512_srl_epi32(words(&quants[first..]), shift));
            scaled(nibbles, scale, _mm512_xor_ps(minimum, _mm512_set1_ps(-0.0)))
        }
    }
}

/// Whole groups from a group on.
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2")]
pub(super) fn expand(blocks: &Blocks, first: usize, out: &mut [[bf16; GROUP]]) {
    for (number, out) in out.iter_mut().enumerate() {
        // SAFETY: a group is as long as a register.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), group(blocks, first + number)) };
    }
}
