//! Sixteen numbers at a time in the instructions of Arm's processors with products of bf16 and of bytes.

use std::arch::aarch64::*;
use std::arch::asm;

use half::f16;

use super::lanes::{HALVES, Lanes};

/// NEON with `bfdot` and `usdot`, for which stable Rust has no names.
pub(crate) struct Neon;

impl Lanes for Neon {
    const ROWS: usize = 2;
    type F = [float32x4_t; 4];
    type I = [int32x4_t; 4];
    type W = [uint32x4_t; 4];

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self::F {
        // SAFETY: here and below, every Arm of 64 bits has NEON, and the rest is the caller's.
        [unsafe { vdupq_n_f32(value) }; 4]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self::F {
        // SAFETY: see above.
        unsafe { std::array::from_fn(|i| vld1q_f32(from.add(4 * i))) }
    }

    #[inline(always)]
    unsafe fn load_f16(from: *const f16) -> Self::F {
        // SAFETY: see above.
        unsafe {
            std::array::from_fn(|i| {
                let (narrow, wide): (uint16x4_t, float32x4_t);
                narrow = vld1_u16(from.add(4 * i).cast());
                asm!("fcvtl {w:v}.4s, {n:v}.4h", w = out(vreg) wide, n = in(vreg) narrow, options(pure, nomem, nostack));
                wide
            })
        }
    }

    #[inline(always)]
    unsafe fn load_words(from: *const u32) -> Self::W {
        // SAFETY: see above.
        unsafe { std::array::from_fn(|i| vld1q_u32(from.add(4 * i))) }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, value: Self::F) {
        for (i, value) in value.into_iter().enumerate() {
            // SAFETY: see above.
            unsafe { vst1q_f32(to.add(4 * i), value) };
        }
    }

    #[inline(always)]
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F {
        // SAFETY: see above.
        std::array::from_fn(|i| unsafe { vmulq_f32(a[i], b[i]) })
    }

    #[inline(always)]
    unsafe fn fma(a: Self::F, b: Self::F, sum: Self::F) -> Self::F {
        // SAFETY: see above.
        std::array::from_fn(|i| unsafe { vfmaq_f32(sum[i], a[i], b[i]) })
    }

    #[inline(always)]
    unsafe fn dot_bf16(pairs: Self::W, pair: u32, sum: Self::F) -> Self::F {
        // SAFETY: see above.
        unsafe {
            let pair = vdupq_n_u32(pair);
            std::array::from_fn(|i| {
                let mut sum = sum[i];
                asm!(".arch_extension bf16", "bfdot {s:v}.4s, {a:v}.8h, {b:v}.8h", s = inout(vreg) sum,
                    a = in(vreg) pairs[i], b = in(vreg) pair, options(pure, nomem, nostack));
                sum
            })
        }
    }

    #[inline(always)]
    unsafe fn splat_int(value: i32) -> Self::I {
        // SAFETY: see above.
        [unsafe { vdupq_n_s32(value) }; 4]
    }

    #[inline(always)]
    unsafe fn dot_bytes(unsigned: Self::W, signed: u32, sum: Self::I) -> Self::I {
        // SAFETY: see above.
        unsafe {
            let signed = vdupq_n_u32(signed);
            std::array::from_fn(|i| {
                let mut sum = sum[i];
                asm!(".arch_extension i8mm", "usdot {s:v}.4s, {a:v}.16b, {b:v}.16b", s = inout(vreg) sum,
                    a = in(vreg) unsigned[i], b = in(vreg) signed, options(pure, nomem, nostack));
                sum
            })
        }
    }

    #[inline(always)]
    unsafe fn float(value: Self::I) -> Self::F {
        // SAFETY: see above.
        value.map(|value| unsafe { vcvtq_f32_s32(value) })
    }

    #[inline(always)]
    unsafe fn low_halves(words: Self::W) -> Self::W {
        // SAFETY: see above.
        words.map(|words| unsafe { vandq_u32(words, vdupq_n_u32(HALVES)) })
    }

    #[inline(always)]
    unsafe fn high_halves(words: Self::W) -> Self::W {
        // SAFETY: see above.
        words.map(|words| unsafe { vandq_u32(vshrq_n_u32::<4>(words), vdupq_n_u32(HALVES)) })
    }

    #[inline(always)]
    unsafe fn prefetch(_: *const u32) {}
}
