//! The tiles' sums by multiply-adds of vectors, bit for bit.
//!
//! A step is one `asm!` block, because small numbers count as zero in it: Rust takes the register that says so (MXCSR)
//! to be unchanged, so it is set and put back inside.

use std::arch::asm;

use super::block::{SIDE, Side, Sums};
use super::in_memory::{AddStep, InMemory};

/// Flush to zero, and denormals are zero.
const FLUSHING: u32 = 0x8040;
/// The upper half of a word.
const UPPER: u32 = 0xffff_0000;

/// AVX-512.
pub(super) type Avx512 = InMemory<Fused<true>>;
/// AVX2 and FMA.
pub(super) type Avx2 = InMemory<Fused<false>>;

/// Adds a step by multiply-adds, of 16 numbers where `WIDE`, else of 8.
pub(super) struct Fused<const WIDE: bool>;

/// The left side of a step: for each row its 16 values at even places, then those at odd places.
#[repr(align(64))]
pub(super) struct Left([[f32; SIDE]; SIDE]);

impl<const WIDE: bool> AddStep for Fused<WIDE> {
    type Scratch = Left;
    const SCRATCH: Left = Left([[0.0; SIDE]; SIDE]);

    #[inline(always)]
    unsafe fn add(sums: &mut Sums, wide: &mut Left, left: Side, right: Side, rows: usize) {
        for (i, wide) in wide.0.iter_mut().enumerate().take(rows) {
            let at = left.at.wrapping_add(i / 16 * left.tile + i % 16 * left.row);
            // SAFETY: the caller's; a row of a tile is 16 words.
            let words = unsafe { at.cast::<[u32; 16]>().read_unaligned() };
            let (low, high) = wide.split_at_mut(16);
            for (low, word) in low.iter_mut().zip(words) {
                *low = f32::from_bits(word << 16);
            }
            for (high, word) in high.iter_mut().zip(words) {
                *high = f32::from_bits(word & UPPER);
            }
        }
        let (sums, wide) = (sums.start(), wide.0.as_ptr().cast());
        // SAFETY: the caller's; sums and left side are the blocks above.
        unsafe { if WIDE { step_avx512(sums, wide, right, rows) } else { step_avx2(sums, wide, right, rows) } };
    }
}

/// Some rows by a tile of 16 columns: even and odd chains in two registers each, and where a row begins.
macro_rules! one_row {
    ($what:ident) => {
        $what!("0", "8", "0")
    };
}
macro_rules! two_rows {
    ($what:ident) => {
        concat!(one_row!($what), $what!("1", "9", "128"))
    };
}
macro_rules! four_rows {
    ($what:ident) => {
        concat!(two_rows!($what), $what!("2", "10", "256"), $what!("3", "11", "384"))
    };
}
macro_rules! eight_rows {
    ($what:ident) => {
        concat!(
            four_rows!($what),
            $what!("4", "12", "512"),
            $what!("5", "13", "640"),
            $what!("6", "14", "768"),
            $what!("7", "15", "896")
        )
    };
}
macro_rules! zero {
    ($even:literal, $odd:literal, $row:literal) => {
        concat!(
            "vpxord zmm",
            $even,
            ",zmm",
            $even,
            ",zmm",
            $even,
            "\nvpxord zmm",
            $odd,
            ",zmm",
            $odd,
            ",zmm",
            $odd,
            "\n"
        )
    };
}
macro_rules! multiply_add {
    ($even:literal, $odd:literal, $row:literal) => {
        concat!(
            "vfmadd231ps zmm",
            $even,
            ",zmm17,dword ptr [{a}+",
            $row,
            "]{{1to16}}\n",
            "vfmadd231ps zmm",
            $odd,
            ",zmm18,dword ptr [{a}+",
            $row,
            "+64]{{1to16}}\n"
        )
    };
}
/// Even and odd chains added to the sums of a row: those of the second tile stand 64 bytes after those of the first.
macro_rules! finish {
    ($even:literal, $odd:literal, $row:literal, $tile:literal) => {
        concat!(
            "vaddps zmm",
            $even,
            ",zmm",
            $even,
            ",zmm",
            $odd,
            "\nvaddps zmm",
            $even,
            ",zmm",
            $even,
            ",[{c}+",
            $row,
            $tile,
            "]\nvmovups [{c}+",
            $row,
            $tile,
            "],zmm",
            $even,
            "\n"
        )
    };
}
macro_rules! finish_first {
    ($even:literal, $odd:literal, $row:literal) => {
        finish!($even, $odd, $row, "")
    };
}
macro_rules! finish_second {
    ($even:literal, $odd:literal, $row:literal) => {
        finish!($even, $odd, $row, "+64")
    };
}

/// One step of AVX-512, as many rows at a time as there are. Shapes: sums [32, 32]; left [32, 32] as in [`Fused`].
///
/// # Safety
/// The right side has two tiles of 16 pairs by 16 columns.
#[inline(always)]
unsafe fn step_avx512(sums: *mut f32, left: *const f32, right: Side, rows: usize) {
    let from = |row: usize| (sums.wrapping_add(row * SIDE), left.wrapping_add(row * SIDE));
    // SAFETY: the caller's.
    unsafe {
        if rows >= 8 {
            eight(from(0), right, rows / 8);
        }
        if rows & 4 != 0 {
            four(from(rows & !7), right, 1);
        }
        if rows & 2 != 0 {
            two(from(rows & !3), right, 1);
        }
        if rows & 1 != 0 {
            one(from(rows & !1), right, 1);
        }
    }
}

macro_rules! rows_avx512 {
    ($name:ident, $rows:ident, $height:literal) => {
        #[doc = concat!("So many times ", $height, " rows of a step.")]
        ///
        /// # Safety
        /// As [`step_avx512`].
        #[target_feature(enable = "avx512f")]
        unsafe fn $name((sums, left): (*mut f32, *const f32), right: Side, blocks: usize) {
    let (mut before, mut flushing) = (0_u32, 0_u32);
    // SAFETY: the caller's. The registers are named, and MXCSR is as it was in the end.
    unsafe {
        asm!(
            "stmxcsr [{before}]",
            "mov {n:e}, [{before}]",
            "or {n:e}, {flush}",
            "mov [{flushing}], {n:e}",
            "ldmxcsr [{flushing}]",
            "vpbroadcastd zmm19, {upper:e}",
            "2:",
            // The first tile.
            $rows!(zero),
            "mov {b}, {b0}",
            "mov {n:e}, 16",
            "3:",
            "vmovdqu32 zmm16, [{b}]",
            "vpslld zmm17, zmm16, 16",
            "vpandd zmm18, zmm16, zmm19",
            $rows!(multiply_add),
            "add {b}, {row}",
            "add {a}, 4",
            "dec {n:e}",
            "jnz 3b",
            $rows!(finish_first),
            "sub {a}, 64",
            // The second.
            $rows!(zero),
            "mov {b}, {b1}",
            "mov {n:e}, 16",
            "4:",
            "vmovdqu32 zmm16, [{b}]",
            "vpslld zmm17, zmm16, 16",
            "vpandd zmm18, zmm16, zmm19",
            $rows!(multiply_add),
            "add {b}, {row}",
            "add {a}, 4",
            "dec {n:e}",
            "jnz 4b",
            $rows!(finish_second),
            concat!("add {a}, ", $height, "*128-64"),
            concat!("add {c}, ", $height, "*128"),
            "dec {blocks:e}",
            "jnz 2b",
            "ldmxcsr [{before}]",
            before = in(reg) &raw mut before,
            flushing = in(reg) &raw mut flushing,
            flush = const FLUSHING,
            upper = in(reg) UPPER,
            a = inout(reg) left => _,
            c = inout(reg) sums => _,
            b = out(reg) _,
            n = out(reg) _,
            b0 = in(reg) right.at,
            b1 = in(reg) right.at.wrapping_add(right.tile),
            row = in(reg) right.row,
            blocks = inout(reg) blocks => _,
            out("zmm0") _, out("zmm1") _, out("zmm2") _, out("zmm3") _, out("zmm4") _, out("zmm5") _,
            out("zmm6") _, out("zmm7") _, out("zmm8") _, out("zmm9") _, out("zmm10") _, out("zmm11") _,
            out("zmm12") _, out("zmm13") _, out("zmm14") _, out("zmm15") _, out("zmm16") _, out("zmm17") _,
            out("zmm18") _, out("zmm19") _,
            options(nostack)
        );
    }
}
    };
}

rows_avx512!(eight, eight_rows, "8");
rows_avx512!(four, four_rows, "4");
rows_avx512!(two, two_rows, "2");
rows_avx512!(one, one_row, "1");

/// One step of AVX2, two rows by 16 columns at a time, an odd last one with what follows it; as [`step_avx512`].
///
/// # Safety
/// As [`step_avx512`].
#[target_feature(enable = "avx2,fma")]
unsafe fn step_avx2(sums: *mut f32, left: *const f32, right: Side, rows: usize) {
    for (tile, at) in [right.at, right.at.wrapping_add(right.tile)].into_iter().enumerate() {
        // SAFETY: the caller's.
        unsafe { columns_avx2(sums.wrapping_add(16 * tile), left, (at, right.row), rows) };
    }
}

/// 16 columns of a step.
#[target_feature(enable = "avx2,fma")]
unsafe fn columns_avx2(sums: *mut f32, left: *const f32, (right, row): (*const u8, usize), rows: usize) {
    let (mut before, mut flushing) = (0_u32, 0_u32);
    let upper = [UPPER; 8];
    // SAFETY: the caller's. The registers are named, and MXCSR is as it was in the end.
    unsafe {
        asm!(
            "stmxcsr [{before}]",
            "mov {n:e}, [{before}]",
            "or {n:e}, {flush}",
            "mov [{flushing}], {n:e}",
            "ldmxcsr [{flushing}]",
            "vmovdqu ymm15, [{upper}]",
            "2:",
            "vpxor ymm0, ymm0, ymm0",
            "vpxor ymm1, ymm1, ymm1",
            "vpxor ymm2, ymm2, ymm2",
            "vpxor ymm3, ymm3, ymm3",
            "vpxor ymm4, ymm4, ymm4",
            "vpxor ymm5, ymm5, ymm5",
            "vpxor ymm6, ymm6, ymm6",
            "vpxor ymm7, ymm7, ymm7",
            "mov {b}, {b0}",
            "mov {n:e}, 16",
            "3:",
            "vmovdqu ymm8, [{b}]",
            "vmovdqu ymm9, [{b}+32]",
            "vpslld ymm10, ymm8, 16",
            "vpslld ymm11, ymm9, 16",
            "vpand ymm8, ymm8, ymm15",
            "vpand ymm9, ymm9, ymm15",
            "vbroadcastss ymm12, [{a}]",
            "vbroadcastss ymm13, [{a}+64]",
            "vfmadd231ps ymm0, ymm10, ymm12",
            "vfmadd231ps ymm1, ymm11, ymm12",
            "vfmadd231ps ymm2, ymm8, ymm13",
            "vfmadd231ps ymm3, ymm9, ymm13",
            "vbroadcastss ymm12, [{a}+128]",
            "vbroadcastss ymm13, [{a}+192]",
            "vfmadd231ps ymm4, ymm10, ymm12",
            "vfmadd231ps ymm5, ymm11, ymm12",
            "vfmadd231ps ymm6, ymm8, ymm13",
            "vfmadd231ps ymm7, ymm9, ymm13",
            "add {b}, {row}",
            "add {a}, 4",
            "dec {n:e}",
            "jnz 3b",
            "vaddps ymm0, ymm0, ymm2",
            "vaddps ymm1, ymm1, ymm3",
            "vaddps ymm4, ymm4, ymm6",
            "vaddps ymm5, ymm5, ymm7",
            "vaddps ymm0, ymm0, [{c}]",
            "vaddps ymm1, ymm1, [{c}+32]",
            "vaddps ymm4, ymm4, [{c}+128]",
            "vaddps ymm5, ymm5, [{c}+160]",
            "vmovups [{c}], ymm0",
            "vmovups [{c}+32], ymm1",
            "vmovups [{c}+128], ymm4",
            "vmovups [{c}+160], ymm5",
            "add {a}, 2*128-64",
            "add {c}, 2*128",
            "dec {twos:e}",
            "jnz 2b",
            "ldmxcsr [{before}]",
            before = in(reg) &raw mut before,
            flushing = in(reg) &raw mut flushing,
            flush = const FLUSHING,
            upper = in(reg) &raw const upper,
            a = inout(reg) left => _,
            c = inout(reg) sums => _,
            b = out(reg) _,
            n = out(reg) _,
            b0 = in(reg) right,
            row = in(reg) row,
            twos = inout(reg) rows.div_ceil(2) => _,
            out("ymm0") _, out("ymm1") _, out("ymm2") _, out("ymm3") _, out("ymm4") _, out("ymm5") _,
            out("ymm6") _, out("ymm7") _, out("ymm8") _, out("ymm9") _, out("ymm10") _, out("ymm11") _,
            out("ymm12") _, out("ymm13") _, out("ymm15") _,
            options(nostack)
        );
    }
}
