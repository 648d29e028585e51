//! The processor's tiles, by `asm!`: the compiler knows neither their instructions nor, on stable Rust, their registers.
//! It never keeps anything in them, because there is no type for them.

use std::arch::asm;
use std::marker::PhantomData;

use super::block::{SIDE, Side, Tiles};

/// Tiles 0 to 3 are the sums, 4 and 5 the left side, 6 and 7 the right side. The state belongs to the thread, so this is
/// neither `Send` nor `Sync`.
pub(super) struct Hardware(PhantomData<*mut ()>);

/// What `ldtilecfg` reads.
#[repr(C, align(64))]
pub(super) struct Config {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Config {
    /// Eight tiles of so many rows of so many bytes.
    pub(super) const fn new(row_bytes: [u16; 8], rows: [u8; 8]) -> Self {
        let mut config = Self { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        let mut tile = 0;
        while tile < 8 {
            config.row_bytes[tile] = row_bytes[tile];
            config.rows[tile] = rows[tile];
            tile += 1;
        }
        config
    }
}

/// Eight tiles of 16 rows of 64 bytes, always: who packs fills edges with zeros.
static FULL: Config = Config::new([64; 8], [16; 8]);

/// Instructions of tiles, which change what is in them.
macro_rules! tiles {
    ($($body:tt)*) => {
        asm!(
            $($body)*,
            out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
            out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
            options(nostack, preserves_flags)
        )
    };
}

pub(super) use tiles;

#[inline(always)]
unsafe fn load<const T: usize>(from: *const u8, stride: usize) {
    // SAFETY: here and below, the caller's.
    unsafe { tiles!("tileloadd tmm{t}, [{p} + {s}*1]", t = const T, p = in(reg) from, s = in(reg) stride) };
}

/// As `load`, for what would push the left side out of the first cache if it stayed there.
#[inline(always)]
unsafe fn load_once<const T: usize>(from: *const u8, stride: usize) {
    // SAFETY: see above.
    unsafe { tiles!("tileloaddt1 tmm{t}, [{p} + {s}*1]", t = const T, p = in(reg) from, s = in(reg) stride) };
}

#[inline(always)]
unsafe fn store<const T: usize>(to: *mut f32, stride: usize) {
    // SAFETY: see above.
    unsafe { tiles!("tilestored [{p} + {s}*1], tmm{t}", t = const T, p = in(reg) to, s = in(reg) stride) };
}

#[inline(always)]
unsafe fn dot<const C: usize, const A: usize, const B: usize>() {
    // SAFETY: see above.
    unsafe { tiles!("tdpbf16ps tmm{c}, tmm{a}, tmm{b}", c = const C, a = const A, b = const B) };
}

impl Tiles for Hardware {
    const ASKS: bool = true;
    const CONVERTS: bool = true;

    #[inline(always)]
    unsafe fn start() -> Self {
        // SAFETY: see above.
        unsafe { tiles!("ldtilecfg [{}]", in(reg) &raw const FULL) };
        Self(PhantomData)
    }

    #[inline(always)]
    unsafe fn finish(self) {
        // SAFETY: see above. Without it, every switch of threads would save 8 KB.
        unsafe { tiles!("tilerelease") };
    }

    #[inline(always)]
    unsafe fn clear(&mut self) {
        // SAFETY: see above.
        unsafe { tiles!("tilezero tmm0", "tilezero tmm1", "tilezero tmm2", "tilezero tmm3") };
    }

    #[inline(always)]
    unsafe fn resume(&mut self, from: *const f32) {
        let row = 4 * SIDE;
        // SAFETY: see above.
        unsafe {
            load::<0>(from.cast(), row);
            load::<1>(from.add(16).cast(), row);
            load::<2>(from.add(16 * SIDE).cast(), row);
            load::<3>(from.add(16 * SIDE + 16).cast(), row);
        }
    }

    #[inline(always)]
    unsafe fn step(&mut self, left: Side, right: Side, rows: usize) {
        // SAFETY: see above.
        unsafe {
            load_once::<6>(right.at, right.row);
            load::<4>(left.at, left.row);
            dot::<0, 4, 6>();
            load_once::<7>(right.at.wrapping_add(right.tile), right.row);
            dot::<1, 4, 7>();
            if rows > SIDE / 2 {
                load::<5>(left.at.wrapping_add(left.tile), left.row);
                dot::<2, 5, 6>();
                dot::<3, 5, 7>();
            }
        }
    }

    #[inline(always)]
    unsafe fn put<const TALL: bool>(&mut self, to: *mut f32, stride: usize) {
        // SAFETY: see above.
        unsafe {
            store::<0>(to, 4 * stride);
            store::<1>(to.wrapping_add(16), 4 * stride);
            if TALL {
                store::<2>(to.wrapping_add(16 * stride), 4 * stride);
                store::<3>(to.wrapping_add(16 * stride + 16), 4 * stride);
            }
        }
    }
}
