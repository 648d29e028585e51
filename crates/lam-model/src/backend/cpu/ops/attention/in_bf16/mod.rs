//! Attention in bf16: products of bf16 values with f32 sums, softmax in f32.
//!
//! All work is done in blocks of 32 queries by 32 keys, whose sums leave the tiles for the first cache, become
//! probabilities there, and are rounded into the form that the next product reads. A document's keys and values are
//! packed once for all heads that read them.

mod backward;
mod forward;
mod gradients;
mod pack;

use half::bf16;
use rayon::prelude::*;

use super::Heads;
use super::blocks::Sight;
use crate::backend::cpu::kernel::shared::Shared;
use crate::backend::cpu::kernel::tiles::{Unit, run_by};
use crate::batch::Span;

/// What attention reads. `q` and `k` are rotated.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a> {
    pub(super) q: &'a [bf16],
    pub(super) k: &'a [bf16],
    pub(super) v: &'a [bf16],
    /// Where each document is.
    pub(super) spans: &'a [Span],
}

/// What the backward reads besides the inputs.
#[derive(Clone, Copy)]
pub(super) struct Kept<'a> {
    pub(super) o: &'a [bf16],
    pub(super) logsumexp: &'a [f32],
    pub(super) g: &'a [bf16],
}

/// A document, and a head of keys and values with the query heads that read it.
#[derive(Clone, Copy)]
struct Task<'a> {
    heads: Heads,
    inputs: Inputs<'a>,
    sight: Sight<'a>,
    /// The head of keys and values.
    j: usize,
}

impl Task<'_> {
    /// Values from row to row of queries.
    fn query_width(&self) -> usize {
        self.heads.query * self.heads.dim
    }

    /// Values from row to row of keys.
    fn key_width(&self) -> usize {
        self.heads.key_value * self.heads.dim
    }

    /// The query heads.
    fn group(&self) -> std::ops::Range<usize> {
        let group = self.heads.query / self.heads.key_value;
        self.j * group..(self.j + 1) * group
    }

    /// Where a row of the document is in a query head.
    fn at_query(&self, row: usize, h: usize) -> usize {
        (self.sight.span.start + row) * self.query_width() + h * self.heads.dim
    }

    /// Where a row of the document is in the head of keys and values.
    fn at_key(&self, row: usize) -> usize {
        (self.sight.span.start + row) * self.key_width() + self.j * self.heads.dim
    }
}

/// The factor of scores whose power of two is wanted, not that of e.
fn exponent_factor(heads: Heads) -> f32 {
    heads.factor() * std::f32::consts::LOG2_E
}

/// As [`super::forward`].
pub(super) fn forward(heads: Heads, inputs: Inputs<'_>, o: &mut [bf16], logsumexp: &mut [f32]) {
    forward_by(Unit::here(), heads, inputs, o, logsumexp);
}

/// As [`super::backward`].
pub(super) fn backward(heads: Heads, inputs: Inputs<'_>, kept: Kept<'_>, gradients: [&mut [bf16]; 3]) {
    backward_by(Unit::here(), heads, inputs, kept, gradients);
}

/// As [`forward`], by a unit of this processor, or without tiles.
fn forward_by(unit: Option<Unit>, heads: Heads, inputs: Inputs<'_>, o: &mut [bf16], logsumexp: &mut [f32]) {
    let (o, logsumexp) = (Shared::new(o), Shared::new(logsumexp));
    heads.tasks(inputs.spans).for_each(|(span, j)| {
        let task = Task { heads, inputs, sight: Sight::new(heads, span), j };
        // SAFETY: the processor has the unit.
        unsafe { run_by(unit, forward::Forward { task, o, logsumexp }) };
    });
}

/// As [`backward`], by a unit of this processor, or without tiles.
fn backward_by(unit: Option<Unit>, heads: Heads, inputs: Inputs<'_>, kept: Kept<'_>, gradients: [&mut [bf16]; 3]) {
    let gradients = gradients.map(Shared::new);
    heads.tasks(inputs.spans).for_each(|(span, j)| {
        let task = Task { heads, inputs, sight: Sight::new(heads, span), j };
        // SAFETY: the processor has the unit.
        unsafe { run_by(unit, backward::Backward { task, kept, gradients }) };
    });
}

#[cfg(test)]
mod tests;
