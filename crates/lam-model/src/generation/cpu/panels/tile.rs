//! The innermost loops: a few rows of inputs by one panel of 32 outputs. Each output of a row is summed in the order of
//! its inputs, whatever the number of rows, so that a row's results do not depend on its company.

use half::f16;

use super::column::{Column, Output, WIDTH, ask_ahead};
use super::four_bits;
use super::packed_inputs::BLOCK;
use crate::WeightFormat;
use crate::backend::cpu::kernel::dispatch::dispatched;
use crate::backend::cpu::kernel::lanes::Lanes;
use crate::backend::cpu::kernel::rows::exp;
use crate::backend::cpu::kernel::with_lanes::with_lanes;

/// Words of a panel's block of 32 inputs in 8 bits: 32 factors of f16, then 8 × 32 quadruples of bytes.
pub(crate) const BLOCK_WORDS: usize = WIDTH / 2 + BLOCK / 4 * WIDTH;
/// Words of a panel.
pub(crate) fn panel_words(format: WeightFormat, k: usize) -> usize {
    match format {
        WeightFormat::F32 => k * WIDTH,
        WeightFormat::Bf16 => k / 2 * WIDTH,
        WeightFormat::Q8 => k / BLOCK * BLOCK_WORDS,
        WeightFormat::Q4 => k / BLOCK * four_bits::BLOCK_WORDS,
    }
}

with_lanes! {
    /// # Safety
    /// The pointers must be good for what [`Column`] says, and no other task may touch these results.
    fn column(column: Column) = rows_by_panel
}

/// All rows, as many at a time as the registers hold.
#[inline(always)]
pub(crate) unsafe fn rows_by_panel<L: Lanes>(mut column: Column) {
    macro_rules! tiles {
        ($($rows:literal)*) => {
            $(while L::ROWS >= $rows && column.rows >= $rows {
                // SAFETY: the caller's; so many rows are left.
                unsafe { tile::<L, $rows>(&column) };
                column.rows -= $rows;
                // SAFETY: at most one past the last row.
                unsafe {
                    column.x = column.x.add($rows * column.x_stride);
                    column.y = column.y.wrapping_add($rows * column.y_stride);
                }
            })*
        };
    }
    tiles!(8 7 6 5 4 3 2 1);
}

#[inline(always)]
unsafe fn tile<L: Lanes, const M: usize>(column: &Column) {
    // SAFETY: the caller's.
    unsafe {
        let sums = match column.format {
            WeightFormat::F32 => f32_sums::<L, M>(column),
            WeightFormat::Bf16 => bf16_sums::<L, M>(column),
            WeightFormat::Q8 => byte_sums::<L, M>(column),
            WeightFormat::Q4 => four_bits::sums::<L, M>(column),
        };
        for (row, sums) in sums.into_iter().enumerate() {
            finish::<L>(sums, column.y.wrapping_add(row * column.y_stride), column);
        }
    }
}

#[inline(always)]
unsafe fn f32_sums<L: Lanes, const M: usize>(column: &Column) -> [[L::F; 2]; M] {
    // SAFETY: the caller's.
    unsafe {
        let mut sums = [[L::splat(0.0); 2]; M];
        let (mut panel, x) = (column.panel, column.x.cast::<f32>());
        for p in 0..column.k {
            ask_ahead::<L, M>(panel);
            let weights = [L::load(panel.cast()), L::load(panel.add(16).cast())];
            for (row, sums) in sums.iter_mut().enumerate() {
                let value = L::splat(*x.add(row * column.x_stride + p));
                *sums = [L::fma(weights[0], value, sums[0]), L::fma(weights[1], value, sums[1])];
            }
            panel = panel.add(WIDTH);
        }
        sums
    }
}

#[inline(always)]
unsafe fn bf16_sums<L: Lanes, const M: usize>(column: &Column) -> [[L::F; 2]; M] {
    // SAFETY: the caller's.
    unsafe {
        let mut sums = [[L::splat(0.0); 2]; M];
        let mut panel = column.panel;
        for p in 0..column.k / 2 {
            ask_ahead::<L, M>(panel);
            let weights = [L::load_words(panel), L::load_words(panel.add(16))];
            for (row, sums) in sums.iter_mut().enumerate() {
                let pair = *column.x.add(row * column.x_stride + p);
                *sums = [L::dot_bf16(weights[0], pair, sums[0]), L::dot_bf16(weights[1], pair, sums[1])];
            }
            panel = panel.add(WIDTH);
        }
        sums
    }
}

#[inline(always)]
unsafe fn byte_sums<L: Lanes, const M: usize>(column: &Column) -> [[L::F; 2]; M] {
    // SAFETY: the caller's.
    unsafe {
        let mut sums = [[L::splat(0.0); 2]; M];
        let blocks = column.k / BLOCK;
        for block in 0..blocks {
            let panel = column.panel.add(block * BLOCK_WORDS);
            let factors = [L::load_f16(panel.cast::<f16>()), L::load_f16(panel.add(8).cast::<f16>())];
            let whole = block_sums::<L, M>(column, block, panel.add(WIDTH / 2));
            for (row, (sums, whole)) in sums.iter_mut().zip(whole).enumerate() {
                let factor = column.x.add(row * column.x_stride + blocks * 8 + block).cast::<f32>();
                let factor = L::splat(*factor);
                *sums = [
                    L::fma(L::float(whole[0]), L::mul(factors[0], factor), sums[0]),
                    L::fma(L::float(whole[1]), L::mul(factors[1], factor), sums[1]),
                ];
            }
        }
        sums
    }
}

/// Whole-number sums of one block.
#[inline(always)]
unsafe fn block_sums<L: Lanes, const M: usize>(column: &Column, block: usize, mut panel: *const u32) -> [[L::I; 2]; M] {
    // SAFETY: the caller's.
    unsafe {
        let blocks = column.k / BLOCK;
        let mut whole = [[L::splat_int(0); 2]; M];
        for (row, whole) in whole.iter_mut().enumerate() {
            let start = *column.x.add(row * column.x_stride + blocks * 9 + block);
            *whole = [L::splat_int(start as i32); 2];
        }
        for p in block * 8..(block + 1) * 8 {
            ask_ahead::<L, M>(panel);
            let weights = [L::load_words(panel), L::load_words(panel.add(16))];
            for (row, whole) in whole.iter_mut().enumerate() {
                let four = *column.x.add(row * column.x_stride + p);
                *whole = [L::dot_bytes(weights[0], four, whole[0]), L::dot_bytes(weights[1], four, whole[1])];
            }
            panel = panel.add(WIDTH);
        }
        whole
    }
}

/// Writes the results of one row.
#[inline(always)]
unsafe fn finish<L: Lanes>(sums: [L::F; 2], y: *mut f32, column: &Column) {
    // SAFETY: the caller's: `width` results may be written.
    unsafe {
        if column.width == WIDTH && column.output == Output::Replace {
            L::store(y, sums[0]);
            L::store(y.add(16), sums[1]);
            return;
        }
        let mut values = [0.0_f32; WIDTH];
        L::store(values.as_mut_ptr(), sums[0]);
        L::store(values.as_mut_ptr().add(16), sums[1]);
        let y = std::slice::from_raw_parts_mut(y, column.width);
        put_row(&values, y, column.output);
    }
}

/// Puts the sums of a row, or as many as there are results, where they belong.
#[inline(always)]
fn put_row(sums: &[f32; WIDTH], y: &mut [f32], output: Output) {
    match output {
        Output::Replace => y.copy_from_slice(&sums[..y.len()]),
        Output::Add => y.iter_mut().zip(sums).for_each(|(y, sum)| *y += sum),
        Output::SwiGlu => {
            // A loop whose length is not known here: unrolled, it would not become vectors.
            let (gates, ups) = sums.split_at(WIDTH / 2);
            for (y, (gate, up)) in y.iter_mut().zip(gates.iter().zip(ups)) {
                *y = gate / (1.0 + exp(-gate)) * up;
            }
        }
    }
}

dispatched! {
    /// As [`put_row`], by itself.
    fn write_row(sums: &[f32; WIDTH], y: &mut [f32], output: Output) {
        put_row(sums, y, output);
    }
}
