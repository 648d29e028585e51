//! A right side that is packed once and used often.

use std::ops::Range;

use half::bf16;
use rayon::prelude::*;

use super::out::{Out, Size};
use super::panel::{self, Right, WIDTH, Words};
use super::tile::{self, Piece, Put};
use super::tiles::{self, Laid, Left, Unit, Work};

/// Columns of a vector; a panel's width is a multiple.
const LANES: usize = 16;
/// The same for tiles, two of which are side by side.
const TILE_LANES: usize = 32;
/// Pairs of zeros after a panel for tiles, so that the last step of any part can be read whole.
const AFTER: usize = 15;

/// A right side in panels.
pub(crate) struct PackedMatrix {
    words: Words,
    columns: usize,
    pairs: usize,
    unit: Option<Unit>,
}

/// A part of a packed right side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// First column; a multiple of [`WIDTH`].
    pub(crate) column: usize,
    /// First pair of the reduction, and how many.
    pub(crate) pair: usize,
    pub(crate) pairs: usize,
}

impl PackedMatrix {
    /// Packs `columns` over `reduction`.
    pub(crate) fn new(right: Right<'_>, columns: Range<usize>, reduction: Range<usize>) -> Self {
        Self::for_unit(Unit::here(), right, columns, reduction)
    }

    /// As [`PackedMatrix::new`], for tiles where there is a unit.
    pub(super) fn for_unit(
        unit: Option<Unit>,
        right: Right<'_>,
        columns: Range<usize>,
        reduction: Range<usize>,
    ) -> Self {
        let mut packed = Self::room(unit, columns.len(), reduction.len().div_ceil(2));
        let (height, pairs) = (packed.height(), packed.pairs);
        for (panel, words) in packed.words.chunks_mut((WIDTH * height).max(1)).enumerate() {
            pack(right, (columns.clone(), panel), reduction.clone(), (height, pairs), words);
        }
        packed
    }

    /// As [`PackedMatrix::new`] for vectors, on all threads.
    pub(super) fn in_parallel(right: Right<'_>, columns: Range<usize>, reduction: Range<usize>) -> Self {
        let mut packed = Self::room(None, columns.len(), reduction.len().div_ceil(2));
        let (height, pairs) = (packed.height(), packed.pairs);
        packed.words.par_chunks_mut((WIDTH * height).max(1)).enumerate().for_each(|(panel, words)| {
            pack(right, (columns.clone(), panel), reduction.clone(), (height, pairs), words);
        });
        packed
    }

    fn room(unit: Option<Unit>, columns: usize, pairs: usize) -> Self {
        let mut packed = Self { words: Words::take(0), columns, pairs, unit };
        packed.words = Words::take(packed.filled() * packed.height());
        packed
    }

    /// Pairs that a panel has room for.
    fn height(&self) -> usize {
        self.pairs + if self.unit.is_some() { AFTER } else { 0 }
    }

    /// Columns, filled up.
    fn filled(&self) -> usize {
        self.columns.next_multiple_of(if self.unit.is_some() { TILE_LANES } else { LANES })
    }

    /// Pairs of the reduction.
    pub(super) fn pairs(&self) -> usize {
        self.pairs
    }

    /// Width of the panel that starts at a column.
    pub(super) fn width(&self, column: usize) -> usize {
        (self.filled() - column).min(WIDTH)
    }

    /// The panel that starts at a column.
    pub(super) fn panel(&self, column: usize) -> &[u32] {
        &self.words[column * self.height()..][..self.width(column) * self.pairs]
    }

    /// alpha × left × a part of this, on this thread. Shape: [m, n]. The left rows are `stride` apart, and hold a
    /// zero where the reduction's last pair has only one value.
    pub(crate) fn multiply(&self, part: Part, (left, stride): (&[bf16], usize), size: Size, out: Out<'_>) {
        let Size { m, n, .. } = size;
        if m == 0 || n == 0 {
            return;
        }
        let inside = part.column.is_multiple_of(WIDTH)
            && part.column + n <= self.columns.next_multiple_of(LANES)
            && part.pair + part.pairs <= self.pairs
            && (m - 1) * stride + 2 * part.pairs <= left.len()
            && (m - 1) * size.stride + n <= out.len();
        assert!(inside, "product outside its slices");
        let out = out.shared();
        if let Some(unit) = self.unit {
            let (words, columns, pairs) = (&*self.words, self.filled(), self.height());
            let right = tiles::Right::Laid(Laid { words, columns, pairs, column: part.column, pair: part.pair });
            let terms = [tiles::Term { left: Left::Rows(left, stride), right, reduction: 2 * part.pairs }];
            let Size { stride, alpha, .. } = size;
            // SAFETY: the sizes were just checked, `out` is borrowed here alone, and the unit is this processor's.
            unsafe { unit.multiply(&Work { terms: &terms, rows: 0..m, columns: 0..n, stride, alpha, out }) };
            return;
        }
        for first in (0..n).step_by(WIDTH) {
            let column = part.column + first;
            let width = self.width(column);
            let panel = self.panel(column)[part.pair * width..].as_ptr();
            let piece = Piece { left: left.as_ptr(), row: 2 * stride, step: 4, pairs: part.pairs, panel };
            let to = out.at(first);
            let put = Put { to, stride: size.stride, columns: width.min(n - first), alpha: size.alpha };
            // SAFETY: the sizes were just checked, and `out` is borrowed here alone.
            unsafe { tile::rows(width / LANES, m, &[piece], None, put) };
        }
    }
}

/// Packs a panel of some columns into words of `height` pairs, of which `pairs` are used; the others become zero.
fn pack(
    right: Right<'_>,
    (columns, panel): (Range<usize>, usize),
    reduction: Range<usize>,
    (height, pairs): (usize, usize),
    words: &mut [u32],
) {
    let first = columns.start + panel * WIDTH;
    let width = words.len() / height.max(1);
    let (used, after) = words.split_at_mut(width * pairs);
    if pairs > 0 {
        panel::pack(right, first..columns.end.min(first + WIDTH), reduction, width, used);
    }
    after.fill(0);
}
