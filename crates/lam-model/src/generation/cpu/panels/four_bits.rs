//! Panels of 4 bits: blocks of 32 inputs of an output, w = factor q - minimum with q from 0 to 15, as GGUF's Q4_0 and Q4_K
//! have them. Only weights that lie in such blocks are laid out so, as they are: nothing is rounded to 4 bits here.

use half::f16;

use super::column::{Column, WIDTH, ask_ahead};
use super::packed_inputs::BLOCK;
use crate::ModelError;
use crate::backend::cpu::kernel::lanes::Lanes;

/// Words of a panel's block of 32 inputs: the outputs' factors and minima in f16, then 4 × 32 words of eight 4-bit numbers,
/// the low halves of whose bytes are four inputs, the high halves the next four.
pub(crate) const BLOCK_WORDS: usize = WIDTH + BLOCK / 8 * WIDTH;

/// A block of one output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) factor: f32,
    pub(crate) minimum: f32,
    /// From 0 to 15.
    pub(crate) quants: [u8; BLOCK],
}

impl Group {
    /// Weights of zero.
    pub(crate) const NOTHING: Self = Self { factor: 0.0, minimum: 0.0, quants: [0; BLOCK] };
}

/// Gives the blocks of one output, all of which lie in 4 bits.
pub(crate) type Groups<'a> = dyn Fn(usize, &mut [Group]) -> Result<(), ModelError> + Sync + 'a;

/// Writes a block of the output at `place` into a panel's block.
pub(super) fn write(group: &Group, place: usize, block: &mut [u32]) {
    for (words, number) in block.chunks_exact_mut(WIDTH / 2).zip([group.factor, group.minimum]) {
        words[place / 2] |= u32::from(f16::from_f32(number).to_bits()) << (16 * (place % 2));
    }
    for (p, eight) in group.quants.chunks_exact(8).enumerate() {
        let byte = |i: usize| eight[i] & 15 | eight[i + 4] << 4;
        block[WIDTH + p * WIDTH + place] = u32::from_le_bytes(std::array::from_fn(byte));
    }
}

/// Sums of a tile: Σ w x = factor of x (factor Σ q x - minimum Σ x), block by block.
///
/// # Safety
/// As of `tile::column`; the inputs are packed as for 8 bits.
#[inline(always)]
pub(super) unsafe fn sums<L: Lanes, const M: usize>(column: &Column) -> [[L::F; 2]; M] {
    // SAFETY: the caller's.
    unsafe {
        let mut sums = [[L::splat(0.0); 2]; M];
        let blocks = column.k / BLOCK;
        for block in 0..blocks {
            let panel = column.panel.add(block * BLOCK_WORDS);
            let load = |words: usize| L::load_f16(panel.add(words).cast::<f16>());
            let (factors, minima) = ([load(0), load(8)], [load(16), load(24)]);
            let whole = whole_sums::<L, M>(column, block, panel.add(WIDTH));
            for (row, (sums, whole)) in sums.iter_mut().zip(whole).enumerate() {
                let x = column.x.add(row * column.x_stride);
                let factor = *x.add(blocks * 8 + block).cast::<f32>();
                // Stored is -128 times the sum of the inputs' bytes.
                let less = L::splat(*x.add(blocks * 9 + block) as i32 as f32 * (1.0 / 128.0) * factor);
                let factor = L::splat(factor);
                for half in 0..2 {
                    let sum = L::fma(minima[half], less, sums[half]);
                    sums[half] = L::fma(L::float(whole[half]), L::mul(factors[half], factor), sum);
                }
            }
        }
        sums
    }
}

/// Σ q x of one block, in whole numbers.
#[inline(always)]
unsafe fn whole_sums<L: Lanes, const M: usize>(column: &Column, block: usize, mut panel: *const u32) -> [[L::I; 2]; M] {
    // SAFETY: the caller's.
    unsafe {
        let mut whole = [[L::splat_int(0); 2]; M];
        for p in 0..BLOCK / 8 {
            ask_ahead::<L, M>(panel);
            let weights = [L::load_words(panel), L::load_words(panel.add(16))];
            let (low, high) = (weights.map(|words| L::low_halves(words)), weights.map(|words| L::high_halves(words)));
            for (row, whole) in whole.iter_mut().enumerate() {
                let x = column.x.add(row * column.x_stride + block * 8 + 2 * p);
                let (first, second) = (*x, *x.add(1));
                for half in 0..2 {
                    whole[half] = L::dot_bytes(low[half], first, whole[half]);
                    whole[half] = L::dot_bytes(high[half], second, whole[half]);
                }
            }
            panel = panel.add(WIDTH);
        }
        whole
    }
}
