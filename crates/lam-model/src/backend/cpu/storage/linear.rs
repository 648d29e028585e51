//! A linear layer of a block: its weight, and perhaps a bias and an adapter beside it.

use candle_core::Result;

use super::in_file::Product;
use super::weight::Weight;
use crate::backend::cpu::ops::dropout::Dropout;
use crate::backend::cpu::ops::lora;

/// y = x wᵀ, plus the bias, plus the adapter's part.
#[derive(Clone, Debug)]
pub(crate) struct Linear {
    pub(crate) weight: Weight,
    /// Shape: `[N]`.
    pub(crate) bias: Option<Weight>,
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
    /// Numerator of the scale.
    pub(crate) alpha: f64,
    pub(crate) scale: f32,
    pub(crate) dropout: f64,
}

impl LoraPair {
    /// What it adds to the weight.
    pub(crate) fn product(&self) -> Result<Product> {
        Ok(Product { a: self.a.to_tensor()?, b: self.b.to_tensor()?, rank: self.rank, scale: self.scale })
    }

    /// Runs something with the pair's values; `seed` is that of its dropout.
    pub(crate) fn with<R>(&self, seed: Option<u64>, run: impl FnOnce(lora::Adapter<'_>) -> R) -> Result<R> {
        let (a, b) = (self.a.values()?, self.b.values()?);
        let dropout = seed.filter(|_| self.dropout > 0.0).map(|seed| Dropout { rate: self.dropout, seed });
        Ok(run(lora::Adapter { a: &a, b: &b, rank: self.rank, scale: self.scale, dropout }))
    }
}

impl Linear {
    /// The weight, then the bias, then the adapter's.
    pub(crate) fn weights(&self) -> impl Iterator<Item = &Weight> {
        let pair = self.adapter.iter().flat_map(|pair| [&pair.a, &pair.b]);
        std::iter::once(&self.weight).chain(&self.bias).chain(pair)
    }
}
