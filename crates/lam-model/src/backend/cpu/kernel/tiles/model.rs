//! The tiles in plain Rust, bit for bit: for processors that have none, and to test with.

use super::block::{STEP, Side, Sums};
use super::in_memory::{AddStep, InMemory};

/// Such tiles.
pub(super) type Model = InMemory<Plain>;

/// Adds a step value by value.
pub(super) struct Plain;

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

impl AddStep for Plain {
    type Scratch = ();
    const SCRATCH: () = ();

    unsafe fn add(sums: &mut Sums, (): &mut (), left: Side, right: Side, rows: usize) {
        let row = |side: Side, tile: usize, row: usize| {
            // SAFETY: the caller's; a row of a tile is 16 words.
            unsafe { side.at.add(tile * side.tile + row * side.row).cast::<[u32; 16]>().read_unaligned() }.map(halves)
        };
        let columns: [[[[f32; 2]; 16]; 2]; STEP / 2] = std::array::from_fn(|p| [row(right, 0, p), row(right, 1, p)]);
        for (i, sums) in sums.0.iter_mut().enumerate().take(rows) {
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
}
