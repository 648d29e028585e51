//! Bytes by Arm's matrix product of unsigned with signed bytes (`usmmla`): two outputs by two rows over eight inputs.

use std::arch::aarch64::*;
use std::arch::asm;

use half::f16;

use super::super::block::{SIDE, Sums};
use super::super::few::TakeRow;
use super::{BLOCK, ByteRows, ROW_WORDS};
use crate::backend::cpu::kernel::lanes::Lanes;
use crate::backend::cpu::kernel::neon::Neon;

/// Outputs of a panel in twos.
const TWOS: usize = SIDE / 2;
/// Eight inputs at a time.
const EIGHTS: usize = BLOCK / 8;
/// Twos of outputs whose sums are in registers at once.
const HELD: usize = 4;

/// A panel's block as `usmmla` wants it: for each eight inputs and two outputs the inputs of the first, then those of the
/// second.
#[repr(align(64))]
struct Right([[[u32; 4]; TWOS]; EIGHTS]);

/// All rows by all panels.
///
/// # Safety
/// The pointers are good for what `job` says, and the processor has `usmmla`.
pub(in super::super) unsafe fn multiply(job: ByteRows, take: &mut TakeRow<'_>) {
    let (mut right, mut factors) = (Right([[[0; 4]; TWOS]; EIGHTS]), [0.0; SIDE]);
    let mut sums = Sums::ZERO;
    for panel in 0..job.count {
        for first in (0..job.rows).step_by(SIDE) {
            let rows = SIDE.min(job.rows - first);
            sums.0[..rows].fill([0.0; SIDE]);
            for block in 0..job.blocks {
                let words = job.panel(panel, block);
                // SAFETY: the caller's, here and below.
                unsafe {
                    lay_factors(&mut factors, words);
                    lay_outputs(&mut right, words.wrapping_add(SIDE / 2));
                }
                let mut row = 0;
                while row < rows {
                    let part = Part { job: &job, block, row: first + row, right: &right, factors: &factors };
                    let sums = &mut sums.0[row..rows];
                    // SAFETY: as above.
                    row += unsafe {
                        match sums.len() {
                            1..=2 => part.add::<1>(sums),
                            3..=6 => part.add::<2>(sums),
                            _ => part.add::<4>(sums),
                        }
                    };
                }
            }
            for (row, sums) in sums.0.iter().enumerate().take(rows) {
                take(panel, first + row, sums);
            }
        }
    }
}

/// The outputs' factors.
unsafe fn lay_factors(out: &mut [f32; SIDE], words: *const u32) {
    for (half, out) in out.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        // SAFETY: the caller's; 32 factors in f16.
        unsafe { Neon::store(out.as_mut_ptr(), Neon::load_f16(words.add(8 * half).cast::<f16>())) };
    }
}

/// The outputs' bytes, [8, 32] quadruples.
unsafe fn lay_outputs(out: &mut Right, words: *const u32) {
    for (eight, out) in out.0.iter_mut().enumerate() {
        for (four, out) in out.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            // SAFETY: the caller's; four outputs of two quadruples.
            unsafe {
                let at = words.add(2 * eight * SIDE + 4 * four);
                let (first, second) = (vld1q_u32(at), vld1q_u32(at.add(SIDE)));
                vst1q_u32(out[0].as_mut_ptr(), vzip1q_u32(first, second));
                vst1q_u32(out[1].as_mut_ptr(), vzip2q_u32(first, second));
            }
        }
    }
}

/// A block of some rows by a panel.
struct Part<'a> {
    job: &'a ByteRows,
    block: usize,
    /// The first row.
    row: usize,
    right: &'a Right,
    factors: &'a [f32; SIDE],
}

impl Part<'_> {
    /// Adds `M` twos of rows, or as many rows as there are sums: sums := whole (factors of the outputs × factor of the row)
    /// + sums. Gives how many rows that were.
    #[inline(always)]
    unsafe fn add<const M: usize>(&self, sums: &mut [[f32; SIDE]]) -> usize {
        let count = sums.len().min(2 * M);
        // SAFETY: the caller's; rows that do not exist can be read.
        unsafe {
            let mut left = [[vdupq_n_u32(0); EIGHTS]; M];
            let mut start = [vdupq_n_s32(0); M];
            for (two, (left, start)) in left.iter_mut().zip(&mut start).enumerate() {
                let (first, second) = (self.row + 2 * two, self.row + 2 * two + 1);
                let bytes = [first, second].map(|row| self.job.bytes(row, self.block));
                for (eight, left) in left.iter_mut().enumerate() {
                    let [a, b] = bytes.map(|bytes| vld1_u32(bytes.add(2 * eight)));
                    *left = vcombine_u32(a, b);
                }
                let [a, b] = [first, second].map(|row| *self.job.factor(row, self.block).add(self.job.blocks) as i32);
                *start = vld1q_s32([a, b, a, b].as_ptr());
            }
            for column in (0..TWOS).step_by(HELD) {
                let mut whole = start.map(|start| [start; HELD]);
                for (eight, right) in self.right.0.iter().enumerate() {
                    let right: [uint32x4_t; HELD] = std::array::from_fn(|j| vld1q_u32(right[column + j].as_ptr()));
                    for (whole, left) in whole.iter_mut().zip(&left) {
                        for (whole, right) in whole.iter_mut().zip(right) {
                            *whole = multiply_add(*whole, right, left[eight]);
                        }
                    }
                }
                for (two, whole) in whole.iter().enumerate() {
                    for four in 0..HELD / 2 {
                        let (a, b) = (whole[2 * four], whole[2 * four + 1]);
                        let at = 2 * column + 4 * four;
                        for (row, whole) in [vuzp1q_s32(a, b), vuzp2q_s32(a, b)].into_iter().enumerate() {
                            let row = 2 * two + row;
                            if row < count {
                                self.finish(row, at, whole, &mut sums[row]);
                            }
                        }
                    }
                }
            }
        }
        count
    }

    /// Adds four outputs of a row to its sums.
    #[inline(always)]
    unsafe fn finish(&self, row: usize, at: usize, whole: int32x4_t, sums: &mut [f32; SIDE]) {
        // SAFETY: the caller's; four outputs from `at` on.
        unsafe {
            let factor = f32::from_bits(*self.job.factor(self.row + row, self.block));
            let factors = vmulq_n_f32(vld1q_f32(self.factors.as_ptr().add(at)), factor);
            let sum = sums.as_mut_ptr().add(at);
            vst1q_f32(sum, vfmaq_f32(vld1q_f32(sum), vcvtq_f32_s32(whole), factors));
        }
    }
}

const _: () = assert!(ROW_WORDS == 2 * EIGHTS);

/// sum + outputs rowsᵀ: two outputs by two rows over eight inputs. Stable Rust has no name for it.
#[inline(always)]
unsafe fn multiply_add(mut sum: int32x4_t, outputs: uint32x4_t, rows: uint32x4_t) -> int32x4_t {
    // SAFETY: the caller's processor has the instruction.
    unsafe {
        asm!(".arch_extension i8mm", "usmmla {s:v}.4s, {a:v}.16b, {b:v}.16b", s = inout(vreg) sum, a = in(vreg) outputs,
            b = in(vreg) rows, options(pure, nomem, nostack, preserves_flags));
    }
    sum
}
