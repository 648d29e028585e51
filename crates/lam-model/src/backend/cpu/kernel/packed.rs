//! A side of a product that is packed once and used often, for vectors.

use std::ops::Range;

use rayon::prelude::*;

use super::panel::{self, Right, WIDTH, Words};

/// Columns of a vector; a panel's width is a multiple.
const LANES: usize = 16;

/// A side in panels.
pub(super) struct PackedMatrix {
    words: Words,
    columns: usize,
    pairs: usize,
}

impl PackedMatrix {
    /// Packs `columns` over `reduction`, on all threads.
    pub(super) fn in_parallel(right: Right<'_>, columns: Range<usize>, reduction: Range<usize>) -> Self {
        let pairs = reduction.len().div_ceil(2);
        let words = Words::take(columns.len().next_multiple_of(LANES) * pairs);
        let mut packed = Self { words, columns: columns.len(), pairs };
        packed.words.par_chunks_mut((WIDTH * pairs).max(1)).enumerate().for_each(|(panel, words)| {
            let first = columns.start + panel * WIDTH;
            let own = first..columns.end.min(first + WIDTH);
            panel::pack(right, own, reduction.clone(), words.len() / pairs, words);
        });
        packed
    }

    /// Pairs of the reduction.
    pub(super) fn pairs(&self) -> usize {
        self.pairs
    }

    /// Width of the panel that starts at a column.
    pub(super) fn width(&self, column: usize) -> usize {
        (self.columns.next_multiple_of(LANES) - column).min(WIDTH)
    }

    /// The panel that starts at a column.
    pub(super) fn panel(&self, column: usize) -> &[u32] {
        &self.words[column * self.pairs..][..self.width(column) * self.pairs]
    }
}
