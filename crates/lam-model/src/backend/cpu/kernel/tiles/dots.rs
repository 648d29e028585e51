//! Tiles by Arm's matrix product of bf16 (`bfmmla`), in the order of sums of its dot product of pairs (`bfdot`): one chain
//! from pair to pair.
//!
//! C = ro(C + ro(a₀ b₀ + a₁ b₁)), where `ro` rounds what is not exact to the neighbour whose last bit is 1, and numbers too
//! small to be normal count as zero, going in and coming out. So Arm defines both instructions where the bit EBF of FPCR is
//! 0, as it is when a process starts; nothing here sets it. The one takes two rows by two columns over two pairs and gives
//! what the other gives in two steps.

use std::arch::aarch64::*;
use std::arch::asm;

use super::block::{SIDE, STEP, Side, Tiles};

/// Rows, or columns, in twos.
const TWOS: usize = SIDE / 2;
/// Two pairs at a time.
const FOURS: usize = STEP / 4;
/// Twos of rows and of columns whose sums are in registers at once.
const HELD: usize = 4;

/// Such tiles.
pub(super) struct Dots(Box<Blocks>);

/// Their sums, and both sides of a step as the instruction wants them.
#[repr(align(64))]
struct Blocks {
    /// For each two rows and two columns the first row's, then the second row's.
    sums: [[[f32; 4]; TWOS]; TWOS],
    /// For each two pairs and two rows the pairs of the first row, then those of the second.
    left: [[[u32; 4]; TWOS]; FOURS],
    /// The same of columns.
    right: [[[u32; 4]; TWOS]; FOURS],
}

impl Tiles for Dots {
    #[inline(always)]
    unsafe fn start() -> Self {
        Self(Box::new(Blocks {
            sums: [[[0.0; 4]; TWOS]; TWOS],
            left: [[[0; 4]; TWOS]; FOURS],
            right: [[[0; 4]; TWOS]; FOURS],
        }))
    }

    #[inline(always)]
    unsafe fn finish(self) {}

    #[inline(always)]
    unsafe fn clear(&mut self) {
        self.0.sums = [[[0.0; 4]; TWOS]; TWOS];
    }

    #[inline(always)]
    unsafe fn resume(&mut self, from: *const f32) {
        for (two, sums) in self.0.sums.iter_mut().enumerate() {
            let row = from.wrapping_add(2 * two * SIDE);
            for (column, sums) in sums.as_chunks_mut::<2>().0.iter_mut().enumerate() {
                // SAFETY: the caller's; four columns of two rows.
                unsafe {
                    let (first, second) = (row.add(4 * column), row.add(SIDE + 4 * column));
                    let turned = turned(vld1q_f32(first), vld1q_f32(second));
                    sums.iter_mut().zip(turned).for_each(|(sums, turned)| vst1q_f32(sums.as_mut_ptr(), turned));
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn step(&mut self, left: Side, right: Side, rows: usize) {
        let (twos, blocks) = (rows.div_ceil(2), &mut *self.0);
        // SAFETY: the caller's; the blocks hold 16 twos of each side.
        unsafe {
            lay_rows(&mut blocks.left, left, twos);
            lay_columns(&mut blocks.right, right);
            let mut first = 0;
            while first + 4 <= twos {
                add::<4>(blocks, first);
                first += 4;
            }
            if first + 2 <= twos {
                add::<2>(blocks, first);
                first += 2;
            }
            if first < twos {
                add::<1>(blocks, first);
            }
        }
    }

    #[inline(always)]
    unsafe fn put<const TALL: bool>(&mut self, to: *mut f32, stride: usize) {
        let twos = if TALL { TWOS } else { TWOS / 2 };
        for (two, sums) in self.0.sums.iter().enumerate().take(twos) {
            let row = to.wrapping_add(2 * two * stride);
            for (column, sums) in sums.as_chunks::<2>().0.iter().enumerate() {
                // SAFETY: the caller's; four columns of two rows.
                unsafe {
                    let [first, second] = turned(vld1q_f32(sums[0].as_ptr()), vld1q_f32(sums[1].as_ptr()));
                    vst1q_f32(row.add(4 * column), first);
                    vst1q_f32(row.add(stride + 4 * column), second);
                }
            }
        }
    }
}

/// The first halves of both, then their second halves: two rows of four columns become two blocks of two by two, and back.
#[inline(always)]
unsafe fn turned(a: float32x4_t, b: float32x4_t) -> [float32x4_t; 2] {
    // SAFETY: every Arm of 64 bits has NEON.
    unsafe {
        let (a, b) = (vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b));
        [vreinterpretq_f32_f64(vtrn1q_f64(a, b)), vreinterpretq_f32_f64(vtrn2q_f64(a, b))]
    }
}

/// So many twos of rows of a step, 16 pairs each, as `bfmmla` wants them.
#[inline(always)]
unsafe fn lay_rows(out: &mut [[[u32; 4]; TWOS]; FOURS], left: Side, twos: usize) {
    for two in 0..twos {
        let row = 2 * two;
        let at = left.at.wrapping_add(row / 16 * left.tile + row % 16 * left.row);
        for (number, out) in out.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            // SAFETY: the caller's; a tile has both rows, each of 64 bytes.
            unsafe {
                let a = vld1q_u64(at.add(16 * number).cast());
                let b = vld1q_u64(at.add(left.row + 16 * number).cast());
                vst1q_u64(out[0][two].as_mut_ptr().cast(), vtrn1q_u64(a, b));
                vst1q_u64(out[1][two].as_mut_ptr().cast(), vtrn2q_u64(a, b));
            }
        }
    }
}

/// The columns of a step, 16 pairs each, as `bfmmla` wants them.
#[inline(always)]
unsafe fn lay_columns(out: &mut [[[u32; 4]; TWOS]; FOURS], right: Side) {
    for (four, out) in out.iter_mut().enumerate() {
        for (column, out) in out.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let at = right.at.wrapping_add(column / 4 * right.tile + 2 * four * right.row + column % 4 * 16);
            // SAFETY: the caller's; each of the two tiles has 16 columns of 16 pairs.
            unsafe {
                let (first, second) = (vld1q_u32(at.cast()), vld1q_u32(at.add(right.row).cast()));
                vst1q_u32(out[0].as_mut_ptr(), vzip1q_u32(first, second));
                vst1q_u32(out[1].as_mut_ptr(), vzip2q_u32(first, second));
            }
        }
    }
}

/// Adds the products of `M` twos of rows, from `first` on, by all columns.
#[inline(always)]
unsafe fn add<const M: usize>(blocks: &mut Blocks, first: usize) {
    for column in (0..TWOS).step_by(HELD) {
        // SAFETY: inside the blocks; the caller's processor has the instruction.
        unsafe {
            let mut sums: [[float32x4_t; HELD]; M] = std::array::from_fn(|i| {
                std::array::from_fn(|j| vld1q_f32(blocks.sums[first + i][column + j].as_ptr()))
            });
            for (left, right) in blocks.left.iter().zip(&blocks.right) {
                let left: [uint32x4_t; M] = std::array::from_fn(|i| vld1q_u32(left[first + i].as_ptr()));
                let right: [uint32x4_t; HELD] = std::array::from_fn(|j| vld1q_u32(right[column + j].as_ptr()));
                for (sums, left) in sums.iter_mut().zip(left) {
                    for (sum, right) in sums.iter_mut().zip(right) {
                        *sum = multiply_add(*sum, left, right);
                    }
                }
            }
            for (i, sums) in sums.into_iter().enumerate() {
                for (j, sum) in sums.into_iter().enumerate() {
                    vst1q_f32(blocks.sums[first + i][column + j].as_mut_ptr(), sum);
                }
            }
        }
    }
}

/// sum + left rightᵀ: two rows by two columns over two pairs. Stable Rust has no name for it.
#[inline(always)]
unsafe fn multiply_add(mut sum: float32x4_t, left: uint32x4_t, right: uint32x4_t) -> float32x4_t {
    // SAFETY: the caller's processor has the instruction.
    unsafe {
        asm!(".arch_extension bf16", "bfmmla {s:v}.4s, {a:v}.8h, {b:v}.8h", s = inout(vreg) sum, a = in(vreg) left,
            b = in(vreg) right, options(pure, nomem, nostack, preserves_flags));
    }
    sum
}
