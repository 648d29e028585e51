//! What a run of the decoder is about, whatever device computes it: which documents, where, with which constants.

use std::sync::Arc;

pub(crate) use super::heads::Heads;

use super::cpu::ops::dropout::Dropout;
use super::cpu::ops::rope::Rope;
use crate::Precision;
use crate::batch::Span;

/// What a run of the decoder is about.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// Shape: `[T]`.
    pub(crate) tokens: Vec<u32>,
    pub(crate) spans: Vec<Span>,
    /// Each token's place in its text. Shape: `[T]`.
    pub(crate) positions: Vec<usize>,
    pub(crate) rope: Arc<Rope>,
    pub(crate) heads: Heads,
    pub(crate) eps: f32,
    pub(crate) precision: Precision,
    pub(crate) dropout_seed: Option<u64>,
}

/// Where a layer is: its block's number, and its own in [`crate::layout::MODULES`].
pub(crate) type Place = (usize, usize);

impl Run {
    /// Where the dropout before a layer is drawn from, if anything is dropped.
    pub(crate) fn seed(&self, (block, module): Place) -> Option<u64> {
        self.dropout_seed.map(|seed| Dropout { rate: 0.0, seed }.at((block * 7 + module) as u64).seed)
    }
}
