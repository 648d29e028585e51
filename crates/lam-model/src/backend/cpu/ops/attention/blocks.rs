//! Which blocks of keys a block of queries sees, and what of a block where it is not all. Knows no numbers.

use std::ops::Range;

use super::Heads;
use crate::backend::cpu::kernel::tiles::SIDE;
use crate::batch::Span;

/// The blocks of keys that a block of queries sees, ascending.
#[derive(Clone, Debug)]
pub(super) struct KeyBlocks {
    /// Of a prefix that lies apart.
    prefix: Range<usize>,
    own: Range<usize>,
}

impl KeyBlocks {
    pub(super) fn count(&self) -> usize {
        self.prefix.len() + self.own.len()
    }

    /// The block at a place among them.
    #[inline(always)]
    pub(super) fn at(&self, place: usize) -> usize {
        if place < self.prefix.len() { self.prefix.start + place } else { self.own.start + place - self.prefix.len() }
    }

    pub(super) fn contains(&self, block: usize) -> bool {
        self.prefix.contains(&block) || self.own.contains(&block)
    }
}

/// A document's or fork's blocks of `SIDE` rows.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) span: &'a Span,
    /// How far back a row sees, itself included.
    pub(super) window: usize,
}

/// The rows of a range that a block has from a row on, a bit each.
#[inline(always)]
fn bits(range: Range<usize>, from: usize) -> u32 {
    let below = |end: usize| ((1_u64 << end.saturating_sub(from).min(SIDE)) - 1) as u32;
    below(range.end) & !below(range.start)
}

impl<'a> Sight<'a> {
    pub(super) fn new(heads: Heads, span: &'a Span) -> Self {
        Self { span, window: heads.window_in(span) }
    }

    pub(super) fn blocks(&self) -> usize {
        self.span.length.div_ceil(SIDE)
    }

    /// How many rows a block has.
    pub(super) fn rows(&self, block: usize) -> usize {
        SIDE.min(self.span.length - block * SIDE)
    }

    pub(super) fn key_blocks(&self, queries: usize) -> KeyBlocks {
        let first = queries * SIDE;
        let segment = self.span.segment(first).start;
        let own = segment.max((first + 1).saturating_sub(self.window)) / SIDE..queries + 1;
        let shared = if segment == 0 { 0 } else { self.span.shared() };
        KeyBlocks { prefix: 0..shared.div_ceil(SIDE).min(own.start), own }
    }

    /// Whether each query of a block sees each key of another.
    pub(super) fn is_full(&self, queries: usize, keys: usize) -> bool {
        let (query, key) = (queries * SIDE, keys * SIDE);
        let segment = || self.span.segment(query);
        queries > keys
            && query + SIDE <= self.span.length
            && query + SIDE - key <= self.window
            && (self.span.branches.is_empty()
                || query + SIDE <= segment().end && (key + SIDE <= self.span.shared() || key >= segment().start))
    }

    /// Whether two blocks meet on the diagonal of a document that has no window: most of those that are not full.
    fn is_diagonal(&self, queries: usize, keys: usize) -> bool {
        queries == keys && self.window >= SIDE && self.span.branches.is_empty()
    }

    /// Which keys of a block each query of another sees, a bit each.
    pub(super) fn of_queries(&self, queries: usize, keys: usize) -> [u32; SIDE] {
        if self.is_diagonal(queries, keys) {
            let rows = self.rows(queries);
            return std::array::from_fn(|row| if row < rows { u32::MAX >> (SIDE - 1 - row) } else { 0 });
        }
        let seen = |place: usize| {
            let (shared, own) = self.keys_of(place);
            bits(0..shared, keys * SIDE) | bits(own, keys * SIDE)
        };
        let place = |row: usize| queries * SIDE + row;
        std::array::from_fn(|row| if place(row) < self.span.length { seen(place(row)) } else { 0 })
    }

    /// Which queries of a block see each key of another, a bit each.
    pub(super) fn of_keys(&self, queries: usize, keys: usize) -> [u32; SIDE] {
        let place = |row: usize| keys * SIDE + row;
        if self.is_diagonal(queries, keys) {
            let rows = self.rows(queries);
            return std::array::from_fn(|row| u32::MAX << row & u32::MAX >> (SIDE - rows));
        }
        let seen = |place: usize| bits(self.queries_of(place), queries * SIDE);
        std::array::from_fn(|row| if place(row) < self.span.length { seen(place(row)) } else { 0 })
    }

    /// The keys that a query sees: so many of the prefix, and those of its own text.
    pub(super) fn keys_of(&self, query: usize) -> (usize, Range<usize>) {
        let segment = self.span.segment(query).start;
        let shared = if segment == 0 { 0 } else { self.span.shared() };
        (shared, segment.max((query + 1).saturating_sub(self.window))..query + 1)
    }

    /// The queries that see a key.
    fn queries_of(&self, key: usize) -> Range<usize> {
        let last = if key < self.span.shared() { self.span.length } else { self.span.segment(key).end };
        key..key.saturating_add(self.window).min(last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sees(sight: &Sight<'_>, query: usize, key: usize) -> bool {
        let Span { branches, length, .. } = sight.span;
        let branch = |place: usize| branches.iter().rposition(|&start| start <= place);
        query < *length
            && key <= query
            && query - key < sight.window
            && (branch(key).is_none() || branch(key) == branch(query))
    }

    #[test]
    fn blocks_hold_what_each_row_sees() {
        for (lengths, window) in [
            (&[1_usize][..], usize::MAX),
            (&[100], usize::MAX),
            (&[131], 65),
            (&[200], 3),
            (&[71, 5, 1, 9, 2], usize::MAX),
            (&[21, 60, 50, 41], usize::MAX),
            (&[64, 64, 96], usize::MAX),
            (&[7, 128, 3], usize::MAX),
        ] {
            let span = Span::new(5, lengths);
            let sight = Sight { span: &span, window };
            for queries in 0..sight.blocks() {
                let seen = sight.key_blocks(queries);
                let listed: Vec<usize> = (0..seen.count()).map(|place| seen.at(place)).collect();
                assert!(listed.is_sorted_by(|a, b| a < b), "{lengths:?} {listed:?}");
                for keys in 0..sight.blocks() {
                    let (by_query, by_key) = (sight.of_queries(queries, keys), sight.of_keys(queries, keys));
                    let (mut any, mut all) = (false, true);
                    for (i, k) in (0..SIDE).flat_map(|i| (0..SIDE).map(move |k| (i, k))) {
                        let right = sees(&sight, queries * SIDE + i, keys * SIDE + k);
                        let name = format!("{lengths:?} {window}: {queries} {keys}, {i} {k}");
                        assert_eq!(by_query[i] >> k & 1 == 1, right, "{name}");
                        assert_eq!(by_key[k] >> i & 1 == 1, right, "{name}");
                        (any, all) = (any | right, all & right);
                    }
                    assert!(!any || seen.contains(keys), "{lengths:?} {window}: {queries} sees {keys}");
                    assert_eq!(listed.contains(&keys), seen.contains(keys));
                    assert!(!sight.is_full(queries, keys) || all, "{lengths:?} {window}: {queries} {keys}");
                    let document = span.branches.is_empty();
                    assert!(!document || sight.is_full(queries, keys) == all, "{lengths:?} {window}: {queries} {keys}");
                }
            }
        }
    }
}
