//! The size of a product, and where it goes: before and after its rows and columns are handed to tasks.

use half::bf16;

use super::shared::Shared;
use super::tile;

/// Rows, columns, distance of the rows and factor of a product.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub(crate) m: usize,
    pub(crate) n: usize,
    pub(crate) stride: usize,
    pub(crate) alpha: f32,
}

/// Where a product goes.
pub(crate) enum Out<'a> {
    /// In place of what is there.
    F32(&'a mut [f32]),
    /// Added to what is there.
    Add(&'a mut [f32]),
    /// Added to these, in place of what is there.
    Onto(&'a [f32], &'a mut [f32]),
    /// Rounded, in place of what is there.
    Bf16(&'a mut [bf16]),
}

/// The same, for many tasks.
#[derive(Clone, Copy)]
pub(super) enum SharedOut<'a> {
    F32(Shared<'a, f32>),
    Add(Shared<'a, f32>),
    Onto(&'a [f32], Shared<'a, f32>),
    Bf16(Shared<'a, bf16>),
}

impl<'a> Out<'a> {
    pub(super) fn shared(self) -> SharedOut<'a> {
        match self {
            Out::F32(c) => SharedOut::F32(Shared::new(c)),
            Out::Add(c) => SharedOut::Add(Shared::new(c)),
            Out::Onto(from, c) => {
                assert!(from.len() >= c.len(), "what is added to is as large as the result");
                SharedOut::Onto(from, Shared::new(c))
            }
            Out::Bf16(c) => SharedOut::Bf16(Shared::new(c)),
        }
    }

    /// Values.
    pub(super) fn len(&self) -> usize {
        match self {
            Out::F32(c) | Out::Add(c) | Out::Onto(_, c) => c.len(),
            Out::Bf16(c) => c.len(),
        }
    }
}

impl SharedOut<'_> {
    /// From a value on.
    #[inline(always)]
    pub(super) fn at(self, offset: usize) -> tile::Destination {
        match self {
            SharedOut::F32(c) => tile::Destination::Replace(c.pointer(offset)),
            SharedOut::Add(c) => tile::Destination::Add(c.pointer(offset), c.pointer(offset)),
            SharedOut::Onto(from, c) => tile::Destination::Add(from[offset..].as_ptr(), c.pointer(offset)),
            SharedOut::Bf16(c) => tile::Destination::Bf16(c.pointer(offset)),
        }
    }
}
