//! Sixteen numbers at a time, in the instructions of one processor level. What is written over [`Lanes`] is compiled
//! once for each level and must be inlined into a function that enables the level's instructions.

use half::f16;

/// The operations of a level. All are unsafe because they may be run only where the processor has the level, and
/// because those that take a pointer read or write sixteen numbers at it.
pub(crate) trait Lanes {
    /// Rows of a tile whose sums fit in the registers.
    const ROWS: usize;
    /// Sixteen f32.
    type F: Copy;
    /// Sixteen i32.
    type I: Copy;
    /// Sixteen words: pairs of bf16, or quadruples of bytes.
    type W: Copy;
    unsafe fn splat(value: f32) -> Self::F;
    unsafe fn load(from: *const f32) -> Self::F;
    unsafe fn load_f16(from: *const f16) -> Self::F;
    unsafe fn load_words(from: *const u32) -> Self::W;
    unsafe fn store(to: *mut f32, value: Self::F);
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F;
    /// a b + sum.
    unsafe fn fma(a: Self::F, b: Self::F, sum: Self::F) -> Self::F;
    /// Adds the products of two pairs of bf16 to each sum.
    unsafe fn dot_bf16(pairs: Self::W, pair: u32, sum: Self::F) -> Self::F;
    unsafe fn splat_int(value: i32) -> Self::I;
    /// Adds the products of four unsigned with four signed bytes to each sum.
    unsafe fn dot_bytes(unsigned: Self::W, signed: u32, sum: Self::I) -> Self::I;
    unsafe fn float(value: Self::I) -> Self::F;
    /// The low four bits of every byte.
    unsafe fn low_halves(words: Self::W) -> Self::W;
    /// The high four bits of every byte.
    unsafe fn high_halves(words: Self::W) -> Self::W;
    /// Asks for the cache line at an address, which need not be valid.
    unsafe fn prefetch(from: *const u32);
}

/// The low half of every byte of a word.
pub(super) const HALVES: u32 = 0x0f0f_0f0f;

/// Arrays, which the compiler puts into whatever registers are enabled. `FUSED`: multiply and add in one rounding.
pub(crate) struct Portable<const FUSED: bool, const ROWS: usize>;

impl<const FUSED: bool, const ROWS: usize> Lanes for Portable<FUSED, ROWS> {
    const ROWS: usize = ROWS;
    type F = [f32; 16];
    type I = [i32; 16];
    type W = [u32; 16];

    #[inline(always)]
    unsafe fn splat(value: f32) -> [f32; 16] {
        [value; 16]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> [f32; 16] {
        // SAFETY: the caller's.
        unsafe { from.cast::<[f32; 16]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const f16) -> [f32; 16] {
        // SAFETY: the caller's.
        unsafe { from.cast::<[f16; 16]>().read_unaligned() }.map(f16::to_f32)
    }

    #[inline(always)]
    unsafe fn load_words(from: *const u32) -> [u32; 16] {
        // SAFETY: the caller's.
        unsafe { from.cast::<[u32; 16]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, value: [f32; 16]) {
        // SAFETY: the caller's.
        unsafe { to.cast::<[f32; 16]>().write_unaligned(value) }
    }

    #[inline(always)]
    unsafe fn mul(a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        std::array::from_fn(|i| a[i] * b[i])
    }

    #[inline(always)]
    unsafe fn fma(a: [f32; 16], b: [f32; 16], sum: [f32; 16]) -> [f32; 16] {
        std::array::from_fn(|i| if FUSED { a[i].mul_add(b[i], sum[i]) } else { a[i] * b[i] + sum[i] })
    }

    #[inline(always)]
    unsafe fn dot_bf16(pairs: [u32; 16], pair: u32, sum: [f32; 16]) -> [f32; 16] {
        let (low, high) = (|word: u32| f32::from_bits(word << 16), |word: u32| f32::from_bits(word & 0xffff_0000));
        // SAFETY: arrays only.
        unsafe {
            let sum = Self::fma(pairs.map(low), [low(pair); 16], sum);
            Self::fma(pairs.map(high), [high(pair); 16], sum)
        }
    }

    #[inline(always)]
    unsafe fn splat_int(value: i32) -> [i32; 16] {
        [value; 16]
    }

    #[inline(always)]
    unsafe fn dot_bytes(unsigned: [u32; 16], signed: u32, mut sum: [i32; 16]) -> [i32; 16] {
        for byte in 0..4 {
            let factor = i32::from((signed >> (8 * byte)) as u8 as i8);
            for (sum, word) in sum.iter_mut().zip(unsigned) {
                *sum += ((word >> (8 * byte)) & 0xff) as i32 * factor;
            }
        }
        sum
    }

    #[inline(always)]
    unsafe fn float(value: [i32; 16]) -> [f32; 16] {
        value.map(|value| value as f32)
    }

    #[inline(always)]
    unsafe fn low_halves(words: [u32; 16]) -> [u32; 16] {
        words.map(|word| word & HALVES)
    }

    #[inline(always)]
    unsafe fn high_halves(words: [u32; 16]) -> [u32; 16] {
        words.map(|word| word >> 4 & HALVES)
    }

    #[inline(always)]
    unsafe fn prefetch(_: *const u32) {}
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::Native;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;
    use std::mem::transmute;

    use super::{HALVES, Lanes, f16};

    /// AVX-512 with products of bytes, and of bf16: pairs in one instruction, or by two multiply-adds as everywhere.
    pub(crate) struct Native<const PAIRS: bool>;

    impl<const PAIRS: bool> Lanes for Native<PAIRS> {
        const ROWS: usize = 8;
        type F = __m512;
        type I = __m512i;
        type W = __m512i;

        #[inline(always)]
        unsafe fn splat(value: f32) -> __m512 {
            // SAFETY: here and below, the caller's.
            unsafe { _mm512_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m512 {
            // SAFETY: see above.
            unsafe { _mm512_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn load_f16(from: *const f16) -> __m512 {
            // SAFETY: see above.
            unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) }
        }

        #[inline(always)]
        unsafe fn load_words(from: *const u32) -> __m512i {
            // SAFETY: see above.
            unsafe { _mm512_loadu_si512(from.cast()) }
        }

        #[inline(always)]
        unsafe fn store(to: *mut f32, value: __m512) {
            // SAFETY: see above.
            unsafe { _mm512_storeu_ps(to, value) }
        }

        #[inline(always)]
        unsafe fn mul(a: __m512, b: __m512) -> __m512 {
            // SAFETY: see above.
            unsafe { _mm512_mul_ps(a, b) }
        }

        #[inline(always)]
        unsafe fn fma(a: __m512, b: __m512, sum: __m512) -> __m512 {
            // SAFETY: see above.
            unsafe { _mm512_fmadd_ps(a, b, sum) }
        }

        #[inline(always)]
        unsafe fn dot_bf16(pairs: __m512i, pair: u32, sum: __m512) -> __m512 {
            // SAFETY: see above; the types differ in name only.
            unsafe {
                if !PAIRS {
                    let upper = _mm512_set1_epi32(0xffff_0000_u32 as i32);
                    let low = |words: __m512i| _mm512_castsi512_ps(_mm512_slli_epi32::<16>(words));
                    let high = |words: __m512i| _mm512_castsi512_ps(_mm512_and_si512(words, upper));
                    let pair = _mm512_set1_epi32(pair as i32);
                    return _mm512_fmadd_ps(high(pairs), high(pair), _mm512_fmadd_ps(low(pairs), low(pair), sum));
                }
                let pair = transmute::<__m512i, __m512bh>(_mm512_set1_epi32(pair as i32));
                _mm512_dpbf16_ps(sum, transmute::<__m512i, __m512bh>(pairs), pair)
            }
        }

        #[inline(always)]
        unsafe fn splat_int(value: i32) -> __m512i {
            // SAFETY: see above.
            unsafe { _mm512_set1_epi32(value) }
        }

        #[inline(always)]
        unsafe fn dot_bytes(unsigned: __m512i, signed: u32, sum: __m512i) -> __m512i {
            // SAFETY: see above.
            unsafe { _mm512_dpbusd_epi32(sum, unsigned, _mm512_set1_epi32(signed as i32)) }
        }

        #[inline(always)]
        unsafe fn float(value: __m512i) -> __m512 {
            // SAFETY: see above.
            unsafe { _mm512_cvtepi32_ps(value) }
        }

        #[inline(always)]
        unsafe fn low_halves(words: __m512i) -> __m512i {
            // SAFETY: see above.
            unsafe { _mm512_and_si512(words, _mm512_set1_epi32(HALVES as i32)) }
        }

        #[inline(always)]
        unsafe fn high_halves(words: __m512i) -> __m512i {
            // SAFETY: see above.
            unsafe { _mm512_and_si512(_mm512_srli_epi32(words, 4), _mm512_set1_epi32(HALVES as i32)) }
        }

        #[inline(always)]
        unsafe fn prefetch(from: *const u32) {
            // SAFETY: see above.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
        }
    }
}
