//! The tiles' sums by multiply-adds of NEON, bit for bit.
//!
//! A step is one `asm!` block, because small numbers count as zero in it: Rust takes the register that says so (FPCR) to
//! be unchanged, so it is set and put back inside.

use std::arch::asm;

use super::block::{SIDE, Side, Sums};
use super::in_memory::{AddStep, InMemory};

/// The upper half of a word.
const UPPER: u32 = 0xffff_0000;

/// NEON.
pub(super) type Neon = InMemory<Fused>;

/// Adds a step by multiply-adds.
pub(super) struct Fused;

/// The left side of a step: for two rows, pair after pair, the value at the even place and that at the odd one of each.
#[repr(align(64))]
pub(super) struct Left([[[f32; 4]; 16]; SIDE / 2]);

impl AddStep for Fused {
    type Scratch = Left;
    const SCRATCH: Left = Left([[[0.0; 4]; 16]; SIDE / 2]);

    unsafe fn add(sums: &mut Sums, wide: &mut Left, left: Side, right: Side, rows: usize) {
        for i in 0..rows {
            let at = left.at.wrapping_add(i / 16 * left.tile + i % 16 * left.row);
            // SAFETY: the caller's; a row of a tile is 16 words.
            let words = unsafe { at.cast::<[u32; 16]>().read_unaligned() };
            for (four, word) in wide.0[i / 2].iter_mut().zip(words) {
                four[i % 2 * 2] = f32::from_bits(word << 16);
                four[i % 2 * 2 + 1] = f32::from_bits(word & UPPER);
            }
        }
        let (sums, wide) = (sums.start(), wide.0.as_ptr().cast());
        for (tile, at) in [right.at, right.at.wrapping_add(right.tile)].into_iter().enumerate() {
            // SAFETY: the caller's; sums and left side are the blocks above.
            unsafe { columns(sums.wrapping_add(16 * tile), wide, (at, right.row), rows.div_ceil(2)) };
        }
    }
}

/// 16 columns of a step, two rows at a time.
///
/// # Safety
/// The right side has 16 pairs by 16 columns; sums and left side have so many rows.
unsafe fn columns(sums: *mut f32, left: *const f32, (right, row): (*const u8, usize), twos: usize) {
    // SAFETY: the caller's. The registers are named, and FPCR is as it was in the end.
    unsafe {
        asm!(
            "mrs {before}, fpcr",
            // Flush to zero, going in and coming out.
            "orr {n}, {before}, #0x1000000",
            "msr fpcr, {n}",
            "dup v25.4s, {upper:w}",
            "2:",
            "movi v0.16b, #0", "movi v1.16b, #0", "movi v2.16b, #0", "movi v3.16b, #0",
            "movi v4.16b, #0", "movi v5.16b, #0", "movi v6.16b, #0", "movi v7.16b, #0",
            "movi v8.16b, #0", "movi v9.16b, #0", "movi v10.16b, #0", "movi v11.16b, #0",
            "movi v12.16b, #0", "movi v13.16b, #0", "movi v14.16b, #0", "movi v15.16b, #0",
            "mov {b}, {b0}",
            "mov {n}, #16",
            "3:",
            "ld1 {{v16.4s, v17.4s, v18.4s, v19.4s}}, [{b}], {row}",
            "ldr q24, [{a}], #16",
            "shl v20.4s, v16.4s, #16", "shl v21.4s, v17.4s, #16",
            "shl v22.4s, v18.4s, #16", "shl v23.4s, v19.4s, #16",
            "and v16.16b, v16.16b, v25.16b", "and v17.16b, v17.16b, v25.16b",
            "and v18.16b, v18.16b, v25.16b", "and v19.16b, v19.16b, v25.16b",
            "fmla v0.4s, v20.4s, v24.s[0]", "fmla v1.4s, v21.4s, v24.s[0]",
            "fmla v2.4s, v22.4s, v24.s[0]", "fmla v3.4s, v23.4s, v24.s[0]",
            "fmla v4.4s, v16.4s, v24.s[1]", "fmla v5.4s, v17.4s, v24.s[1]",
            "fmla v6.4s, v18.4s, v24.s[1]", "fmla v7.4s, v19.4s, v24.s[1]",
            "fmla v8.4s, v20.4s, v24.s[2]", "fmla v9.4s, v21.4s, v24.s[2]",
            "fmla v10.4s, v22.4s, v24.s[2]", "fmla v11.4s, v23.4s, v24.s[2]",
            "fmla v12.4s, v16.4s, v24.s[3]", "fmla v13.4s, v17.4s, v24.s[3]",
            "fmla v14.4s, v18.4s, v24.s[3]", "fmla v15.4s, v19.4s, v24.s[3]",
            "subs {n}, {n}, #1",
            "b.ne 3b",
            "fadd v0.4s, v0.4s, v4.4s", "fadd v1.4s, v1.4s, v5.4s",
            "fadd v2.4s, v2.4s, v6.4s", "fadd v3.4s, v3.4s, v7.4s",
            "fadd v8.4s, v8.4s, v12.4s", "fadd v9.4s, v9.4s, v13.4s",
            "fadd v10.4s, v10.4s, v14.4s", "fadd v11.4s, v11.4s, v15.4s",
            "ld1 {{v16.4s, v17.4s, v18.4s, v19.4s}}, [{c}]",
            "fadd v0.4s, v0.4s, v16.4s", "fadd v1.4s, v1.4s, v17.4s",
            "fadd v2.4s, v2.4s, v18.4s", "fadd v3.4s, v3.4s, v19.4s",
            "st1 {{v0.4s, v1.4s, v2.4s, v3.4s}}, [{c}]",
            "add {c}, {c}, #128",
            "ld1 {{v16.4s, v17.4s, v18.4s, v19.4s}}, [{c}]",
            "fadd v8.4s, v8.4s, v16.4s", "fadd v9.4s, v9.4s, v17.4s",
            "fadd v10.4s, v10.4s, v18.4s", "fadd v11.4s, v11.4s, v19.4s",
            "st1 {{v8.4s, v9.4s, v10.4s, v11.4s}}, [{c}]",
            "add {c}, {c}, #128",
            "subs {twos}, {twos}, #1",
            "b.ne 2b",
            "msr fpcr, {before}",
            before = out(reg) _,
            n = out(reg) _,
            upper = in(reg) UPPER,
            a = inout(reg) left => _,
            b = out(reg) _,
            b0 = in(reg) right,
            row = in(reg) row,
            c = inout(reg) sums => _,
            twos = inout(reg) twos => _,
            out("v0") _, out("v1") _, out("v2") _, out("v3") _, out("v4") _, out("v5") _, out("v6") _, out("v7") _,
            out("v8") _, out("v9") _, out("v10") _, out("v11") _, out("v12") _, out("v13") _, out("v14") _,
            out("v15") _, out("v16") _, out("v17") _, out("v18") _, out("v19") _, out("v20") _, out("v21") _,
            out("v22") _, out("v23") _, out("v24") _, out("v25") _,
            options(nostack)
        );
    }
}
