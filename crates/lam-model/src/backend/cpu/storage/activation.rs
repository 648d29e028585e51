//! Activations in the precision of the run: f32, or bf16 with f32 sums.

use half::bf16;
use half::vec::HalfBitsVecExt;
use rayon::prelude::*;

use super::buffer::Buffer;
use crate::Precision;
use crate::backend::cpu::kernel::dispatch::dispatched;
use crate::backend::cpu::kernel::element::Element;

/// Rows of an activation.
#[derive(Clone, Debug)]
pub(crate) enum Activation {
    F32(Buffer<f32>),
    Bf16(Buffer<bf16>),
}

/// Rows of an activation, lent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum View<'a> {
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
}

/// Values in the precision of a run: lent as they are, or rounded.
pub(crate) enum Lent<'a> {
    As(View<'a>),
    Rounded(Buffer<bf16>),
}

const CHUNK: usize = 1 << 14;

dispatched! {
    fn convert<E: Element>(x: &[f32], y: &mut [E]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = E::narrow(*x);
        }
    }
}

/// `x` rounded.
pub(crate) fn rounded(x: &[f32]) -> Vec<bf16> {
    let mut y: Vec<bf16> = vec![0_u16; x.len()].reinterpret_into();
    round_all(x, &mut y);
    y
}

/// `x` rounded into `y`, on all threads.
pub(super) fn round_all(x: &[f32], y: &mut [bf16]) {
    y.par_chunks_mut(CHUNK).zip(x.par_chunks(CHUNK)).for_each(|(y, x)| convert(x, y));
}

/// `x` rounded into `y`, by this thread.
pub(crate) fn round_into(x: &[f32], y: &mut [bf16]) {
    convert(x, y);
}

impl Activation {
    /// `len` values without a meaning, for who writes them all.
    pub(crate) fn room(precision: Precision, len: usize) -> Self {
        match precision {
            Precision::F32 => Self::F32(Buffer::room(len)),
            Precision::Bf16 => Self::Bf16(Buffer::room(len)),
        }
    }

    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Self::F32(values) => View::F32(values),
            Self::Bf16(values) => View::Bf16(values),
        }
    }

    /// As it is, lent.
    pub(crate) fn lent(&self) -> Lent<'_> {
        Lent::As(self.view())
    }

    pub(crate) fn len(&self) -> usize {
        self.view().len()
    }

    /// Takes over f32 values, rounded where this is bf16.
    pub(crate) fn copy_from(&mut self, values: &[f32]) {
        match self {
            Self::F32(own) => own.copy_from_slice(values),
            Self::Bf16(own) => round_all(values, own),
        }
    }
}

impl View<'_> {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::Bf16(values) => values.len(),
        }
    }

    /// The first so many values.
    pub(crate) fn first(self, len: usize) -> Self {
        match self {
            Self::F32(values) => Self::F32(&values[..len]),
            Self::Bf16(values) => Self::Bf16(&values[..len]),
        }
    }

    pub(crate) fn precision(self) -> Precision {
        match self {
            Self::F32(_) => Precision::F32,
            Self::Bf16(_) => Precision::Bf16,
        }
    }

    pub(crate) fn to_activation(self) -> Activation {
        match self {
            Self::F32(values) => Activation::F32(Buffer::of(values)),
            Self::Bf16(values) => Activation::Bf16(Buffer::of(values)),
        }
    }
}

impl<'a> Lent<'a> {
    /// f32 values, rounded where the precision is bf16.
    pub(crate) fn new(values: &'a [f32], precision: Precision) -> Self {
        match precision {
            Precision::F32 => Self::As(View::F32(values)),
            Precision::Bf16 => {
                let mut narrow = Buffer::room(values.len());
                round_all(values, &mut narrow);
                Self::Rounded(narrow)
            }
        }
    }

    pub(crate) fn view(&self) -> View<'_> {
        match self {
            Self::As(view) => *view,
            Self::Rounded(values) => View::Bf16(values),
        }
    }
}
