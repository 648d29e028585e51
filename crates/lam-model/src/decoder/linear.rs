//! A linear layer of a block: its weight, and perhaps an adapter beside it.

use candle_core::Result;

use super::weight::{Gradients, Weight};
use crate::ops::dropout::Dropout;
use crate::ops::{linear, lora};

/// y = x wᵀ, plus the adapter's part.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    pub(crate) weight: Weight,
    /// Output and input width.
    pub(crate) size: (usize, usize),
    pub(crate) adapter: Option<LoraPair>,
}

/// The two factors of an adapter.
#[derive(Clone, Debug)]
pub(crate) struct LoraPair {
    pub(crate) a: Weight,
    pub(crate) b: Weight,
    pub(crate) rank: usize,
    pub(crate) scale: f32,
    pub(crate) dropout: f64,
}

/// What the backward of a linear layer wants from its forward: the inner values of the adapter, if there is one.
pub(crate) type Inner = Option<Vec<f32>>;

impl LoraPair {
    fn with<R>(&self, seed: Option<u64>, run: impl FnOnce(lora::Adapter<'_>) -> R) -> Result<R> {
        let (a, b) = (self.a.values()?, self.b.values()?);
        let dropout = seed.filter(|_| self.dropout > 0.0).map(|seed| Dropout { rate: self.dropout, seed });
        Ok(run(lora::Adapter { a: &a, b: &b, rank: self.rank, scale: self.scale, dropout }))
    }
}

impl Linear {
    /// Adds the layer's output to `y`, or replaces it.
    pub(crate) fn forward(&self, x: &[f32], y: &mut [f32], accumulate: bool, seed: Option<u64>) -> Result<Inner> {
        let (n, k) = self.size;
        crate::kernel::matmul::by_transposed(x, &self.weight.values()?, y, n, k, 1.0, accumulate);
        self.adapter.as_ref().map(|pair| pair.with(seed, |adapter| adapter.forward(x, y, self.size))).transpose()
    }

    /// Gradient by x, added to `gx` or in its place, and by whatever is trained here.
    pub(crate) fn backward(
        &self,
        (x, inner, g): (&[f32], &Inner, &[f32]),
        gx: &mut [f32],
        accumulate: bool,
        seed: Option<u64>,
        gradients: &mut Gradients,
    ) -> Result<()> {
        linear::backward_input(g, &self.weight.values()?, gx, self.size, accumulate);
        if let Some(gw) = gradients.of(&self.weight) {
            linear::backward_weight(g, x, gw, self.size);
        }
        let (Some(pair), Some(inner)) = (&self.adapter, inner) else { return Ok(()) };
        let mut ga = vec![0.0; pair.a.tensor().elem_count()];
        let mut gb = vec![0.0; pair.b.tensor().elem_count()];
        pair.with(seed, |adapter| adapter.backward((x, inner, g), gx, (&mut ga, &mut gb), self.size))?;
        for (weight, gradient) in [(&pair.a, ga), (&pair.b, gb)] {
            if let Some(total) = gradients.of(weight) {
                crate::kernel::rows::add(total, &gradient);
            }
        }
        Ok(())
    }

    /// The weight, then the adapter's.
    pub(crate) fn weights(&self) -> impl Iterator<Item = &Weight> {
        std::iter::once(&self.weight).chain(self.adapter.iter().flat_map(|pair| [&pair.a, &pair.b]))
    }

    /// Weight plus scale × B A, where there is an adapter.
    pub(crate) fn merged(&self) -> Result<Option<candle_core::Tensor>> {
        let Some(pair) = &self.adapter else { return Ok(None) };
        let mut merged = self.weight.values()?.to_vec();
        let (a, b) = (pair.a.values()?, pair.b.values()?);
        crate::kernel::matmul::by_plain(&b, &a, &mut merged, pair.rank, self.size.1, pair.scale, true);
        Ok(Some(crate::ops::storage::tensor(merged, self.size)?))
    }
}
