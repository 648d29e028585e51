//! One matrix product of the decoder by itself, to be measured against what the processor can do.

use half::bf16;

use crate::Precision;
use crate::backend::cpu::kernel::blocks::{BlockForm, Blocks};
use crate::backend::cpu::kernel::numbers::Numbers;
use crate::backend::ops::linear::{self, Form, Summand, To};
use crate::backend::storage::activation::{Activation, rounded};

/// A frozen weight w [N, K], an input x [M, K] and an output gradient g [M, N], all in one precision.
pub struct MatrixProduct {
    x: Activation,
    g: Activation,
    w: Frozen,
    size: (usize, usize),
}

enum Frozen {
    F32(Vec<f32>),
    Bf16(Vec<bf16>),
    Blocks(Blocks),
}

/// Small values without a pattern.
fn values(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + i / 13) % 1009) as f32 / 1009.0 - 0.5).collect()
}

impl MatrixProduct {
    /// Shapes as above.
    pub fn new((m, n, k): (usize, usize, usize), precision: Precision) -> Self {
        let activation = |count| match precision {
            Precision::F32 => Activation::F32(values(count).into()),
            Precision::Bf16 => Activation::Bf16(rounded(&values(count)).into()),
        };
        let w = match precision {
            Precision::F32 => Frozen::F32(values(n * k)),
            Precision::Bf16 => Frozen::Bf16(rounded(&values(n * k))),
        };
        Self { x: activation(m * k), g: activation(m * n), w, size: (n, k) }
    }

    /// The same in bf16 by a weight in GGUF's blocks of 8 or 4 bits; none for other bits, or for K that they do not divide.
    pub fn quantised((m, n, k): (usize, usize, usize), bits: u8) -> Option<Self> {
        let blocks = Blocks::of_values(&values(n * k), BlockForm::of(bits, k)?).ok()?;
        Some(Self { w: Frozen::Blocks(blocks), ..Self::new((m, n, k), Precision::Bf16) })
    }

    /// Floating-point operations of one product.
    pub fn operations(&self) -> usize {
        2 * self.x.len() * self.size.0
    }

    /// g = x wᵀ, as in the forward pass.
    pub fn forward(&mut self) {
        let (n, k) = self.size;
        let summand = Summand { x: self.x.view(), w: self.w.numbers(), form: Form::Transposed, reduction: k };
        linear::sum(&[summand], n, 1.0, To::Activation(&mut self.g));
    }

    /// x = g w, as in the backward pass.
    pub fn backward(&mut self) {
        let (n, k) = self.size;
        let summand = Summand { x: self.g.view(), w: self.w.numbers(), form: Form::Plain, reduction: n };
        linear::sum(&[summand], k, 1.0, To::Activation(&mut self.x));
    }
}

impl Frozen {
    fn numbers(&self) -> Numbers<'_> {
        match self {
            Self::F32(values) => Numbers::F32(values),
            Self::Bf16(values) => Numbers::Bf16(values),
            Self::Blocks(blocks) => Numbers::Blocks(blocks),
        }
    }
}
