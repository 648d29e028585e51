//! Values into GGUF's blocks: the bytes that candle makes of them, which makes one value at a time; and for files, blocks
//! in 4 bits whose scales are fitted (`fitted.rs`).

use half::f16;
use rayon::prelude::*;

use super::dispatch::dispatched;
use super::fitted::{GROUPS, Lanes, MOST, fitted};

/// Tries to make a group's scale better.
const TRIES: usize = 5;
/// Blocks that a thread makes at a time.
const BLOCKS: usize = 64;

/// Finds scale and minimum of each group.
type Fit = fn(&Lanes, &mut [f32; GROUPS], &mut [f32; GROUPS]);

dispatched! {
    /// Scale of each group, and what is taken off it, so that its values are about scale × (0 … 15) - what is taken off:
    /// `make_qkx1_quants` of GGML, eight at a time, each in its own order.
    fn scales(x: &Lanes, scale: &mut [f32; GROUPS], taken_off: &mut [f32; GROUPS]) {
        let (mut least, mut most) = (x[0], x[0]);
        for row in x {
            for j in 0..GROUPS {
                least[j] = least[j].min(row[j]);
                most[j] = most[j].max(row[j]);
            }
        }
        let (mut inverse, mut min, mut goes_on) = ([0.0_f32; GROUPS], [0.0_f32; GROUPS], [true; GROUPS]);
        for j in 0..GROUPS {
            min[j] = least[j].min(0.0);
            inverse[j] = MOST / (most[j] - min[j]);
            scale[j] = 1.0 / inverse[j];
        }
        let mut levels = [[0.0_f32; GROUPS]; 32];
        for _ in 0..TRIES {
            let (mut products, mut squares, mut changes) = ([0.0_f32; GROUPS], [0.0_f32; GROUPS], [false; GROUPS]);
            for (row, levels) in x.iter().zip(&mut levels) {
                for j in 0..GROUPS {
                    let above = row[j] - min[j];
                    let nearest = (inverse[j] * above).round();
                    // What is no number is level 0.
                    let level = if nearest > 0.0 { nearest.min(MOST) } else { 0.0 };
                    changes[j] |= level != levels[j];
                    levels[j] = level;
                    products[j] += above * level;
                    squares[j] += level * level;
                }
            }
            let (mut next, mut rests) = ([0.0_f32; GROUPS], [0.0_f32; GROUPS]);
            for j in 0..GROUPS {
                next[j] = products[j] / squares[j];
            }
            for (row, levels) in x.iter().zip(&levels) {
                for j in 0..GROUPS {
                    rests[j] += row[j] - next[j] * levels[j];
                }
            }
            for j in 0..GROUPS {
                let mean = rests[j] / 32.0;
                if goes_on[j] {
                    scale[j] = next[j];
                    min[j] = if mean > 0.0 { 0.0 } else { mean };
                    inverse[j] = 1.0 / next[j];
                    goes_on[j] = changes[j];
                }
            }
        }
        for j in 0..GROUPS {
            let is_flat = most[j] == least[j];
            scale[j] = if is_flat { 0.0 } else { scale[j] };
            taken_off[j] = if is_flat { 0.0 } else { -min[j] };
        }
    }
}
dispatched! {
    /// The levels nearest to (x + taken_off) / scale.
    fn levels(x: &[f32], scale: f32, taken_off: f32, levels: &mut [u8]) {
        for (level, x) in levels.iter_mut().zip(x) {
            let nearest = ((x + taken_off) / scale).round();
            *level = if nearest > 0.0 { nearest.min(MOST) as i32 as u8 } else { 0 };
        }
    }
}
dispatched! {
    /// Blocks of a scale and 32 values in 8 bits.
    fn bytes(x: &[f32], blocks: &mut [u8]) {
        for (block, x) in blocks.chunks_exact_mut(34).zip(x.chunks_exact(32)) {
            let largest = x.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
            let scale = largest / 127.0;
            let inverse = if scale != 0.0 { 1.0 / scale } else { 0.0 };
            block[..2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
            for (byte, x) in block[2..].iter_mut().zip(x) {
                *byte = (x * inverse).round() as i8 as u8;
            }
        }
    }
}

/// Q8_0: 34 bytes for 32 values. Values must be finite.
pub(crate) fn q8_0(x: &[f32], blocks: &mut [u8]) {
    blocks.par_chunks_mut(BLOCKS * 34).zip(x.par_chunks(BLOCKS * 32)).for_each(|(blocks, x)| bytes(x, blocks));
}

/// Q4_K: 144 bytes for 256 values. Values must be finite.
pub(crate) fn q4_k(x: &[f32], blocks: &mut [u8]) {
    q4_k_blocks(x, blocks, |x, block| {
        q4_k_block(x, block, scales);
    });
}

/// The same, nearer to the values, for some twenty times the work: scales are fitted where that comes nearer, which it does
/// not where most values of a group are zero.
pub(crate) fn q4_k_fitted(x: &[f32], blocks: &mut [u8]) {
    q4_k_blocks(x, blocks, |x, block| {
        let mut other = [0; 144];
        let (plain, near) = (q4_k_block(x, &mut other, scales), q4_k_block(x, block, fitted));
        if plain.squared_differences(x) < near.squared_differences(x) {
            block.copy_from_slice(&other);
        }
    });
}

fn q4_k_blocks(x: &[f32], blocks: &mut [u8], write: impl Fn(&[f32], &mut [u8]) + Sync) {
    blocks.par_chunks_mut(BLOCKS * 144).zip(x.par_chunks(BLOCKS * 256)).for_each(|(blocks, x)| {
        blocks.chunks_exact_mut(144).zip(x.chunks_exact(256)).for_each(|(block, x)| write(x, block));
    });
}

/// What a block holds, group by group.
struct Held {
    levels: [[u8; 32]; GROUPS],
    /// Scale of each group, and what is taken off it, as they are read again.
    scales: [(f32, f32); GROUPS],
}

impl Held {
    /// The sum of the squared differences of the values from what is held.
    fn squared_differences(&self, x: &[f32]) -> f32 {
        let mut sum = 0.0;
        for ((levels, x), (scale, taken_off)) in self.levels.iter().zip(x.chunks_exact(32)).zip(self.scales) {
            let of_value = |(level, x): (&u8, &f32)| (scale * f32::from(*level) - taken_off - x).powi(2);
            sum += levels.iter().zip(x).map(of_value).sum::<f32>();
        }
        sum
    }
}

/// Writes a block; gives what it holds.
fn q4_k_block(x: &[f32], block: &mut [u8], fit: Fit) -> Held {
    let mut lanes = [[0.0; GROUPS]; 32];
    for (j, group) in x.chunks_exact(32).enumerate() {
        lanes.iter_mut().zip(group).for_each(|(row, value)| row[j] = *value);
    }
    let (mut scale, mut taken_off) = ([0.0; GROUPS], [0.0; GROUPS]);
    fit(&lanes, &mut scale, &mut taken_off);
    let largest = |of: &[f32; GROUPS]| of.iter().fold(0.0_f32, |largest, value| value.max(largest));
    let both = (largest(&scale), largest(&taken_off));
    let (head, quants) = block.split_at_mut(16);
    let mut held = Held { levels: [[0; 32]; GROUPS], scales: q4_k_head(&scale, &taken_off, both, head) };
    for ((found, x), (scale, taken_off)) in held.levels.iter_mut().zip(x.chunks_exact(32)).zip(held.scales) {
        if scale != 0.0 {
            levels(x, scale, taken_off, found);
        }
    }
    for (quants, pair) in quants.chunks_exact_mut(32).zip(held.levels.chunks_exact(2)) {
        quants.iter_mut().zip(pair[0].iter().zip(&pair[1])).for_each(|(quant, (low, high))| *quant = low | high << 4);
    }
    held
}

/// Writes the block's scale and minimum and the groups' in 6 bits under them; gives the groups' as they are read again.
fn q4_k_head(
    scale: &[f32; GROUPS],
    taken_off: &[f32; GROUPS],
    (most, most_off): (f32, f32),
    head: &mut [u8],
) -> [(f32, f32); GROUPS] {
    let inverse = |most: f32| if most > 0.0 { 63.0 / most } else { 0.0 };
    let (inverse, inverse_off) = (inverse(most), inverse(most_off));
    let six_bits = |value: f32| (value.round() as i32).min(63) as u8;
    let (whole, whole_off) = (f16::from_f32(most / 63.0), f16::from_f32(most_off / 63.0));
    head[..2].copy_from_slice(&whole.to_le_bytes());
    head[2..4].copy_from_slice(&whole_off.to_le_bytes());
    let scales = &mut head[4..16];
    let mut read = [(0.0, 0.0); GROUPS];
    for j in 0..GROUPS {
        let (s, m) = (six_bits(inverse * scale[j]), six_bits(inverse_off * taken_off[j]));
        if j < 4 {
            (scales[j], scales[j + 4]) = (s, m);
        } else {
            scales[j + 4] = s & 15 | (m & 15) << 4;
            scales[j - 4] |= s >> 4 << 6;
            scales[j] |= m >> 4 << 6;
        }
        read[j] = (whole.to_f32() * f32::from(s & 63), whole_off.to_f32() * f32::from(m & 63));
    }
    read
}

#[cfg(test)]
mod tests {
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};

    use super::*;
    use crate::backend::cpu::kernel::blocks::{BlockForm, Blocks};
    use crate::finite_difference::values;

    fn candles(x: &[f32], form: GgmlDType) -> Vec<u8> {
        let tensor = Tensor::from_slice(x, x.len(), &Device::Cpu).unwrap();
        QTensor::quantize(&tensor, form).unwrap().data().unwrap().into_owned()
    }

    /// Values of all sizes and kinds: random, of one sign, mostly zero, all the same, few different ones, tiny, huge.
    fn cases() -> Vec<Vec<f32>> {
        let count = 256 * 40;
        let random = values(count, 7);
        let each = |of: &dyn Fn(usize, f32) -> f32| random.iter().enumerate().map(|(i, x)| of(i, *x)).collect();
        vec![
            random.clone(),
            each(&|_, x| x.abs()),
            each(&|_, x| -x.abs()),
            each(&|i, x| if i % 37 == 0 { x } else { 0.0 }),
            each(&|i, _| (i / 32 % 5) as f32 - 2.0),
            each(&|i, x| if i / 32 % 3 == 0 { 0.0 } else { x }),
            each(&|_, x| (x * 3.0).round() / 2.0),
            each(&|i, x| x * 10_f32.powi(i as i32 / 32 % 12 - 8)),
            each(&|_, x| x * 1e-38),
            each(&|_, x| x * 1e30),
            each(&|i, x| if i % 2 == 0 { -0.0 } else { x.powi(3) }),
            each(&|_, x| half::bf16::from_f32(x).to_f32()),
        ]
    }

    #[test]
    fn blocks_are_candles_byte_for_byte() {
        for (case, x) in cases().iter().enumerate() {
            let mut blocks = vec![0; x.len() / 256 * 144];
            q4_k(x, &mut blocks);
            let right = candles(x, GgmlDType::Q4K);
            assert!(blocks == right, "Q4_K, case {case}: {:?}", first_difference(&blocks, &right, 144));
            let mut blocks = vec![0; x.len() / 32 * 34];
            q8_0(x, &mut blocks);
            let right = candles(x, GgmlDType::Q8_0);
            assert!(blocks == right, "Q8_0, case {case}: {:?}", first_difference(&blocks, &right, 34));
        }
    }

    fn first_difference(one: &[u8], other: &[u8], size: usize) -> Option<(usize, usize)> {
        one.iter().zip(other).position(|(one, other)| one != other).map(|at| (at / size, at % size))
    }

    type Quantise = fn(&[f32], &mut [u8]);

    /// Sum of the squared differences of values from what their blocks hold, in f64, over the sum of their squares.
    fn error(x: &[f32], quantise: Quantise) -> f64 {
        let mut bytes = vec![0; x.len() / 256 * 144];
        quantise(x, &mut bytes);
        let blocks = Blocks::of_bytes(BlockForm::Q4K, bytes);
        let mut squares = (0.0, 0.0);
        for (group, x) in x.chunks_exact(32).enumerate() {
            let (scale, minimum, quants) = blocks.four_bits(group).expect("four bits");
            for (x, quant) in x.iter().zip(quants) {
                let apart = f64::from(scale) * f64::from(quant) - f64::from(minimum) - f64::from(*x);
                squares = (squares.0 + apart * apart, squares.1 + f64::from(*x) * f64::from(*x));
            }
        }
        if squares.1 == 0.0 { squares.0 } else { squares.0 / squares.1 }
    }

    #[test]
    fn what_is_fitted_is_nearer_to_the_values() {
        let cases = cases();
        for (case, x) in cases.iter().enumerate().filter(|(_, x)| x.iter().all(|x| x.abs() < 1e6)) {
            let (plain, fitted) = (error(x, q4_k), error(x, q4_k_fitted));
            assert!(fitted <= plain * (1.0 + 1e-5) + 1e-12, "case {case}: {fitted:e}, before {plain:e}");
        }
        // Uniform values, 15 steps of a range: a twelfth of a step's square, and what six bits of scale cost.
        let uniform = error(&cases[0], q4_k_fitted);
        assert!(uniform < 0.0033 && uniform < error(&cases[0], q4_k) * 0.97, "{uniform:e}");
    }

    #[test]
    fn groups_of_one_value_keep_it() {
        for value in [-0.75_f32, 0.5, 0.0] {
            assert!(error(&[value; 256], q4_k_fitted) < 1e-6, "{value}");
        }
    }
}
