//! Which rows of a batch belong to one document, or to texts that share a prefix. Knows no tokens.

use std::ops::Range;

/// Rows of a document; or of a prefix and, after it, of the texts that continue it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) length: usize,
    /// Places at which the branches begin, ascending; empty for a document. The prefix ends where the first starts.
    pub(crate) branches: Vec<usize>,
}

impl Span {
    /// Rows from `start` on: a document, or a prefix and its branches.
    pub(crate) fn new(start: usize, lengths: &[usize]) -> Self {
        let mut length = 0;
        let ends: Vec<usize> = lengths
            .iter()
            .map(|segment| {
                length += segment;
                length
            })
            .collect();
        Self { start, length, branches: ends[..ends.len() - 1].to_vec() }
    }

    /// Rows of the prefix; 0 in a document.
    pub(crate) fn shared(&self) -> usize {
        self.branches.first().copied().unwrap_or(0)
    }

    /// The segment that holds a place: the document, the prefix, or a branch.
    pub(crate) fn segment(&self, place: usize) -> Range<usize> {
        let next = self.branches.partition_point(|&start| start <= place);
        let start = next.checked_sub(1).map_or(0, |branch| self.branches[branch]);
        start..self.branches.get(next).copied().unwrap_or(self.length)
    }

    /// The place in its text.
    pub(crate) fn position(&self, place: usize) -> usize {
        match self.segment(place).start {
            0 => place,
            start => self.shared() + place - start,
        }
    }
}
