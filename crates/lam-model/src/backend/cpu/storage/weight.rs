//! One weight of the decoder: frozen, or trained. Knows its name on disk, not what it is for.

use std::ops::{Deref, Range};
use std::sync::Arc;

use candle_core::{Result, Tensor, Var, bail};
use half::bf16;
use lam_gguf::Format;
use rayon::prelude::*;

use super::in_file::{Columns, Form, InFile, Product, Rows, narrow_into};
use super::span::NUMBERS;
use crate::backend::cpu::kernel::ROWS_PER_TASK;
use crate::backend::cpu::kernel::blocks::{BlockForm, Blocks};
use crate::backend::cpu::kernel::numbers::Numbers;
use crate::backend::cpu::storage;
use crate::backend::cpu::storage::activation::rounded;
use crate::{ModelError, Precision};

/// A named array of numbers. What is trained is f32; what is frozen may be stored in fewer bits.
#[derive(Clone, Debug)]
pub(crate) struct Weight {
    pub(crate) name: String,
    shape: Vec<usize>,
    stored: Stored,
    trained: Option<(Var, usize)>,
}

/// How the numbers are stored.
#[derive(Clone, Debug)]
pub(crate) enum Stored {
    /// f32, contiguous, on the CPU.
    F32(Tensor),
    Bf16(Arc<Vec<bf16>>),
    Blocks(Arc<Blocks>),
    /// Not held at all: read from its file whenever it is needed.
    InFile(InFile),
}

/// A weight that is being read.
pub(crate) enum Held<'a, F> {
    F32(F),
    Bf16(&'a [bf16]),
    Blocks(&'a Blocks),
    Read(Rows),
}

impl<F: Deref<Target = [f32]>> Held<'_, F> {
    pub(crate) fn numbers(&self) -> Numbers<'_> {
        match self {
            Self::F32(values) => Numbers::F32(values),
            Self::Bf16(values) => Numbers::Bf16(values),
            Self::Blocks(blocks) => Numbers::Blocks(blocks),
            Self::Read(rows) => rows.numbers(),
        }
    }
}

impl Weight {
    /// A weight that gets no gradient.
    pub(crate) fn frozen(name: String, tensor: Tensor) -> Result<Self> {
        let shape = tensor.dims().to_vec();
        Ok(Self { name, shape, stored: Stored::F32(tensor.detach().contiguous()?), trained: None })
    }

    /// A weight that gets no gradient, as it is stored.
    pub(crate) fn stored(name: String, shape: &[usize], stored: Stored) -> Self {
        Self { name, shape: shape.to_vec(), stored, trained: None }
    }

    /// The same values, trained; `index` is its number among the trained ones.
    pub(crate) fn train(&mut self, index: usize) -> Result<()> {
        let var = Var::from_tensor(&self.to_tensor()?)?;
        self.stored = Stored::F32(var.as_tensor().clone());
        self.trained = Some((var, index));
        Ok(())
    }

    /// Stores the values in bf16, unless they are trained or already stored in fewer bits.
    pub(crate) fn store_in_bf16(&mut self) -> Result<()> {
        match &mut self.stored {
            Stored::F32(tensor) if self.trained.is_none() => {
                let values = rounded(&storage::values(tensor)?);
                self.stored = Stored::Bf16(Arc::new(values));
            }
            Stored::InFile(weight) => weight.round(),
            Stored::F32(_) | Stored::Bf16(_) | Stored::Blocks(_) => {}
        }
        Ok(())
    }

    /// Stores the values in blocks of `bits`, unless they are; in bf16 where rows of this width cannot be cut into blocks.
    pub(crate) fn quantise(&mut self, bits: u8) -> Result<()> {
        if matches!(self.form(), Form::Blocks(form) if form.bits() == bits) {
            return Ok(());
        }
        match (BlockForm::of(bits, self.shape[self.shape.len() - 1]), &mut self.stored) {
            (Some(form), Stored::InFile(weight)) => weight.quantise(form),
            (Some(form), _) => {
                let tensor = self.to_tensor()?;
                let blocks = Blocks::of_values(&storage::values(&tensor)?, form)?;
                self.stored = Stored::Blocks(Arc::new(blocks));
            }
            (None, _) => self.store_in_bf16()?,
        }
        Ok(())
    }

    /// Adds an adapter's product to the values, which are frozen then; in its file, the weight stays there.
    pub(crate) fn merge(&mut self, product: Product) -> std::result::Result<(), ModelError> {
        if let (Stored::InFile(weight), None) = (&mut self.stored, &self.trained) {
            weight.merge(product);
            return Ok(());
        }
        let size = (self.shape[0], self.shape[1]);
        let merged = product.added_to(self.held()?.numbers(), &(0..size.0), size.1)?;
        *self = Self::frozen(self.name.clone(), storage::tensor(merged, size)?)?;
        Ok(())
    }

    /// Reads a weight that is still in its file.
    pub(crate) fn hold(&mut self) -> Result<()> {
        let Stored::InFile(weight) = &self.stored else { return Ok(()) };
        self.stored = match weight.all().map_err(candle_core::Error::wrap)? {
            Rows::F32(values) => Stored::F32(storage::tensor(values, self.shape.as_slice())?),
            Rows::Bf16(values) => Stored::Bf16(Arc::new(values)),
            Rows::Blocks(blocks) => Stored::Blocks(Arc::new(blocks)),
        };
        Ok(())
    }

    /// The values in f32: the variable itself where there is one.
    pub(crate) fn to_tensor(&self) -> Result<Tensor> {
        match &self.stored {
            Stored::F32(tensor) => Ok(tensor.clone()),
            _ => storage::tensor(self.held()?.numbers().to_f32(0..self.len()), self.shape.as_slice()),
        }
    }

    /// The variable, if it is trained.
    pub(crate) fn variable(&self) -> Option<&Var> {
        self.trained.as_ref().map(|(var, _)| var)
    }

    /// Its number among the trained weights.
    pub(crate) fn index(&self) -> Option<usize> {
        self.trained.as_ref().map(|(_, index)| *index)
    }

    /// The first dimension: rows of a matrix.
    pub(crate) fn outputs(&self) -> usize {
        self.shape[0]
    }

    /// Its dimensions.
    pub(crate) fn shape(&self) -> Vec<usize> {
        self.shape.clone()
    }

    /// Number of values.
    pub(crate) fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// In which numbers it is used.
    pub(crate) fn form(&self) -> Form {
        match &self.stored {
            Stored::F32(_) => Form::F32,
            Stored::Bf16(_) => Form::Bf16,
            Stored::Blocks(blocks) => Form::Blocks(blocks.raw().1),
            Stored::InFile(weight) => weight.form(),
        }
    }

    /// Whether it is used in bf16.
    pub(crate) fn is_bf16(&self) -> bool {
        matches!(self.form(), Form::Bf16)
    }

    /// Bytes in memory, of this one's or of a device's.
    pub(crate) fn bytes(&self) -> usize {
        match self.form() {
            Form::F32 => self.len() * 4,
            Form::Bf16 => self.len() * 2,
            Form::Blocks(form) => self.len() / form.size().0 * form.size().1,
        }
    }

    /// Rounds the values to bf16, unless they are trained. Vectors stay in f32: every operation reads them so.
    pub(crate) fn round(&mut self) -> Result<()> {
        match &self.stored {
            Stored::F32(tensor) if self.shape.len() < 2 && self.trained.is_none() => {
                let narrow = rounded(&storage::values(tensor)?);
                let values = Numbers::Bf16(&narrow).to_f32(0..narrow.len());
                self.stored = Stored::F32(storage::tensor(values, self.shape.as_slice())?);
                Ok(())
            }
            _ => self.store_in_bf16(),
        }
    }

    /// The values as files have them, in this precision.
    pub(crate) fn to_bytes(&self, precision: Precision) -> std::result::Result<Vec<u8>, ModelError> {
        if precision == Precision::F32 {
            let tensor = self.to_tensor()?;
            let values = storage::values(&tensor)?;
            return Ok(values.iter().map(|value| value.to_le_bytes()).collect::<Vec<_>>().into_flattened());
        }
        let width = self.shape[self.shape.len() - 1];
        let mut narrow = vec![bf16::ZERO; self.len()];
        let to = Columns { values: &mut narrow, stride: width, first: 0 };
        self.fill((0..self.len() / width.max(1), width), 1.0, to)?;
        Ok(narrow.iter().map(|value| value.to_le_bytes()).collect::<Vec<_>>().into_flattened())
    }

    /// Some rows in f32; a vector is one row. Of a weight that is still in its file, only they are read.
    pub(crate) fn rows(&self, rows: Range<usize>) -> std::result::Result<Vec<f32>, ModelError> {
        let width = self.shape[self.shape.len() - 1];
        let numbers = rows.start * width..rows.end * width;
        match &self.stored {
            Stored::InFile(weight) => Ok(weight.rows(rows)?.numbers().to_f32(0..numbers.len())),
            _ => Ok(self.held()?.numbers().to_f32(numbers)),
        }
    }

    /// Writes some rows, of `width` values each, into columns of as many rows, in bf16 and times `scale`.
    pub(crate) fn fill(
        &self,
        (rows, width): (Range<usize>, usize),
        scale: f32,
        to: Columns<'_>,
    ) -> std::result::Result<(), ModelError> {
        if let Stored::InFile(weight) = &self.stored {
            return weight.fill(rows, scale, to);
        }
        let (held, per_part) = (self.held()?, (NUMBERS / width).max(1));
        let numbers = held.numbers();
        to.values.par_chunks_mut(per_part * to.stride).enumerate().for_each(|(part, values)| {
            for (row, values) in values.chunks_mut(to.stride).enumerate() {
                let start = (rows.start + part * per_part + row) * width;
                narrow_into(numbers, start..start + width, scale, &mut values[to.first..to.first + width]);
            }
        });
        Ok(())
    }

    /// Where it lies, if it was left in its file.
    pub(crate) fn in_file(&self) -> Option<&InFile> {
        match &self.stored {
            Stored::InFile(weight) => Some(weight),
            _ => None,
        }
    }

    /// Writes these rows of a matrix in f32, one after the other. Of one that is still in its file, only they are read.
    pub(crate) fn gather(&self, rows: &[u32], to: &mut [f32]) -> Result<()> {
        if let Stored::InFile(weight) = &self.stored {
            return weight.gather(rows, to).map_err(candle_core::Error::wrap);
        }
        let (held, width) = (self.held()?, self.shape[1]);
        let numbers = held.numbers();
        to.par_chunks_mut(ROWS_PER_TASK * width).zip(rows.par_chunks(ROWS_PER_TASK)).for_each(|(to, rows)| {
            to.chunks_mut(width).zip(rows).for_each(|(to, &row)| numbers.write_f32(row as usize * width, to));
        });
        Ok(())
    }

    /// The blocks of a weight that is held in them.
    pub(crate) fn blocks(&self) -> Option<&Blocks> {
        match &self.stored {
            Stored::Blocks(blocks) => Some(blocks),
            _ => None,
        }
    }

    /// Writes the blocks of some rows of a quantised weight, each of the same number of bytes.
    pub(crate) fn fill_blocks(&self, rows: Range<usize>, to: &mut [u8]) -> std::result::Result<(), ModelError> {
        match &self.stored {
            Stored::InFile(weight) => weight.fill_blocks(rows, to),
            Stored::Blocks(blocks) => {
                let bytes = to.len() / rows.len().max(1);
                to.copy_from_slice(&blocks.raw().0[rows.start * bytes..rows.end * bytes]);
                Ok(())
            }
            Stored::F32(_) | Stored::Bf16(_) => unreachable!("asked of what is quantised"),
        }
    }

    /// The values of a weight that is stored in f32.
    pub(crate) fn values(&self) -> Result<impl Deref<Target = [f32]> + use<'_>> {
        match &self.stored {
            Stored::F32(tensor) => storage::values(tensor),
            _ => bail!("`{}` is not stored in f32", self.name),
        }
    }

    /// The values, however they are stored.
    pub(crate) fn held(&self) -> Result<Held<'_, impl Deref<Target = [f32]> + use<'_>>> {
        Ok(match &self.stored {
            Stored::F32(tensor) => Held::F32(storage::values(tensor)?),
            Stored::Bf16(values) => Held::Bf16(values),
            Stored::Blocks(blocks) => Held::Blocks(blocks),
            Stored::InFile(weight) => Held::Read(weight.all().map_err(candle_core::Error::wrap)?),
        })
    }
}

/// The form of blocks that are computed with as they lie in a GGUF file.
fn form_of(format: Format) -> Option<BlockForm> {
    match format {
        Format::Q8_0 => Some(BlockForm::Q8_0),
        Format::Q4_0 => Some(BlockForm::Q4_0),
        Format::Q4K => Some(BlockForm::Q4K),
        Format::F32 | Format::F16 | Format::BF16 | Format::Q6K => None,
    }
}

impl Stored {
    /// Whether numbers in this format stay in their blocks.
    pub(crate) fn takes(format: Format) -> bool {
        form_of(format).is_some()
    }

    /// Whole blocks as they lie in a file; none where a value is no finite number, or the format is kept otherwise.
    pub(crate) fn of_blocks(format: Format, bytes: Vec<u8>) -> Option<Self> {
        let blocks = Blocks::of_bytes(form_of(format)?, bytes);
        blocks.are_finite().then(|| Self::Blocks(Arc::new(blocks)))
    }
}

/// Gradients of the trained weights, by their number.
#[derive(Debug, Default)]
pub(crate) struct Gradients(Vec<Option<Vec<f32>>>);

impl Gradients {
    /// Gradient of a weight to add to, zero at first; none if the weight is frozen.
    pub(crate) fn of(&mut self, weight: &Weight) -> Option<&mut [f32]> {
        let index = weight.index()?;
        if self.0.len() <= index {
            self.0.resize_with(index + 1, || None);
        }
        Some(self.0[index].get_or_insert_with(|| vec![0.0; weight.len()]))
    }

    /// Gradients of two weights at once.
    pub(crate) fn of_both(&mut self, a: &Weight, b: &Weight) -> (Option<&mut [f32]>, Option<&mut [f32]>) {
        let (Some(i), Some(j)) = (a.index(), b.index()) else { return (None, None) };
        self.of(a);
        self.of(b);
        let [a, b] = self.0.get_disjoint_mut([i, j]).expect("two weights have two places");
        (a.as_deref_mut(), b.as_deref_mut())
    }

    /// Removes the gradient of an index.
    pub(crate) fn take(&mut self, index: usize) -> Option<Vec<f32>> {
        self.0.get_mut(index).and_then(Option::take)
    }
}
