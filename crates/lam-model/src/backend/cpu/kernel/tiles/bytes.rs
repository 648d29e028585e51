//! Rows of bytes by panels of bytes, in blocks of 32 that each have a factor: on the processor's tiles, where whole
//! numbers are summed exactly, so that the results are those of products of bytes by vectors, bit for bit.

use std::arch::asm;
use std::arch::x86_64::*;

use super::block::{SIDE, Sums};
use super::few::TakeRow;
use super::hardware::{Config, tiles};

/// Inputs of a block.
const BLOCK: usize = 32;
/// Words of a block of a row, and of a block of a panel behind its factors.
const ROW_WORDS: usize = BLOCK / 4;
/// Words of a panel's block: 32 factors in f16, then [8, 32] quadruples of bytes.
const PANEL_WORDS: usize = SIDE / 2 + ROW_WORDS * SIDE;

/// Rows by panels of 32 outputs. A row has, in words, its blocks' bytes (signed), their factors (f32), and what is to be
/// added to each block's sum (i32); a panel's bytes are unsigned.
#[derive(Clone, Copy)]
pub(crate) struct ByteRows {
    /// Whole tiles of 16 rows can be read from there.
    pub(crate) left: *const u32,
    /// Words from row to row.
    pub(crate) left_stride: usize,
    pub(crate) rows: usize,
    pub(crate) panels: *const u32,
    /// How many panels, one after the other.
    pub(crate) count: usize,
    /// Blocks of a row.
    pub(crate) blocks: usize,
}

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
pub(super) unsafe fn hardware(job: ByteRows, take: &mut TakeRow<'_>) {
    let mut whole = [Whole([[0; SIDE]; SIDE]), Whole([[0; SIDE]; SIDE])];
    let mut sums = Sums::ZERO;
    // SAFETY: the caller's, here and below.
    unsafe { tiles!("ldtilecfg [{}]", in(reg) &raw const BLOCKS) };
    for panel in 0..job.count {
        let panel_words = job.panels.wrapping_add(panel * job.blocks * PANEL_WORDS);
        for first in (0..job.rows).step_by(SIDE) {
            let rows = SIDE.min(job.rows - first);
            let left = job.left.wrapping_add(first * job.left_stride);
            sums.0[..rows].fill([0.0; SIDE]);
            // The tiles sum a block while the vectors finish the one before.
            for block in 0..=job.blocks {
                // SAFETY: as above.
                unsafe {
                    if block < job.blocks {
                        let right = panel_words.wrapping_add(block * PANEL_WORDS + SIDE / 2);
                        let left = left.wrapping_add(block * ROW_WORDS);
                        multiply(left, 4 * job.left_stride, right, rows > 16, &mut whole[block % 2]);
                    }
                    if let Some(before) = block.checked_sub(1) {
                        let factors = panel_words.wrapping_add(before * PANEL_WORDS);
                        // Behind a row's bytes.
                        let beside = left.wrapping_add(job.blocks * ROW_WORDS + before);
                        let beside = Beside { first: beside, stride: job.left_stride, blocks: job.blocks };
                        finish(&whole[before % 2], factors, beside, &mut sums, rows);
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
unsafe fn multiply(left: *const u32, left_stride: usize, right: *const u32, tall: bool, whole: &mut Whole) {
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
