//! Numbers in any of the forms in which weights and activations are stored, lent to whoever computes with them.

use std::ops::Range;

use half::bf16;

use super::blocks::Blocks;
use super::dispatch::dispatched;
use super::element::Element;

/// Numbers as they are stored, lent: rows of a weight or of an activation.
#[derive(Clone, Copy)]
pub(crate) enum Numbers<'a> {
    /// Rounded to bf16 on the way.
    F32(&'a [f32]),
    Bf16(&'a [bf16]),
    /// Quantised; expanded to bf16 on the way.
    Blocks(&'a Blocks),
}

impl Numbers<'_> {
    /// Values in f32.
    pub(crate) fn to_f32(self, range: Range<usize>) -> Vec<f32> {
        let mut values = vec![0.0; range.len()];
        self.write_f32(range.start, &mut values);
        values
    }

    /// Values from `start` on, in f32.
    pub(crate) fn write_f32(self, start: usize, out: &mut [f32]) {
        match self {
            Numbers::F32(values) => out.copy_from_slice(&values[start..start + out.len()]),
            Numbers::Bf16(values) => widen(&values[start..start + out.len()], out),
            Numbers::Blocks(blocks) => {
                let mut values = vec![bf16::ZERO; out.len()];
                blocks.expand(start, &mut values);
                widen(&values, out);
            }
        }
    }

    /// A part of a row, rounded into `out`, or where it lies.
    pub(super) fn row<'s>(&'s self, start: usize, out: &'s mut [bf16]) -> &'s [bf16] {
        match *self {
            Numbers::Bf16(values) => &values[start..start + out.len()],
            Numbers::F32(values) => {
                round(&values[start..start + out.len()], out);
                out
            }
            Numbers::Blocks(blocks) => {
                blocks.expand(start, out);
                out
            }
        }
    }
}

dispatched! {
    /// y := x.
    fn widen(x: &[bf16], y: &mut [f32]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = x.wide();
        }
    }
}
dispatched! {
    /// y := x in bf16.
    fn round(x: &[f32], y: &mut [bf16]) {
        for (y, x) in y.iter_mut().zip(x) {
            *y = bf16::narrow(*x);
        }
    }
}
