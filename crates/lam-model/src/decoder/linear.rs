//! A linear layer of a block: its weight, and perhaps an adapter beside it.

use candle_core::Result;

use crate::backend::ops::dropout::Dropout;
use crate::backend::ops::linear::{self, Form, Summand, To};
use crate::backend::ops::lora;
use crate::backend::storage;
use crate::backend::storage::activation::{Activation, View};
use crate::backend::storage::weight::{Gradients, Weight};

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
    /// Numerator of the scale.
    pub(crate) alpha: f64,
    pub(crate) scale: f32,
    pub(crate) dropout: f64,
}

/// What the backward of a linear layer wants from its forward: the inner values of the adapter, if there is one.
pub(crate) type Inner = Option<Activation>;

/// One of the layers that share an input, in the backward.
pub(crate) struct Branch<'a> {
    pub(crate) linear: &'a Linear,
    /// Gradient by its output. Shape: [T, N].
    pub(crate) g: View<'a>,
    pub(crate) inner: &'a Inner,
    /// Seed of its dropout.
    pub(crate) seed: Option<u64>,
}

impl LoraPair {
    fn with<R>(&self, seed: Option<u64>, run: impl FnOnce(lora::Adapter<'_>) -> R) -> Result<R> {
        let (a, b) = (self.a.values()?, self.b.values()?);
        let dropout = seed.filter(|_| self.dropout > 0.0).map(|seed| Dropout { rate: self.dropout, seed });
        Ok(run(lora::Adapter { a: &a, b: &b, rank: self.rank, scale: self.scale, dropout }))
    }
}

impl Linear {
    /// The layer's output.
    pub(crate) fn forward(&self, x: View<'_>, seed: Option<u64>, to: To<'_>) -> Result<Inner> {
        let (n, k) = self.size;
        let held = self.weight.held()?;
        let own = Summand { x, w: held.numbers(), form: Form::Transposed, reduction: k };
        let Some(pair) = &self.adapter else {
            linear::sum(&[own], n, 1.0, to);
            return Ok(None);
        };
        pair.with(seed, |adapter| {
            let inner = adapter.inner(x, k);
            linear::sum(&[own, adapter.forward(&inner)], n, 1.0, to);
            Some(inner)
        })
    }

    /// The weight, then the adapter's.
    pub(crate) fn weights(&self) -> impl Iterator<Item = &Weight> {
        std::iter::once(&self.weight).chain(self.adapter.iter().flat_map(|pair| [&pair.a, &pair.b]))
    }

    /// Weight plus scale × B A, where there is an adapter.
    pub(crate) fn merged(&self) -> Result<Option<candle_core::Tensor>> {
        let Some(pair) = &self.adapter else { return Ok(None) };
        let held = self.weight.held()?;
        let merged = pair.with(None, |adapter| lora::merged(held.numbers(), adapter, self.size))?;
        Ok(Some(storage::tensor(merged, self.size)?))
    }
}

/// Gradient by the input that some layers share: the sum of theirs.
pub(crate) struct InputGradient<'a> {
    branches: &'a [Branch<'a>],
    /// h = s g B of each layer with an adapter.
    outer: Vec<Option<Activation>>,
}

impl<'a> InputGradient<'a> {
    pub(crate) fn new(branches: &'a [Branch<'a>]) -> Result<Self> {
        let outer = |branch: &Branch<'_>| {
            let pair = branch.linear.adapter.as_ref();
            pair.map(|pair| pair.with(branch.seed, |adapter| adapter.outer(branch.g, branch.linear.size.0))).transpose()
        };
        Ok(Self { branches, outer: branches.iter().map(outer).collect::<Result<_>>()? })
    }

    /// Writes the gradient by the input.
    pub(crate) fn write(&self, to: To<'_>) -> Result<()> {
        let k = self.branches[0].linear.size.1;
        if self.dropped().next().is_some() {
            return self.write_with_dropout(k, to);
        }
        let weights = self.branches.iter().map(|branch| branch.linear.weight.held()).collect::<Result<Vec<_>>>()?;
        let pairs: Vec<_> = self
            .branches
            .iter()
            .map(|branch| branch.linear.adapter.as_ref().map(|pair| pair.a.values()).transpose())
            .collect::<Result<_>>()?;
        let mut summands = Vec::new();
        for (i, branch) in self.branches.iter().enumerate() {
            let n = branch.linear.size.0;
            summands.push(Summand { x: branch.g, w: weights[i].numbers(), form: Form::Plain, reduction: n });
            if let (Some(h), Some(a), Some(pair)) = (&self.outer[i], &pairs[i], &branch.linear.adapter) {
                summands.push(lora::by_dropped(a, pair.rank, h));
            }
        }
        linear::sum(&summands, k, 1.0, to);
        Ok(())
    }

    /// Branches whose adapter drops inputs: their part must pass the mask before it is added.
    fn dropped(&self) -> impl Iterator<Item = (usize, &Branch<'a>)> {
        let drops = |branch: &Branch<'_>| {
            branch.seed.is_some() && branch.linear.adapter.as_ref().is_some_and(|pair| pair.dropout > 0.0)
        };
        self.branches.iter().enumerate().filter(move |(_, branch)| drops(branch))
    }

    fn write_with_dropout(&self, k: usize, to: To<'_>) -> Result<()> {
        let t = self.branches[0].g.len() / self.branches[0].linear.size.0;
        let mut total = vec![0.0; t * k];
        for branch in self.branches {
            let held = branch.linear.weight.held()?;
            let n = branch.linear.size.0;
            let own = Summand { x: branch.g, w: held.numbers(), form: Form::Plain, reduction: n };
            linear::sum(&[own], k, 1.0, To::Add(&mut total));
        }
        for (branch, h) in self.branches.iter().zip(&self.outer) {
            let (Some(pair), Some(h)) = (&branch.linear.adapter, h) else { continue };
            let mut part = Activation::F32(vec![0.0; total.len()]);
            pair.with(branch.seed, |adapter| {
                linear::sum(&[adapter.backward(h)], k, 1.0, To::Activation(&mut part));
                if let Some(dropout) = adapter.dropout {
                    dropout.apply(&mut part);
                }
            })?;
            if let Activation::F32(part) = &part {
                To::Add(&mut total).put(part);
            }
        }
        to.put(&total);
        Ok(())
    }

    /// Gradients by whatever is trained in the layers, whose input was `x`.
    pub(crate) fn weights(&self, x: View<'_>, gradients: &mut Gradients) -> Result<()> {
        for (branch, h) in self.branches.iter().zip(&self.outer) {
            let Branch { linear: layer, g, inner, seed } = branch;
            if let Some(gw) = gradients.of(&layer.weight) {
                linear::backward_weight(*g, x, gw, layer.size);
            }
            if let (Some(pair), Some(inner), Some(h)) = (&layer.adapter, inner, h) {
                let both = gradients.of_both(&pair.a, &pair.b);
                pair.with(*seed, |adapter| adapter.backward_weights((x, inner, *g), h, both, layer.size))?;
            }
        }
        Ok(())
    }
}
