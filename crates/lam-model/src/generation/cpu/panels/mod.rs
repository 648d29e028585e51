//! A weight laid out for generation: y = x wᵀ with each element summed in the order of its inputs, always.

mod column;
mod four_bits;
mod packed_inputs;
mod tile;

use std::ops::Range;

use half::f16;
use rayon::prelude::*;

use crate::backend::cpu::kernel::pages::{Arena, Region};
use crate::backend::cpu::kernel::rows::bf16;
use crate::backend::cpu::kernel::shared::Shared;
use crate::backend::cpu::kernel::spin_pool::SpinPool;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use crate::backend::cpu::kernel::tiles::ByteRows;
use crate::backend::cpu::kernel::tiles::{FewRows, STEP, Unit};
use crate::{ModelError, WeightFormat};
use column::Column;
pub(crate) use column::{Output, WIDTH};
pub(crate) use four_bits::{Group, Groups};
use packed_inputs::BLOCK;
pub(crate) use packed_inputs::PackedInputs;
use tile::{BLOCK_WORDS, column, panel_words, write_row};

/// Multiplications that are worth a task of their own.
const WORTH_A_TASK: usize = 1 << 15;

/// A weight [N, K] as panels of `WIDTH` outputs, the last one filled up with zeros. In words, a panel is:
/// f32: [K, WIDTH]; bf16: [K / 2, WIDTH] pairs; 8 bits: for each block of 32 inputs the outputs' factors, then
/// [8, WIDTH] quadruples of bytes with an offset of 128; 4 bits: see [`four_bits`].
#[derive(Clone)]
pub(crate) struct Panels {
    format: WeightFormat,
    n: usize,
    k: usize,
    data: Region,
    /// Who multiplies pairs of bf16 as tiles, where anybody does.
    unit: Option<Unit>,
}

/// Gives the K values of one output.
pub(crate) type Rows<'a> = dyn Fn(usize, &mut [f32]) -> Result<(), ModelError> + Sync + 'a;

/// Inputs, filled up to whole pairs or blocks, or for tiles to whole steps.
fn filled(format: WeightFormat, k: usize, on_tiles: bool) -> usize {
    match format {
        WeightFormat::F32 => k,
        WeightFormat::Bf16 if on_tiles => k.next_multiple_of(STEP),
        WeightFormat::Bf16 => k.next_multiple_of(2),
        WeightFormat::Q8 | WeightFormat::Q4 => k.next_multiple_of(BLOCK),
    }
}

impl Panels {
    /// Lays out `n` outputs of `k` inputs: in 4 bits where that is asked for and the outputs lie in such blocks, in 8
    /// bits where they do not.
    ///
    /// # Errors
    /// As `rows` and `groups`.
    pub(crate) fn of_blocks(
        arena: &mut Arena,
        format: WeightFormat,
        (n, k): (usize, usize),
        rows: &Rows<'_>,
        groups: Option<&Groups<'_>>,
    ) -> Result<Self, ModelError> {
        let fits = format == WeightFormat::Q4 && k.is_multiple_of(BLOCK);
        let Some(groups) = groups.filter(|_| fits) else { return Self::new(arena, format, (n, k), rows) };
        let size = panel_words(format, k);
        let data = arena.region(n.div_ceil(WIDTH) * size, |words| {
            words.par_chunks_mut(size).enumerate().try_for_each(|(number, panel)| {
                let mut row = vec![Group::NOTHING; k / BLOCK];
                for place in 0..WIDTH.min(n - number * WIDTH) {
                    groups(number * WIDTH + place, &mut row)?;
                    for (group, block) in row.iter().zip(panel.chunks_exact_mut(four_bits::BLOCK_WORDS)) {
                        four_bits::write(group, place, block);
                    }
                }
                Ok::<_, ModelError>(())
            })
        })?;
        Ok(Self { format, unit: None, n, k, data })
    }

    /// Lays out `n` outputs of `k` inputs; in 8 bits where 4 are asked for.
    ///
    /// # Errors
    /// As `rows`.
    pub(crate) fn new(
        arena: &mut Arena,
        format: WeightFormat,
        size: (usize, usize),
        rows: &Rows<'_>,
    ) -> Result<Self, ModelError> {
        Self::for_unit(Unit::for_panels(), arena, format, size, rows)
    }

    /// As [`Panels::new`], for tiles where there is a unit.
    fn for_unit(
        unit: Option<Unit>,
        arena: &mut Arena,
        format: WeightFormat,
        (n, k): (usize, usize),
        rows: &Rows<'_>,
    ) -> Result<Self, ModelError> {
        let format = format.of_inputs();
        let unit = unit.filter(|_| format == WeightFormat::Bf16);
        let filled = filled(format, k, unit.is_some());
        let size = panel_words(format, filled);
        let data = arena.region(n.div_ceil(WIDTH) * size, |words| {
            words.par_chunks_mut(size).enumerate().try_for_each(|(number, panel)| {
                let mut row = vec![0.0; filled];
                for place in 0..WIDTH.min(n - number * WIDTH) {
                    rows(number * WIDTH + place, &mut row[..k])?;
                    write(format, &row, place, panel);
                }
                Ok::<_, ModelError>(())
            })
        })?;
        Ok(Self { format, n, k: filled, data, unit })
    }

    /// Outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.n
    }

    /// x wᵀ of some rows of `x` into the same rows of `y`. Shapes: x [M, K]; y [M, N], or [M, N / 2] for SwiGLU.
    pub(crate) fn apply(&self, pool: &SpinPool, x: &PackedInputs, rows: Range<usize>, y: &mut [f32], output: Output) {
        let size = panel_words(self.format, self.k);
        let share = if output == Output::SwiGlu { 2 } else { 1 };
        let (n, step) = (self.n / share, WIDTH / share);
        assert!(
            x.format() == self.format.of_inputs() && filled(self.format, x.inputs(), self.unit.is_some()) == self.k,
            "inputs of another weight"
        );
        assert!(rows.end <= x.rows() && rows.end * n <= y.len(), "rows outside the inputs or the results");
        if rows.is_empty() {
            return;
        }
        let y = Shared::new(&mut y[rows.start * n..rows.end * n]);
        let panels = self.n.div_ceil(WIDTH);
        let least = WORTH_A_TASK.div_ceil(rows.len() * self.k * WIDTH);
        pool.split(panels, least, &|panels| {
            let mut take = |panel: usize, row: usize, sums: &[f32; WIDTH]| {
                let first = (panels.start + panel) * step;
                // SAFETY: only this task writes to these columns.
                let y = unsafe { y.part(row * n + first, step.min(n - first)) };
                write_row(sums, y, output);
            };
            if self.on_tiles(x, rows.clone(), panels.clone(), &mut take) {
                return;
            }
            for number in panels {
                let column_ = Column {
                    format: self.format,
                    x: x.words()[rows.start * x.stride()..].as_ptr(),
                    x_stride: x.stride(),
                    rows: rows.len(),
                    k: self.k,
                    panel: self.data[number * size..(number + 1) * size].as_ptr(),
                    y: y.pointer(number * step),
                    y_stride: n,
                    width: step.min(n - number * step),
                    output,
                };
                // SAFETY: inputs, panel and results were just checked to be large enough, and only this panel writes to
                // these columns.
                unsafe { column(column_) };
            }
        });
    }
    /// Some rows by some panels on tiles, or in their order, where that is how they are multiplied.
    fn on_tiles(
        &self,
        x: &PackedInputs,
        rows: Range<usize>,
        panels: Range<usize>,
        take: &mut dyn FnMut(usize, usize, &[f32; WIDTH]),
    ) -> bool {
        let left = x.words()[rows.start * x.stride()..].as_ptr();
        let size = panel_words(self.format, self.k);
        let start = self.data[panels.start * size..].as_ptr();
        let (left_stride, rows, count) = (x.stride(), rows.len(), panels.len());
        if let Some(unit) = self.unit.filter(|unit| unit.takes(rows)) {
            let few = FewRows { left, left_stride, rows, panels: start, reduction: self.k, count };
            // SAFETY: whole blocks of rows can be read from any row on, the panels are as long as their steps, and
            // the unit is this processor's.
            unsafe { unit.multiply_few(few, take) };
            return true;
        }
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        if self.format == WeightFormat::Q8 && Unit::takes_bytes(rows) {
            let job = ByteRows { left, left_stride, rows, panels: start, count, blocks: self.k / BLOCK };
            // SAFETY: as above, of blocks.
            unsafe { Unit::multiply_bytes(job, take) };
            return true;
        }
        false
    }
}

/// Writes the inputs of the output at `place` into its panel.
fn write(format: WeightFormat, row: &[f32], place: usize, panel: &mut [u32]) {
    match format {
        WeightFormat::F32 => {
            for (p, value) in row.iter().enumerate() {
                panel[p * WIDTH + place] = value.to_bits();
            }
        }
        WeightFormat::Bf16 => {
            for (p, pair) in row.chunks_exact(2).enumerate() {
                panel[p * WIDTH + place] = bf16(pair[0]) | bf16(pair[1]) << 16;
            }
        }
        WeightFormat::Q8 => {
            for (row, block) in row.chunks_exact(BLOCK).zip(panel.chunks_exact_mut(BLOCK_WORDS)) {
                write_block(row, place, block);
            }
        }
        WeightFormat::Q4 => unreachable!("blocks of 4 bits are laid out as they are"),
    }
}

/// One block of one output: factor = max |w| / 127, rounded to f16; bytes = round(w / factor) + 128.
fn write_block(row: &[f32], place: usize, block: &mut [u32]) {
    let highest = row.iter().fold(0.0_f32, |a, b| if b.is_nan() { f32::NAN } else { a.max(b.abs()) });
    let factor = f16::from_f32(highest / 127.0);
    block[place / 2] |= u32::from(factor.to_bits()) << (16 * (place % 2));
    let inverse = if factor.to_f32() > 0.0 { 1.0 / factor.to_f32() } else { 0.0 };
    for (p, four) in row.chunks_exact(4).enumerate() {
        let byte = |value: f32| ((value * inverse).round().clamp(-127.0, 127.0) as i32 + 128) as u8;
        block[WIDTH / 2 + p * WIDTH + place] = u32::from_le_bytes(std::array::from_fn(|i| byte(four[i])));
    }
}

#[cfg(test)]
mod tests;
