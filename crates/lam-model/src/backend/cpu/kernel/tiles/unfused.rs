//! Tiles in plain Rust for processors without fused multiply-adds, where following the others' order of sums would cost
//! several times as much: one chain from pair to pair, every product and every sum rounded.

use super::block::{STEP, Side, Sums};
use super::in_memory::{AddStep, InMemory};

/// Such tiles.
pub(super) type Unfused = InMemory<Rounding>;

/// Adds a step with every product and every sum rounded.
pub(super) struct Rounding;

impl AddStep for Rounding {
    type Scratch = ();
    const SCRATCH: () = ();

    unsafe fn add(sums: &mut Sums, (): &mut (), left: Side, right: Side, rows: usize) {
        let row = |side: Side, tile: usize, row: usize| {
            // SAFETY: the caller's; a row of a tile is 16 words.
            unsafe { side.at.add(tile * side.tile + row * side.row).cast::<[u32; 16]>().read_unaligned() }
        };
        let low = |words: [u32; 16]| words.map(|word| f32::from_bits(word << 16));
        let high = |words: [u32; 16]| words.map(|word| f32::from_bits(word & 0xffff_0000));
        for tile in 0..2 {
            let words: [[u32; 16]; STEP / 2] = std::array::from_fn(|pair| row(right, tile, pair));
            let (lows, highs) = (words.map(low), words.map(high));
            for (i, sums) in sums.0.iter_mut().enumerate().take(rows) {
                let words = row(left, i / 16, i % 16);
                let (firsts, seconds) = (low(words), high(words));
                let sums = &mut sums.as_chunks_mut::<16>().0[tile];
                let mut own = *sums;
                for pair in 0..STEP / 2 {
                    for (column, sum) in own.iter_mut().enumerate() {
                        *sum += firsts[pair] * lows[pair][column] + seconds[pair] * highs[pair][column];
                    }
                }
                *sums = own;
            }
        }
    }
}
