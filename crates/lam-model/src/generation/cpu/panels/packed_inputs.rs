//! The inputs of a product, row by row in the numbers that its weights want.

use crate::WeightFormat;
use crate::backend::cpu::kernel::dispatch::dispatched;
use crate::backend::cpu::kernel::panel::Words;
use crate::backend::cpu::kernel::rows;
use crate::backend::cpu::kernel::shared::Shared;
use crate::backend::cpu::kernel::tiles::{BEYOND, STEP};

/// Inputs of a quantised block.
pub(crate) const BLOCK: usize = 32;

/// Rows of K inputs. In words, a row is:
/// f32: K numbers; bf16: K / 2 pairs, filled up to a step of tiles with zeros; 8 bits: for each block 8 quadruples of
/// signed bytes, then for each block its factor (f32), then for each block -128 times its sum (i32), which takes the
/// weights' offset of 128 back.
pub(crate) struct PackedInputs {
    format: WeightFormat,
    k: usize,
    rows: usize,
    stride: usize,
    words: Words,
}

/// Rows that tasks write side by side.
#[derive(Clone, Copy)]
pub(crate) struct PackedInputRows<'a> {
    format: WeightFormat,
    k: usize,
    stride: usize,
    words: Shared<'a, u32>,
}

fn row_words(format: WeightFormat, k: usize) -> usize {
    match format {
        WeightFormat::F32 => k,
        WeightFormat::Bf16 => k.div_ceil(2),
        WeightFormat::Q8 | WeightFormat::Q4 => k.div_ceil(BLOCK) * 10,
    }
}

impl PackedInputs {
    pub(crate) fn new(format: WeightFormat) -> Self {
        Self { format: format.of_inputs(), k: 0, rows: 0, stride: 0, words: Words::take(0) }
    }

    /// Makes room for `rows` of `k` inputs, which are to be written next.
    pub(crate) fn reset(&mut self, rows: usize, k: usize) -> PackedInputRows<'_> {
        // An odd number of cache lines, so that the same place of eight rows falls into eight sets of the cache.
        let lines = row_words(self.format, k).div_ceil(16);
        (self.k, self.rows, self.stride) = (k, rows, (lines | 1) * 16);
        self.words.grow((rows + BEYOND) * self.stride);
        PackedInputRows { format: self.format, k, stride: self.stride, words: Shared::new(&mut self.words) }
    }

    /// Inputs of a row.
    pub(crate) fn inputs(&self) -> usize {
        self.k
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Words from one row to the next.
    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    pub(crate) fn format(&self) -> WeightFormat {
        self.format
    }

    /// The rows, and behind them as many words as tiles read beyond.
    pub(crate) fn words(&self) -> &[u32] {
        &self.words[..(self.rows + BEYOND) * self.stride]
    }
}

impl PackedInputRows<'_> {
    /// Writes a row.
    ///
    /// # Safety
    /// No other task may write the same row.
    pub(crate) unsafe fn put(&self, row: usize, x: &[f32]) {
        // SAFETY: the caller keeps rows apart.
        let words = unsafe { self.words.part(row * self.stride, self.stride) };
        let (words, beyond) = words.split_at_mut(row_words(self.format, self.k));
        if self.format == WeightFormat::Bf16 {
            let step = words.len().next_multiple_of(STEP / 2) - words.len();
            beyond[..step].fill(0);
        }
        match self.format {
            WeightFormat::F32 => words.iter_mut().zip(x).for_each(|(word, value)| *word = value.to_bits()),
            WeightFormat::Bf16 => rows::bf16_pairs(x, words),
            WeightFormat::Q8 | WeightFormat::Q4 => quantise(x, words),
        }
    }
}

/// Rounds numbers of at most 127 to bytes; the first number of the magic sum's last bits is the rounded value.
#[inline(always)]
fn byte(value: f32) -> u32 {
    (value + 12_582_912.0).to_bits() & 0xff
}

dispatched! {
    /// Blocks of signed bytes with factor and sum; see [`PackedInputs`].
    fn quantise(x: &[f32], words: &mut [u32]) {
        let blocks = words.len() / 10;
        let (bytes, rest) = words.split_at_mut(blocks * 8);
        let (factors, sums) = rest.split_at_mut(blocks);
        for (b, bytes) in bytes.chunks_exact_mut(8).enumerate() {
            let mut block = [0.0_f32; BLOCK];
            let part = &x[b * BLOCK..x.len().min((b + 1) * BLOCK)];
            block[..part.len()].copy_from_slice(part);
            let mut highest = [0.0_f32; 8];
            let mut finite = [0.0_f32; 8];
            for part in block.chunks_exact(8) {
                for ((value, highest), finite) in part.iter().zip(&mut highest).zip(&mut finite) {
                    let size = value.abs();
                    *highest = if size > *highest { size } else { *highest };
                    *finite += value * 0.0;
                }
            }
            let highest = highest.into_iter().fold(0.0_f32, |a, b| if b > a { b } else { a });
            let inverse = if highest > 0.0 { 127.0 / highest } else { 0.0 };
            let mut sum = 0;
            for (word, four) in bytes.iter_mut().zip(block.chunks_exact(4)) {
                let quads: [u32; 4] = std::array::from_fn(|i| byte(four[i] * inverse));
                *word = quads[0] | quads[1] << 8 | quads[2] << 16 | quads[3] << 24;
            }
            for word in bytes.iter() {
                sum += word.to_le_bytes().into_iter().map(|byte| i32::from(byte as i8)).sum::<i32>();
            }
            // What is not finite makes the factor NaN, so that it is not lost in the rounding.
            factors[b] = (highest / 127.0 + finite.iter().sum::<f32>()).to_bits();
            sums[b] = (-128 * sum) as u32;
        }
    }
}
