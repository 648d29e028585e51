//! One weight of the decoder: frozen, or trained. Knows its name on disk, not what it is for.

use std::ops::Deref;

use candle_core::{Result, Tensor, Var};

use crate::ops::storage;

/// A named tensor of f32, contiguous, on the CPU.
#[derive(Clone, Debug)]
pub(crate) struct Weight {
    pub(crate) name: String,
    tensor: Tensor,
    trained: Option<(Var, usize)>,
}

impl Weight {
    /// A weight that gets no gradient.
    pub(crate) fn frozen(name: String, tensor: Tensor) -> Result<Self> {
        Ok(Self { name, tensor: tensor.detach().contiguous()?, trained: None })
    }

    /// The same values, trained; `place` is its number among the trained ones.
    pub(crate) fn train(&mut self, place: usize) -> Result<()> {
        let var = Var::from_tensor(&self.tensor)?;
        self.tensor = var.as_tensor().clone();
        self.trained = Some((var, place));
        Ok(())
    }

    /// The tensor, on the tape if it is trained.
    pub(crate) fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// The variable, if it is trained.
    pub(crate) fn variable(&self) -> Option<&Var> {
        self.trained.as_ref().map(|(var, _)| var)
    }

    /// Its number among the trained weights.
    pub(crate) fn place(&self) -> Option<usize> {
        self.trained.as_ref().map(|(_, place)| *place)
    }

    pub(crate) fn values(&self) -> Result<impl Deref<Target = [f32]> + use<'_>> {
        storage::values(&self.tensor)
    }
}

/// Gradients of the trained weights, by their number.
#[derive(Debug, Default)]
pub(crate) struct Gradients(Vec<Option<Vec<f32>>>);

impl Gradients {
    /// Gradient of a weight to add to, zero at first; none if the weight is frozen.
    pub(crate) fn of(&mut self, weight: &Weight) -> Option<&mut [f32]> {
        let place = weight.place()?;
        if self.0.len() <= place {
            self.0.resize_with(place + 1, || None);
        }
        Some(self.0[place].get_or_insert_with(|| vec![0.0; weight.tensor.elem_count()]))
    }

    /// Removes the gradient of a place.
    pub(crate) fn take(&mut self, place: usize) -> Option<Vec<f32>> {
        self.0.get_mut(place).and_then(Option::take)
    }
}
