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

/// What a step of AVX2 is told. Its loops take nearly all registers, so that this stays in memory.
#[repr(C)]
struct StepAvx2 {
    before: u32,
    flushing: u32,
    left: *const f32,
    threes: usize,
    has_more: usize,
    tile: usize,
}

/// Three rows by a tile of 16 columns: even and odd chains in two registers each, and where a row begins. Twelve chains
/// keep both multiply-adders busy; eight, of two rows, wait for each other.
macro_rules! three_rows_avx2 {
    ($what:ident) => {
        concat!($what!("0", "1", "2", "3", "0"), $what!("4", "5", "6", "7", "128"), $what!("8", "9", "10", "11", "256"))
    };
}
macro_rules! two_rows_avx2 {
    ($what:ident) => {
        concat!($what!("0", "1", "2", "3", "0"), $what!("4", "5", "6", "7", "128"))
    };
}
macro_rules! zero_one_avx2 {
    ($($register:literal),+) => {
        concat!($("vpxor ymm", $register, ",ymm", $register, ",ymm", $register, "\n"),+)
    };
}
macro_rules! zero_avx2 {
    ($even:literal, $even2:literal, $odd:literal, $odd2:literal, $row:literal) => {
        zero_one_avx2!($even, $even2, $odd, $odd2)
    };
}
/// A value of a row, broadcast, times the 16 columns in `ymm12` and `ymm13`.
macro_rules! multiply_add_avx2 {
    ($first:literal, $second:literal, $at:literal, $odd:literal) => {
        concat!(
            "vbroadcastss ymm14,[{a}+",
            $at,
            $odd,
            "]\nvfmadd231ps ymm",
            $first,
            ",ymm12,ymm14\nvfmadd231ps ymm",
            $second,
            ",ymm13,ymm14\n"
        )
    };
}
macro_rules! even_avx2 {
    ($even:literal, $even2:literal, $odd:literal, $odd2:literal, $row:literal) => {
        multiply_add_avx2!($even, $even2, $row, "")
    };
}
macro_rules! odd_avx2 {
    ($even:literal, $even2:literal, $odd:literal, $odd2:literal, $row:literal) => {
        multiply_add_avx2!($odd, $odd2, $row, "+64")
    };
}
macro_rules! finish_one_avx2 {
    ($even:literal, $odd:literal, $row:literal, $half:literal) => {
        concat!(
            "vaddps ymm",
            $even,
            ",ymm",
            $even,
            ",ymm",
            $odd,
            "\nvaddps ymm",
            $even,
            ",ymm",
            $even,
            ",[{c}+",
            $row,
            $half,
            "]\nvmovups [{c}+",
            $row,
            $half,
            "],ymm",
            $even,
            "\n"
        )
    };
}
macro_rules! finish_avx2 {
    ($even:literal, $even2:literal, $odd:literal, $odd2:literal, $row:literal) => {
        concat!(finish_one_avx2!($even, $odd, $row, ""), finish_one_avx2!($even2, $odd2, $row, "+32"))
    };
}
/// Some rows by 16 columns over the 16 pairs of a step; `$again` is the label of its loop.
macro_rules! sums_avx2 {
    ($rows:ident, $again:literal, $back:literal) => {
        concat!(
            $rows!(zero_avx2),
            "mov {b},{b0}\nmov {n:e},16\n",
            $again,
            "\nvmovdqu ymm12,[{b}]\nvmovdqu ymm13,[{b}+32]\nvpslld ymm12,ymm12,16\nvpslld ymm13,ymm13,16\n",
            $rows!(even_avx2),
            "vandps ymm12,ymm15,[{b}]\nvandps ymm13,ymm15,[{b}+32]\n",
            $rows!(odd_avx2),
            "add {b},{row}\nadd {a},4\ndec {n:e}\n",
            $back,
            "\n",
            $rows!(finish_avx2)
        )
    };
}

/// One step of AVX2, three rows by 16 columns at a time, the last one or two as two; as [`step_avx512`].
///
/// # Safety
/// As [`step_avx512`].
#[target_feature(enable = "avx2,fma")]
unsafe fn step_avx2(sums: *mut f32, left: *const f32, right: Side, rows: usize) {
    let (threes, has_more) = (rows / 3, usize::from(!rows.is_multiple_of(3)));
    let mut step = StepAvx2 { before: 0, flushing: 0, left, threes, has_more, tile: right.tile };
    // SAFETY: the caller's. The registers are named, and MXCSR is as it was in the end.
    unsafe {
        asm!(
            "stmxcsr [{step}]",
            "mov {n:e}, [{step}]",
            "or {n:e}, {flush}",
            "mov [{step}+4], {n:e}",
            "ldmxcsr [{step}+4]",
            // The upper half of each word.
            "vpcmpeqd ymm15, ymm15, ymm15",
            "vpslld ymm15, ymm15, 16",
            "mov {tiles:e}, 2",
            "2:",
            "mov {a}, [{step}+8]",
            "mov {c}, {c0}",
            "mov {threes}, [{step}+16]",
            "test {threes}, {threes}",
            "jz 5f",
            "3:",
            sums_avx2!(three_rows_avx2, "4:", "jnz 4b"),
            "add {a}, 3*128-64",
            "add {c}, 3*128",
            "dec {threes}",
            "jnz 3b",
            "5:",
            "cmp qword ptr [{step}+24], 0",
            "je 7f",
            sums_avx2!(two_rows_avx2, "6:", "jnz 6b"),
            "7:",
            "add {b0}, [{step}+32]",
            "add {c0}, 64",
            "dec {tiles:e}",
            "jnz 2b",
            "ldmxcsr [{step}]",
            step = in(reg) &raw mut step,
            flush = const FLUSHING,
            a = out(reg) _,
            b = out(reg) _,
            c = out(reg) _,
            n = out(reg) _,
            threes = out(reg) _,
            tiles = out(reg) _,
            b0 = inout(reg) right.at => _,
            c0 = inout(reg) sums => _,
            row = in(reg) right.row,
            out("ymm0") _, out("ymm1") _, out("ymm2") _, out("ymm3") _, out("ymm4") _, out("ymm5") _,
            out("ymm6") _, out("ymm7") _, out("ymm8") _, out("ymm9") _, out("ymm10") _, out("ymm11") _,
            out("ymm12") _, out("ymm13") _, out("ymm14") _, out("ymm15") _,
            options(nostack)
        );
    }
}
