//! Linear layers that read the same rows: each is a product of its own here; backwards, their parts are summed at once.

use candle_core::Result;

use super::ops::linear::{self, Form, Summand, To};
use super::ops::{bias, lora};
use super::storage::activation::{Activation, Lent, View};
use super::storage::linear::Linear;
use super::storage::stream::Stream;
use super::storage::weight::{Gradients, Weight};
use crate::Precision;
use crate::backend::run::Run;

/// What the backward of a linear layer wants from its forward: the inner values of the adapter, if there is one.
pub(crate) type Inner = Option<Activation>;

/// The layers of a group.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    linears: Vec<Linear>,
    /// The first one's place in [`crate::layout::MODULES`].
    first: usize,
}

impl Group {
    /// These layers of a block, of which the first is at `first`.
    pub(crate) fn new(linears: &[Linear], first: usize) -> Self {
        Self { linears: linears.to_vec(), first }
    }

    fn seed(&self, run: &Run, block: usize, number: usize) -> Option<u64> {
        run.seed((block, self.first + number))
    }

    /// Each layer's outputs.
    pub(crate) fn forward(&self, run: &Run, block: usize, x: View<'_>) -> Result<(Vec<Activation>, Vec<Inner>)> {
        let each = self.linears.iter().enumerate().map(|(number, linear)| {
            let mut y = Activation::room(run.precision, run.tokens.len() * linear.size.0);
            let inner = forward(linear, x, self.seed(run, block, number), To::Activation(&mut y))?;
            Ok((y, inner))
        });
        each.collect()
    }

    /// The only layer's outputs, added to `onto`.
    pub(crate) fn add(&self, run: &Run, block: usize, x: View<'_>, (onto, y): (&[f32], &mut [f32])) -> Result<Inner> {
        forward(&self.linears[0], x, self.seed(run, block, 0), To::Onto(onto, y))
    }
}

/// A layer's outputs.
fn forward(layer: &Linear, x: View<'_>, seed: Option<u64>, to: To<'_>) -> Result<Inner> {
    let (n, k) = layer.size;
    let held = layer.weight.held()?;
    let mut summands = vec![Summand { x, w: held.numbers(), form: Form::Transposed, reduction: k }];
    let bias = layer.bias.as_ref().map(Weight::values).transpose()?;
    let ones = bias.as_ref().map(|_| bias::ones(x.precision(), x.len() / k));
    if let (Some(bias), Some(ones)) = (&bias, &ones) {
        summands.push(bias::forward(ones, bias));
    }
    let Some(pair) = &layer.adapter else {
        linear::sum(&summands, n, 1.0, to);
        return Ok(None);
    };
    pair.with(seed, |adapter| {
        let inner = adapter.inner(x, k);
        linear::sum(&[summands.as_slice(), &[adapter.forward(&inner)]].concat(), n, 1.0, to);
        Some(inner)
    })
}

/// One of a group's layers, in the backward.
struct Branch<'a> {
    linear: &'a Linear,
    /// Gradient by its output. Shape: [T, N].
    g: Lent<'a>,
    /// h = s g B, where it has an adapter.
    outer: Option<Activation>,
    /// Seed of its dropout.
    seed: Option<u64>,
}

/// The gradient by a group's outputs, from which those by its input and its weights are made.
pub(crate) struct GroupGradient<'a> {
    branches: Vec<Branch<'a>>,
}

impl<'a> GroupGradient<'a> {
    /// Of a group of one layer, whose output is added to the residual stream.
    pub(crate) fn of_sum(run: &Run, block: usize, group: &'a Group, g: &'a mut Stream) -> Result<Self> {
        Self::new(run, block, group, vec![g.lent(run.precision)])
    }

    /// Of a group whose layers have outputs of their own.
    pub(crate) fn of_outputs(run: &Run, block: usize, group: &'a Group, g: &'a [Activation]) -> Result<Self> {
        Self::new(run, block, group, g.iter().map(Activation::lent).collect())
    }

    fn new(run: &Run, block: usize, group: &'a Group, g: Vec<Lent<'a>>) -> Result<Self> {
        let each = group.linears.iter().zip(g).enumerate().map(|(number, (linear, g))| {
            let seed = group.seed(run, block, number);
            let pair = linear.adapter.as_ref();
            let outer =
                pair.map(|pair| pair.with(seed, |adapter| adapter.outer(g.view(), linear.size.0))).transpose()?;
            Ok(Branch { linear, g, outer, seed })
        });
        Ok(Self { branches: each.collect::<Result<_>>()? })
    }

    /// Width of the group's input.
    pub(crate) fn inputs(&self) -> usize {
        self.branches[0].linear.size.1
    }

    /// Writes the gradient by the input: the sum of all layers'.
    pub(crate) fn write(&self, to: To<'_>) -> Result<()> {
        let k = self.inputs();
        if self.branches.iter().any(Branch::drops) {
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
            summands.push(Summand { x: branch.g.view(), w: weights[i].numbers(), form: Form::Plain, reduction: n });
            if let (Some(h), Some(a), Some(pair)) = (&branch.outer, &pairs[i], &branch.linear.adapter) {
                summands.push(lora::by_dropped(a, pair.rank, h));
            }
        }
        linear::sum(&summands, k, 1.0, to);
        Ok(())
    }

    /// Where an adapter drops inputs, its part must pass the mask before it is added.
    fn write_with_dropout(&self, k: usize, to: To<'_>) -> Result<()> {
        let t = self.branches[0].g.view().len() / self.branches[0].linear.size.0;
        let mut total = vec![0.0; t * k];
        for branch in &self.branches {
            let held = branch.linear.weight.held()?;
            let n = branch.linear.size.0;
            let own = Summand { x: branch.g.view(), w: held.numbers(), form: Form::Plain, reduction: n };
            linear::sum(&[own], k, 1.0, To::Add(&mut total));
        }
        for branch in &self.branches {
            let (Some(pair), Some(h)) = (&branch.linear.adapter, &branch.outer) else { continue };
            let mut part = Activation::room(Precision::F32, total.len());
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

    /// Adds the gradients by whatever is trained in the layers, whose input was `x` and whose adapters' inner values
    /// were `inner`.
    pub(crate) fn weights(&self, x: View<'_>, inner: &[Inner], gradients: &mut Gradients) -> Result<()> {
        for (branch, inner) in self.branches.iter().zip(inner) {
            let layer = branch.linear;
            if let Some(gw) = gradients.of(&layer.weight) {
                linear::backward_weight(branch.g.view(), x, gw, layer.size);
            }
            if let Some(gb) = layer.bias.as_ref().and_then(|bias| gradients.of(bias)) {
                bias::backward(branch.g.view(), gb);
            }
            if let (Some(pair), Some(inner), Some(h)) = (&layer.adapter, inner, &branch.outer) {
                let both = gradients.of_both(&pair.a, &pair.b);
                pair.with(branch.seed, |adapter| {
                    adapter.backward_weights((x, inner, branch.g.view()), h, both, layer.size);
                })?;
            }
        }
        Ok(())
    }
}

impl Branch<'_> {
    /// Whether its adapter drops inputs.
    fn drops(&self) -> bool {
        self.seed.is_some() && self.linear.adapter.as_ref().is_some_and(|pair| pair.dropout > 0.0)
    }
}
