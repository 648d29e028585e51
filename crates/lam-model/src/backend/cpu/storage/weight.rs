//! One weight of the decoder: frozen, or trained. Knows its name on disk, not what it is for.

use std::ops::{Deref, Range};
use std::sync::Arc;

use candle_core::{Result, Tensor, Var, bail};
use half::bf16;

use crate::backend::cpu::kernel::blocks::{BlockForm, Blocks};
use crate::backend::cpu::kernel::numbers::Numbers;
use crate::backend::cpu::storage;
use crate::backend::cpu::storage::activation::rounded;

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
}

/// A weight that is being read.
pub(crate) enum Held<'a, F> {
    F32(F),
    Bf16(&'a [bf16]),
    Blocks(&'a Blocks),
}

impl<F: Deref<Target = [f32]>> Held<'_, F> {
    pub(crate) fn numbers(&self) -> Numbers<'_> {
        match self {
            Self::F32(values) => Numbers::F32(values),
            Self::Bf16(values) => Numbers::Bf16(values),
            Self::Blocks(blocks) => Numbers::Blocks(blocks),
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
        if let (Stored::F32(tensor), None) = (&self.stored, &self.trained) {
            let values = rounded(&storage::values(tensor)?);
            self.stored = Stored::Bf16(Arc::new(values));
        }
        Ok(())
    }

    /// Stores the values in blocks of `bits`, unless they are; in bf16 where rows of this width cannot be cut into blocks.
    pub(crate) fn quantise(&mut self, bits: u8) -> Result<()> {
        if self.blocks().is_some_and(|blocks| blocks.raw().1.bits() == bits) {
            return Ok(());
        }
        match BlockForm::of(bits, self.shape[self.shape.len() - 1]) {
            Some(form) => self.stored = Stored::Blocks(Arc::new(Blocks::quantise(&self.to_tensor()?, form)?)),
            None => self.store_in_bf16()?,
        }
        Ok(())
    }

    /// The values in f32: the variable itself where there is one.
    pub(crate) fn to_tensor(&self) -> Result<Tensor> {
        match &self.stored {
            Stored::F32(tensor) => Ok(tensor.clone()),
            other => storage::tensor(other.numbers().to_f32(0..self.len()), self.shape.as_slice()),
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

    /// Bytes in memory.
    pub(crate) fn bytes(&self) -> usize {
        match &self.stored {
            Stored::F32(_) => self.len() * 4,
            Stored::Bf16(_) => self.len() * 2,
            Stored::Blocks(blocks) => blocks.bytes(),
        }
    }

    /// Some of the values, rounded where they are stored in more bits. In blocks, a part starts at a multiple of 32.
    pub(crate) fn to_bf16(&self, range: Range<usize>) -> Result<Vec<bf16>> {
        Ok(match &self.stored {
            Stored::F32(tensor) => rounded(&storage::values(tensor)?[range]),
            Stored::Bf16(values) => values[range].to_vec(),
            Stored::Blocks(blocks) => {
                let mut values = vec![bf16::ZERO; range.len()];
                blocks.expand(range.start, &mut values);
                values
            }
        })
    }

    /// The blocks of a weight that is stored in them.
    pub(crate) fn blocks(&self) -> Option<&Blocks> {
        match &self.stored {
            Stored::Blocks(blocks) => Some(blocks),
            Stored::F32(_) | Stored::Bf16(_) => None,
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
        })
    }
}

impl Stored {
    fn numbers(&self) -> Numbers<'_> {
        match self {
            Self::F32(_) => Numbers::F32(&[]),
            Self::Bf16(values) => Numbers::Bf16(values),
            Self::Blocks(blocks) => Numbers::Blocks(blocks),
        }
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
