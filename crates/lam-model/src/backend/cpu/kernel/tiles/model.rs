//! The tiles in plain Rust, bit for bit: for processors that have none, and to test with.

use super::block::{SIDE, STEP, Side, Tiles};

/// The sums, a row after the other.
pub(super) struct Model(Box<[[f32; SIDE]; SIDE]>);

/// What is too small to be a normal number counts as zero.
#[inline(always)]
pub(super) fn flushed(x: f32) -> f32 {
    if x.is_subnormal() { 0.0_f32.copysign(x) } else { x }
}

/// The values of a pair.
#[inline(always)]
fn halves(pair: u32) -> [f32; 2] {
    [flushed(f32::from_bits(pair << 16)), flushed(f32::from_bits(pair & 0xffff_0000))]
}

/// a b + sum, rounded once.
#[inline(always)]
fn fused(a: f32, b: f32, sum: f32) -> f32 {
    flushed(a.mul_add(b, sum))
}

impl Tiles for Model {
    unsafe fn start() -> Self {
        Self(Box::new([[0.0; SIDE]; SIDE]))
    }

    unsafe fn finish(self) {}

    unsafe fn clear(&mut self) {
        *self.0 = [[0.0; SIDE]; SIDE];
    }

    unsafe fn resume(&mut self, from: *const f32) {
        // SAFETY: the caller's.
        *self.0 = unsafe { from.cast::<[[f32; SIDE]; SIDE]>().read_unaligned() };
    }

    unsafe fn step(&mut self, left: Side, right: Side, rows: usize) {
        let row = |side: Side, tile: usize, row: usize| {
            // SAFETY: the caller's; a row of a tile is 16 words.
            unsafe { side.at.add(tile * side.tile + row * side.row).cast::<[u32; 16]>().read_unaligned() }.map(halves)
        };
        let columns: [[[[f32; 2]; 16]; 2]; STEP / 2] = std::array::from_fn(|p| [row(right, 0, p), row(right, 1, p)]);
        for (i, sums) in self.0.iter_mut().enumerate().take(rows) {
            let a = row(left, i / 16, i % 16);
            for (j, sum) in sums.iter_mut().enumerate() {
                let (mut even, mut odd) = (0.0, 0.0);
                for (a, b) in a.iter().zip(&columns) {
                    let b = b[j / 16][j % 16];
                    (even, odd) = (fused(a[0], b[0], even), fused(a[1], b[1], odd));
                }
                *sum = flushed(flushed(*sum) + flushed(even + odd));
            }
        }
    }

    unsafe fn put<const TALL: bool>(&mut self, to: *mut f32, stride: usize) {
        let rows = if TALL { SIDE } else { SIDE / 2 };
        for (i, sums) in self.0.iter().enumerate().take(rows) {
            // SAFETY: the caller's.
            unsafe { to.add(i * stride).cast::<[f32; SIDE]>().write_unaligned(*sums) };
        }
    }
}
