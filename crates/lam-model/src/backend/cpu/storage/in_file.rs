//! A frozen weight that stays in its file: some rows of it are read at a time, and made into what it is used as. For
//! models that are computed elsewhere than in the processor's memory, or laid out anew on the way there, and for a large
//! embedding, of which a batch uses few rows.

use std::ops::Range;

use candle_core::Tensor;
use half::bf16;
use lam_gguf::Format;
use rayon::prelude::*;

use super::activation::{round_into, rounded};
use super::span::{FileSpan, NUMBERS};
use crate::ModelError;
use crate::backend::cpu::kernel::ROWS_PER_TASK;
use crate::backend::cpu::kernel::blocks::{BlockForm, Blocks};
use crate::backend::cpu::kernel::matmul;
use crate::backend::cpu::kernel::numbers::Numbers;
use crate::backend::cpu::storage;

/// Where it lies, and what is done to its rows once they are read, in this order.
#[derive(Clone, Debug)]
pub(crate) struct InFile {
    span: FileSpan,
    steps: Vec<Step>,
}

/// What is done to rows, each for itself.
#[derive(Clone, Debug)]
enum Step {
    /// Rounded to bf16, where they are in f32.
    Bf16,
    Blocks(BlockForm),
    /// An adapter's product is added, in f32.
    Merged(Product),
}

/// What an adapter adds to a weight: scale × B A. Shapes: A [R, K]; B [N, R].
#[derive(Clone, Debug)]
pub(crate) struct Product {
    pub(crate) a: Tensor,
    pub(crate) b: Tensor,
    pub(crate) rank: usize,
    pub(crate) scale: f32,
}

impl Product {
    /// These rows, of `width` numbers, with what is added to them.
    pub(crate) fn added_to(
        &self,
        read: Numbers<'_>,
        rows: &Range<usize>,
        width: usize,
    ) -> Result<Vec<f32>, ModelError> {
        let (a, b) = (storage::values(&self.a)?, storage::values(&self.b)?);
        let mut sum = read.to_f32(0..rows.len() * width);
        let b = &b[rows.start * self.rank..rows.end * self.rank];
        matmul::by_plain(b, &a, &mut sum, self.rank, width, self.scale, true);
        Ok(sum)
    }
}

/// In which numbers a weight is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    F32,
    Bf16,
    Blocks(BlockForm),
}

/// Rows that were read.
pub(crate) enum Rows {
    F32(Vec<f32>),
    Bf16(Vec<bf16>),
    Blocks(Blocks),
}

/// Columns of a matrix to be filled: the first of them, in rows of `stride`.
pub(crate) struct Columns<'a> {
    pub(crate) values: &'a mut [bf16],
    pub(crate) stride: usize,
    pub(crate) first: usize,
}

impl Rows {
    /// The numbers, lent.
    pub(crate) fn numbers(&self) -> Numbers<'_> {
        match self {
            Self::F32(values) => Numbers::F32(values),
            Self::Bf16(values) => Numbers::Bf16(values),
            Self::Blocks(blocks) => Numbers::Blocks(blocks),
        }
    }
}

impl InFile {
    /// The tensor as it lies there.
    pub(crate) fn new(span: FileSpan) -> Self {
        Self { span, steps: Vec::new() }
    }

    /// In which numbers it is used.
    pub(crate) fn form(&self) -> Form {
        match self.steps.last() {
            None if self.span.format != Format::BF16 => Form::F32,
            None | Some(Step::Bf16) => Form::Bf16,
            Some(Step::Blocks(form)) => Form::Blocks(*form),
            Some(Step::Merged(_)) => Form::F32,
        }
    }

    /// From now on it is rounded to bf16, where it is used in f32.
    pub(crate) fn round(&mut self) {
        if self.form() == Form::F32 {
            self.steps.push(Step::Bf16);
        }
    }

    /// From now on it is quantised.
    pub(crate) fn quantise(&mut self, form: BlockForm) {
        self.steps.push(Step::Blocks(form));
    }

    /// From now on an adapter's product is added.
    pub(crate) fn merge(&mut self, product: Product) {
        self.steps.push(Step::Merged(product));
    }

    /// Numbers in a row.
    fn width(&self) -> usize {
        self.span.shape.last().copied().unwrap_or(1)
    }

    /// All rows.
    pub(crate) fn all(&self) -> Result<Rows, ModelError> {
        self.rows(0..self.span.count() / self.width().max(1))
    }

    /// Some rows, by this thread.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Result<Rows, ModelError> {
        let read = self.unchecked(rows)?;
        self.span.refuse_if_changed()?;
        Ok(read)
    }

    /// As [`InFile::rows`]; whether the file was written to meanwhile is the caller's to ask, after the last of them.
    fn unchecked(&self, rows: Range<usize>) -> Result<Rows, ModelError> {
        let width = self.width();
        let (first, count) = (rows.start * width, rows.len() * width);
        let mut read = if self.span.format == Format::BF16 {
            let mut values = vec![bf16::ZERO; count];
            self.span.to_bf16(first, &mut values)?;
            Rows::Bf16(values)
        } else {
            Rows::F32(self.span.finite_f32(first, count)?)
        };
        for step in &self.steps {
            read = step.apply(read, &rows, width)?;
        }
        Ok(read)
    }

    /// Writes these rows in f32, one after the other, some of them a thread. Only they are read.
    pub(crate) fn gather(&self, rows: &[u32], to: &mut [f32]) -> Result<(), ModelError> {
        let width = self.width();
        let parts = to.par_chunks_mut(ROWS_PER_TASK * width).zip(rows.par_chunks(ROWS_PER_TASK));
        parts.try_for_each(|(to, rows)| {
            to.chunks_mut(width).zip(rows).try_for_each(|(to, &row)| {
                self.unchecked(row as usize..row as usize + 1)?.numbers().write_f32(0, to);
                Ok::<_, ModelError>(())
            })
        })?;
        self.span.refuse_if_changed()
    }

    /// Writes some rows into columns of as many rows, in bf16 and times `scale`, some of them a thread.
    pub(crate) fn fill(&self, rows: Range<usize>, scale: f32, to: Columns<'_>) -> Result<(), ModelError> {
        let (width, stride) = (self.width(), to.stride);
        let per_part = (NUMBERS / width.max(1)).max(1);
        let as_it_lies = scale == 1.0 && self.steps.iter().all(|step| matches!(step, Step::Bf16));
        let parts = to.values.par_chunks_mut(per_part * stride).enumerate();
        parts.try_for_each(|(part, values)| {
            let (first, count) = (rows.start + part * per_part, values.len() / stride);
            if as_it_lies && width == stride {
                return self.span.to_bf16(first * width, values);
            }
            let mut narrow = vec![bf16::ZERO; count * width];
            if as_it_lies {
                self.span.to_bf16(first * width, &mut narrow)?;
            } else {
                let read = self.unchecked(first..first + count)?;
                narrow_into(read.numbers(), 0..count * width, scale, &mut narrow);
            }
            for (to_row, from) in values.chunks_mut(stride).zip(narrow.chunks(width)) {
                to_row[to.first..to.first + width].copy_from_slice(from);
            }
            Ok(())
        })?;
        self.span.refuse_if_changed()
    }

    /// Writes the blocks of some rows, each of the same number of bytes, some of them a thread.
    pub(crate) fn fill_blocks(&self, rows: Range<usize>, to: &mut [u8]) -> Result<(), ModelError> {
        let bytes = to.len() / rows.len().max(1);
        let per_part = (NUMBERS / self.width().max(1)).max(1);
        to.par_chunks_mut(per_part * bytes).enumerate().try_for_each(|(part, to)| {
            let first = rows.start + part * per_part;
            match self.rows(first..first + to.len() / bytes)? {
                Rows::Blocks(blocks) => to.copy_from_slice(blocks.raw().0),
                Rows::F32(_) | Rows::Bf16(_) => unreachable!("asked of what is quantised"),
            }
            Ok(())
        })
    }
}

impl Step {
    /// Does it to rows of so many numbers, which are those of this range of all.
    fn apply(&self, read: Rows, rows: &Range<usize>, width: usize) -> Result<Rows, ModelError> {
        Ok(match (self, read) {
            (Self::Bf16, Rows::F32(values)) => Rows::Bf16(rounded(&values)),
            (Self::Bf16, narrow) => narrow,
            (Self::Blocks(form), read) => {
                let values = match read {
                    Rows::F32(values) => values,
                    narrow => narrow.numbers().to_f32(0..rows.len() * width),
                };
                Rows::Blocks(Blocks::of_values(&values, *form)?)
            }
            (Self::Merged(product), read) => Rows::F32(product.added_to(read.numbers(), rows, width)?),
        })
    }
}

/// Some numbers in bf16, times `scale`.
pub(crate) fn narrow_into(numbers: Numbers<'_>, range: Range<usize>, scale: f32, to: &mut [bf16]) {
    match numbers {
        Numbers::Bf16(values) if scale == 1.0 => to.copy_from_slice(&values[range]),
        Numbers::F32(values) if scale == 1.0 => round_into(&values[range], to),
        Numbers::Blocks(blocks) if scale == 1.0 => blocks.expand(range.start, to),
        numbers => {
            let mut wide = numbers.to_f32(range);
            wide.iter_mut().for_each(|value| *value *= scale);
            round_into(&wide, to);
        }
    }
}
