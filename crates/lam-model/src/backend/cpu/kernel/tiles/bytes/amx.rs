//! Bytes on the processor's tiles.

use std::arch::asm;
use std::arch::x86_64::*;

use super::super::block::{SIDE, Sums};
use super::super::few::TakeRow;
use super::super::hardware::{Config, tiles};
use super::{BLOCK, ByteRows};

/// Tiles 0 to 3 are sums of 16 × 16, 4 and 5 the left side, 16 rows of a block; 6 and 7 the right side, 8 quadruples by
/// 16 outputs.
static BLOCKS: Config =
    Config::new([64, 64, 64, 64, BLOCK as u16, BLOCK as u16, 64, 64], [16, 16, 16, 16, 16, 16, 8, 8]);

/// A block's sums of 32 rows by 32 outputs.
#[repr(align(64))]
struct Whole([[i32; SIDE]; SIDE]);

/// All rows by all panels.
///
/// # Safety
/// The pointers are good for what `job` says, and the processor has these tiles.
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,f16c")]
pub(in super::super) unsafe fn multiply(job: ByteRows, take: &mut TakeRow<'_>) {
    let mut whole = [Whole([[0; SIDE]; SIDE]), Whole([[0; SIDE]; SIDE])];
    let mut sums = Sums::ZERO;
    // SAFETY: the caller's, here and below.
    unsafe { tiles!("ldtilecfg [{}]", in(reg) &raw const BLOCKS) };
    for panel in 0..job.count {
        for first in (0..job.rows).step_by(SIDE) {
            let rows = SIDE.min(job.rows - first);
            sums.0[..rows].fill([0.0; SIDE]);
            // The tiles sum a block while the vectors finish the one before.
            for block in 0..=job.blocks {
                // SAFETY: as above.
                unsafe {
                    if block < job.blocks {
                        let (left, right) = (job.bytes(first, block), job.panel(panel, block).wrapping_add(SIDE / 2));
                        multiply_block(left, 4 * job.left_stride, right, rows > 16, &mut whole[block % 2]);
                    }
                    if let Some(before) = block.checked_sub(1) {
                        let first = job.factor(first, before);
                        let beside = Beside { first, stride: job.left_stride, blocks: job.blocks };
                        finish(&whole[before % 2], job.panel(panel, before), beside, &mut sums, rows);
                    }
                }
            }
            for (row, sums) in sums.0.iter().enumerate().take(rows) {
                take(panel, first + row, sums);
            }
        }
    }
    // SAFETY: as above.
    unsafe { tiles!("tilerelease") };
}

/// A block's sums of up to 16 or 32 rows.
#[inline(always)]
unsafe fn multiply_block(left: *const u32, left_stride: usize, right: *const u32, tall: bool, whole: &mut Whole) {
    let (right_stride, to) = (4 * SIDE, whole.0.as_mut_ptr());
    // SAFETY: the caller's.
    unsafe {
        tiles!(
            "tilezero tmm0",
            "tilezero tmm1",
            "tileloadd tmm6, [{right} + {right_stride}*1]",
            "tileloadd tmm4, [{left} + {left_stride}*1]",
            "tdpbsud tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{right} + {right_stride}*1 + 64]",
            "tdpbsud tmm1, tmm4, tmm7",
            "tilestored [{to} + {right_stride}*1], tmm0",
            "tilestored [{to} + {right_stride}*1 + 64], tmm1",
            left = in(reg) left,
            left_stride = in(reg) left_stride,
            right = in(reg) right,
            right_stride = in(reg) right_stride,
            to = in(reg) to
        );
        if tall {
            tiles!(
                "tilezero tmm2",
                "tilezero tmm3",
                "tileloadd tmm6, [{right} + {right_stride}*1]",
                "tileloadd tmm5, [{left} + {left_stride}*1]",
                "tdpbsud tmm2, tmm5, tmm6",
                "tileloadd tmm7, [{right} + {right_stride}*1 + 64]",
                "tdpbsud tmm3, tmm5, tmm7",
                "tilestored [{to} + {right_stride}*1], tmm2",
                "tilestored [{to} + {right_stride}*1 + 64], tmm3",
                left = in(reg) left.wrapping_byte_add(16 * left_stride),
                left_stride = in(reg) left_stride,
                right = in(reg) right,
                right_stride = in(reg) right_stride,
                to = in(reg) to.wrapping_add(16)
            );
        }
    }
}

/// What stands beside a block's bytes: the factor of the first row; what is to be added stands `blocks` words on.
#[derive(Clone, Copy)]
struct Beside {
    first: *const u32,
    stride: usize,
    blocks: usize,
}

/// sums := whole (factors of the outputs × factor of the row) + sums.
#[inline]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma,f16c")]
unsafe fn finish(whole: &Whole, factors: *const u32, beside: Beside, sums: &mut Sums, rows: usize) {
    // SAFETY: the caller's.
    unsafe {
        let factors = [0, 8].map(|words| _mm512_cvtph_ps(_mm256_loadu_si256(factors.add(words).cast())));
        for (row, (whole, sums)) in whole.0.iter().zip(&mut sums.0).enumerate().take(rows) {
            let at = beside.first.add(row * beside.stride);
            let (factor, start) =
                (_mm512_set1_ps(f32::from_bits(*at)), _mm512_set1_epi32(*at.add(beside.blocks) as i32));
            for (half, factors) in factors.into_iter().enumerate() {
                let whole = _mm512_add_epi32(_mm512_load_si512(whole.as_ptr().add(16 * half).cast()), start);
                let sum = sums.as_mut_ptr().add(16 * half);
                let factor = _mm512_mul_ps(factors, factor);
                _mm512_store_ps(sum, _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole), factor, _mm512_load_ps(sum)));
            }
        }
    }
}
